"""The randomised pilot: who gets which offer, and the history that follows."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from features.schema import NO_OFFER
from simulation.effects import OFFERS
from simulation.log import ShopLog
from simulation.purchases import EPOCH, with_refunds
from simulation.response import (
    ShopRun,
    draw_won,
    follow,
    potential_outcomes,
    redeem,
    with_assignment,
    with_coupons,
    won_customers,
)
from simulation.source_tables import in_time

PILOT = "pilot"
PILOT_AT = datetime(2025, 7, 1)
PILOT_DAY = (PILOT_AT - EPOCH) / timedelta(days=1)
# Of the customers: enough for effects of a few points, and no more than a shop would risk.
PILOT_SHARE = 0.2
# Two fifths get nothing: every offer is held against them.
PROPENSITY = {NO_OFFER: 0.4, "discount_10": 0.2, "service_recovery": 0.2, "points": 0.2}


def run_pilot(rng: np.random.Generator, traits: pl.DataFrame, log: ShopLog) -> ShopRun:
    """Draw the pilot, and let the history follow it."""
    outcomes = potential_outcomes(rng, traits, log, PILOT_DAY)
    assigned = assign(rng, traits, outcomes["customer"])
    outcomes = with_assignment(outcomes, assigned)
    if_won = draw_won(rng, traits, log, won_customers(outcomes), PILOT_DAY)
    log = follow(log, outcomes, if_won, PILOT_DAY)
    given = outcomes.filter(pl.col("offer_id").is_not_null())
    offers = redeem(rng, log.orders, given, PILOT_DAY)
    orders = in_time(with_coupons(log.orders, offers))
    return ShopRun(ShopLog(with_refunds(rng, orders), log.feedback), outcomes, offers)


def assign(rng: np.random.Generator, traits: pl.DataFrame, population: pl.Series) -> pl.DataFrame:
    """Pick a fifth of the population among those who consent, and an arm for each."""
    consents = population.filter(traits["marketing_consent"].gather(population)).to_numpy()
    size = min(round(PILOT_SHARE * population.len()), len(consents))
    customer = np.sort(rng.permutation(consents)[:size])
    intended = rng.choice(OFFERS, size)
    offer = np.where(rng.random(size) < PROPENSITY[NO_OFFER], NO_OFFER, intended)
    return pl.DataFrame(
        {"customer": customer, "offer_id": offer, "intended_offer": intended},
        schema_overrides={"customer": pl.Int64, "offer_id": pl.String},
    ).with_columns(
        pl.lit(PILOT).alias("campaign_id"),
        pl.lit(PILOT_AT).alias("offered_at"),
        pl.col("offer_id").replace_strict(PROPENSITY, default=None).alias("propensity"),
    )
