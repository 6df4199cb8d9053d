"""The randomised pilot: who gets which offer, what it changes and what would have happened else."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from features.simulate.purchases import EPOCH, chance_of_order, whole_seconds

PILOT_AT = datetime(2025, 7, 1)
PILOT_DAY = (PILOT_AT - EPOCH) / timedelta(days=1)

OFFERS = ("discount_10", "service_recovery", "points")
NO_OFFER = "none"
PROPENSITY = {NO_OFFER: 0.4, "discount_10": 0.2, "service_recovery": 0.2, "points": 0.2}
PILOT_SHARE = 0.2
EFFECT_DAYS = 90.0

DISCOUNT_OFFER, DISCOUNT = "discount_10", 0.1
FIXED_COST = {NO_OFFER: 0.0, "service_recovery": 8.0, "points": 2.0}

# Rhythm is called regular from this many purchase days on, when the gaps vary less than this.
REGULAR_PURCHASE_DAYS = 4
REGULAR_GAP_VARIATION = 0.5

_IN_EFFECT = pl.col("day").is_between(PILOT_DAY, PILOT_DAY + EFFECT_DAYS, closed="left")
_SATISFACTION = (
    pl.when(pl.col("kind") == "nps")
    .then((pl.col("score") - 5.0) / 5.0)
    .otherwise((pl.col("score") - 3.0) / 2.0)
)


def observe(orders: pl.DataFrame, feedback: pl.DataFrame, as_of: float) -> pl.DataFrame:
    """Compute what the effects depend on, from what was known strictly before `as_of`.

    One row per customer of the population, sorted: `past_orders`, `discount_share` (share of the
    orders that had a discount), `gap_variation` (deviation over mean of the gaps between
    purchase days, null below two gaps), `regular`, `last_satisfaction` (score in [-1, 1] of the
    latest feedback that has one, else null).
    """
    known = orders.filter(pl.col("known_day") < as_of)
    totals = known.group_by("customer").agg(
        past_orders=pl.len(), discount_share=(pl.col("discount_share") > 0).mean()
    )
    purchase_days = known.select("customer", day=pl.col("day").floor()).unique()
    rhythm = (
        purchase_days.sort("customer", "day")
        .with_columns(gap=pl.col("day").diff().over("customer"))
        .group_by("customer")
        .agg(purchase_days=pl.len(), gap_variation=pl.col("gap").std() / pl.col("gap").mean())
    )
    said = feedback.filter(pl.col("known_day") < as_of, pl.col("score").is_not_null())
    last = said.sort("day", "key").group_by("customer").agg(last_satisfaction=_SATISFACTION.last())
    regular = (pl.col("purchase_days") >= REGULAR_PURCHASE_DAYS) & (
        pl.col("gap_variation") < REGULAR_GAP_VARIATION
    )
    return (
        totals.join(rhythm, on="customer")
        .join(last, on="customer", how="left")
        .with_columns(regular=regular.fill_null(False))
        .drop("purchase_days")
        .sort("customer")
    )


def published_effects(observed: pl.DataFrame) -> pl.DataFrame:
    """Give each offer's effect on P(order in 90 days) by the published rules, before clipping."""
    never_discounted = pl.col("discount_share") == 0.0
    return observed.select(
        discount_10=pl.when(pl.col("discount_share") > 0.3)
        .then(0.08)
        .when(pl.col("regular") & never_discounted)
        .then(-0.04)
        .otherwise(0.01),
        service_recovery=pl.when(pl.col("last_satisfaction") < 0.0).then(0.15).otherwise(0.0),
        points=pl.when(pl.col("past_orders") >= 3).then(0.04).otherwise(0.0),
    )


def draw_pilot(
    rng: np.random.Generator, traits: pl.DataFrame, orders: pl.DataFrame, feedback: pl.DataFrame
) -> pl.DataFrame:
    """Draw the pilot: one row per customer of the population, sorted by customer.

    `orders` is the shop without a pilot, so `outcome_none` is read from it. One uniform number u
    per customer, drawn on the side of `p_none` where that outcome lies, is uniform on [0, 1), and
    every other outcome is u < p_offer. `pilot_offer` is null outside the pilot; `outcome_given` is
    the outcome under the offer given, if any.
    """
    observed = observe(orders, feedback, PILOT_DAY)
    population = observed["customer"]
    past = orders.filter(pl.col("day") < PILOT_DAY, pl.col("customer").is_in(population.implode()))
    last = past.sort("day").unique("customer", keep="last").sort("customer")
    p_none = chance_of_order(traits, last, PILOT_DAY, EFFECT_DAYS)
    buyers = orders.filter(_IN_EFFECT)["customer"].unique()
    outcome_none = population.is_in(buyers.implode()).to_numpy()
    spread = rng.random(population.len())
    u = np.where(outcome_none, spread * p_none, p_none + spread * (1.0 - p_none))
    columns = {"p_none": p_none, "outcome_none": outcome_none}
    for offer, published in zip(OFFERS, published_effects(observed), strict=True):
        chance = np.clip(p_none + published.to_numpy(), 0.0, 1.0)
        columns[f"p_{offer}"] = chance
        columns[f"effect_{offer}"] = chance - p_none
        columns[f"outcome_{offer}"] = u < chance
    given = pl.col("outcome_none")
    for offer in OFFERS:
        given = pl.when(pl.col("pilot_offer") == offer).then(f"outcome_{offer}").otherwise(given)
    return (
        observed.with_columns(pl.Series(name, values) for name, values in columns.items())
        .join(_assign(rng, traits, population), on="customer", how="left", maintain_order="left")
        .with_columns(outcome_given=given)
    )


def _assign(rng: np.random.Generator, traits: pl.DataFrame, population: pl.Series) -> pl.DataFrame:
    """Pick a fifth of the population among those who consent, and an arm for each."""
    consents = population.filter(traits["marketing_consent"].gather(population)).to_numpy()
    size = min(round(PILOT_SHARE * population.len()), len(consents))
    customer = np.sort(rng.permutation(consents)[:size])
    intended = rng.choice(OFFERS, size)
    offer = np.where(rng.random(size) < PROPENSITY[NO_OFFER], NO_OFFER, intended)
    return pl.DataFrame(
        {"customer": customer, "pilot_offer": offer, "intended_offer": intended},
        schema_overrides={"customer": pl.Int64, "pilot_offer": pl.String},
    )


def redeem(rng: np.random.Generator, orders: pl.DataFrame, pilot: pl.DataFrame) -> pl.DataFrame:
    """Follow each pilot row to its next order within 90 days, a refusal, or nothing."""
    following = (
        orders.filter(_IN_EFFECT)
        .sort("day", "key")
        .unique("customer", keep="first")
        .select(
            "customer",
            "key",
            redeemed_day="day",
            discount_cost=DISCOUNT * pl.col("price") * (1 - pl.col("discount_share")),
        )
    )
    drawn = pilot.filter(pl.col("pilot_offer").is_not_null())
    refusal = rng.random(drawn.height) < 0.15
    refused_day = whole_seconds(PILOT_DAY + rng.uniform(0.1, 14.0, drawn.height))
    offered = pl.col("pilot_offer") != NO_OFFER
    return (
        drawn.select("customer", "pilot_offer", "intended_offer")
        .with_columns(pl.Series("refused_day", refused_day), pl.Series("refusal", refusal))
        .join(following, on="customer", how="left", maintain_order="left")
        .with_columns(
            redeemed_day=pl.when(offered).then("redeemed_day"),
            refused_day=pl.when(
                offered & pl.col("refusal") & pl.col("redeemed_day").is_null()
            ).then("refused_day"),
            cost=pl.when(pl.col("pilot_offer") == DISCOUNT_OFFER)
            .then(pl.col("discount_cost").round(2))
            .otherwise(pl.col("pilot_offer").replace_strict(FIXED_COST, default=None)),
        )
    )
