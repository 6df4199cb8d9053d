"""What offers change: the published effects, worked out from what is known at an instant."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulation.purchases import chance_of_order

OFFERS = ("discount_10", "service_recovery", "points")
# In days: an offer works for a quarter, as most campaigns are counted.
EFFECT_DAYS = 90.0

# Rhythm is called regular from this many purchase days on, when the gaps vary less than this.
REGULAR_PURCHASE_DAYS = 4
# Deviation over mean of the intervals; 1 is what chance alone gives.
REGULAR_GAP_VARIATION = 0.5

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
    discounted = (pl.col("discount_share") > 0) | pl.col("coupon")
    totals = known.group_by("customer").agg(past_orders=pl.len(), discount_share=discounted.mean())
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


def chances(
    traits: pl.DataFrame, observed: pl.DataFrame, last: pl.DataFrame, as_of: float
) -> pl.DataFrame:
    """Add to `observed` p_none, and p_* and effect_* of each offer, clipped to [0, 1].

    `last` holds the last order before `as_of`, recorded or not, of the same customers.
    """
    p_none = chance_of_order(traits, last, as_of, EFFECT_DAYS)
    columns = {"p_none": p_none}
    for offer, published in zip(OFFERS, published_effects(observed), strict=True):
        chance = np.clip(p_none + published.to_numpy(), 0.0, 1.0)
        columns |= {f"p_{offer}": chance, f"effect_{offer}": chance - p_none}
    return observed.with_columns(pl.Series(name, values) for name, values in columns.items())
