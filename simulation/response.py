"""How customers respond to offers: potential outcomes, and the history that follows from one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from features.schema import NO_OFFER
from simulation.effects import EFFECT_DAYS, OFFERS, chances, observe
from simulation.log import ShopLog, draw_log
from simulation.purchases import Ints, whole_seconds

DISCOUNT_OFFER, DISCOUNT = "discount_10", 0.1
# In the currency, once the offer is used.
FIXED_COST = {NO_OFFER: 0.0, "service_recovery": 8.0, "points": 2.0}
# Of those who do not order: few say so.
REFUSAL_SHARE = 0.15


class ShopRun(NamedTuple):
    """The log that follows a campaign, its potential outcomes, and its offers and controls."""

    log: ShopLog
    outcomes: pl.DataFrame
    offers: pl.DataFrame


def in_effect(day: float) -> pl.Expr:
    """Within the 90 days from `day` in which an offer has its effect."""
    return pl.col("day").is_between(day, day + EFFECT_DAYS, closed="left")


def potential_outcomes(
    rng: np.random.Generator, traits: pl.DataFrame, log: ShopLog, as_of: float
) -> pl.DataFrame:
    """Decide what each customer of the population does under every offer, sorted by customer.

    `log` is the shop without these offers, so `outcome_none` is read from it. One uniform number u
    per customer, drawn on the side of `p_none` where that outcome lies, is uniform on [0, 1), and
    every other outcome is u < p_offer.
    """
    observed = observe(log.orders, log.feedback, as_of)
    population = observed["customer"]
    is_known = pl.col("customer").is_in(population.implode())
    past = log.orders.filter(pl.col("day") < as_of, is_known)
    last = past.sort("day").unique("customer", keep="last").sort("customer")
    found = chances(traits, observed, last, as_of)
    p_none = found["p_none"].to_numpy()
    buyers = log.orders.filter(in_effect(as_of))["customer"].unique()
    outcome_none = population.is_in(buyers.implode()).to_numpy()
    spread = rng.random(population.len())
    u = pl.Series(np.where(outcome_none, spread * p_none, p_none + spread * (1.0 - p_none)))
    outcomes = {f"outcome_{offer}": u < pl.col(f"p_{offer}") for offer in OFFERS}
    return found.with_columns(pl.Series("outcome_none", outcome_none), **outcomes)


def with_assignment(outcomes: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """Add who is given what, null for the others, and `outcome_given`: what each then does."""
    given = pl.col("outcome_none")
    for offer in OFFERS:
        given = pl.when(pl.col("offer_id") == offer).then(f"outcome_{offer}").otherwise(given)
    joined = outcomes.join(assigned, on="customer", how="left", maintain_order="left")
    return joined.with_columns(outcome_given=given)


def won_customers(outcomes: pl.DataFrame) -> Ints:
    """Who orders because of the offer given."""
    won = outcomes.filter(pl.col("outcome_given") & ~pl.col("outcome_none"))
    return won["customer"].to_numpy()


def draw_won(
    rng: np.random.Generator, traits: pl.DataFrame, log: ShopLog, customer: Ints, day: float
) -> ShopLog:
    """Draw what customers do if an offer of `day` makes them order, at a random time in its 90."""
    moment = day + EFFECT_DAYS * rng.random(customer.size)
    return draw_log(rng, traits, customer, moment, first_key=log.next_key)


def follow(log: ShopLog, outcomes: pl.DataFrame, if_won: ShopLog, day: float) -> ShopLog:
    """Rewrite what follows `day` for the customers whose outcome the offer changed.

    Those who were won do what `if_won` says, the others who were swayed leave at `day`.
    """
    swayed = outcomes.filter(pl.col("outcome_given") != pl.col("outcome_none"))
    lost = swayed.filter(~pl.col("outcome_given"))["customer"]
    rewritten = pl.col("customer").is_in(swayed["customer"].implode())
    kept = log.orders.filter((pl.col("day") < day) | ~rewritten)
    leaves = pl.col("customer").is_in(lost.implode()) & (
        pl.col("day") == pl.col("day").max().over("customer")
    )
    kept = kept.with_columns(dropout_day=pl.when(leaves).then(day).otherwise(pl.col("dropout_day")))
    won = pl.Series(won_customers(outcomes))
    added = if_won.orders.filter(pl.col("customer").is_in(won.implode()))
    return log.of(kept).and_also(if_won.of(added))


def redeem(
    rng: np.random.Generator, orders: pl.DataFrame, given: pl.DataFrame, day: float
) -> pl.DataFrame:
    """Follow each offer of `day` to its next order within 90 days, a refusal, or nothing.

    `given` has the columns customer and offer_id; added are key (of that order, controls included),
    redeemed_day, refused_day and cost.
    """
    following = (
        orders.filter(in_effect(day))
        .sort("day", "key")
        .unique("customer", keep="first")
        .select(
            "customer",
            "key",
            redeemed_day="day",
            discount_cost=DISCOUNT * pl.col("price") * (1 - pl.col("discount_share")),
        )
    )
    refusal = rng.random(given.height) < REFUSAL_SHARE
    refused_day = whole_seconds(day + rng.uniform(0.1, 14.0, given.height))
    offered = pl.col("offer_id") != NO_OFFER
    return (
        given.with_columns(pl.Series("refused_day", refused_day), pl.Series("refusal", refusal))
        .join(following, on="customer", how="left", maintain_order="left")
        .with_columns(
            redeemed_day=pl.when(offered).then("redeemed_day"),
            refused_day=pl.when(
                offered & pl.col("refusal") & pl.col("redeemed_day").is_null()
            ).then("refused_day"),
            cost=pl.when(pl.col("offer_id") == DISCOUNT_OFFER)
            .then(pl.col("discount_cost").round(2))
            .otherwise(pl.col("offer_id").replace_strict(FIXED_COST, default=None)),
        )
    )


def with_coupons(orders: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """Mark the orders that redeem a discount."""
    redeeming = offers.filter(pl.col("offer_id") == DISCOUNT_OFFER)["key"].drop_nulls()
    return orders.with_columns(coupon=pl.col("coupon") | pl.col("key").is_in(redeeming.implode()))
