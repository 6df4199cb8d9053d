"""Recency: how long ago things happened."""

from __future__ import annotations

import narwhals as nw

from features.feature import Feature, only, ratio

FAMILY = "recency"
_last, _first = nw.col("order_age").min(), nw.col("order_age").max()
_negative = only(nw.col("age"), nw.col("satisfaction") < 0)
_since_last, _since_first = (
    nw.col("days_since_last_order"),
    nw.col("days_since_first_order"),
)

FEATURES = (
    Feature(
        "days_since_last_order",
        FAMILY,
        "days",
        "days since the last order",
        "orders",
        _last,
    ),
    Feature(
        "days_since_first_order",
        FAMILY,
        "days",
        "days since the first order",
        "orders",
        _first,
    ),
    Feature(
        "days_since_last_refund",
        FAMILY,
        "days",
        "days since the last refund",
        "orders",
        nw.col("refund_age").min(),
    ),
    Feature(
        "days_since_last_feedback",
        FAMILY,
        "days",
        "days since the last feedback of any kind",
        "feedback",
        nw.col("age").min(),
    ),
    Feature(
        "days_since_last_negative_feedback",
        FAMILY,
        "days",
        "days since the last feedback with a score in the lower half of its scale",
        "feedback",
        _negative.min(),
    ),
    Feature(
        "days_since_last_offer",
        FAMILY,
        "days",
        "days since the last offer received",
        "offers",
        only(nw.col("age"), nw.col("is_offer")).min(),
    ),
    Feature(
        "recency_over_horizon",
        FAMILY,
        "horizons",
        "time since the last order, in horizons",
        "table",
        _since_last / nw.col("horizon_days"),
    ),
    Feature(
        "age_over_horizon",
        FAMILY,
        "horizons",
        "time since the first order, in horizons",
        "table",
        _since_first / nw.col("horizon_days"),
    ),
    Feature(
        "recency_over_age",
        FAMILY,
        "share",
        "share of the customer's life that passed since the last order",
        "table",
        ratio(_since_last, _since_first),
    ),
    Feature(
        "frequency",
        FAMILY,
        "purchase days",
        "repeat purchase days (x of buy-till-you-die models)",
        "days",
        nw.len().cast(nw.Float64) - 1.0,
    ),
    Feature(
        "recency",
        FAMILY,
        "days",
        "days from the first purchase day to the last (t_x of buy-till-you-die models)",
        "days",
        nw.col("day_age").max() - nw.col("day_age").min(),
    ),
    Feature(
        "T",
        FAMILY,
        "days",
        "days from the first purchase day to as_of (T of buy-till-you-die models)",
        "days",
        nw.col("day_age").max(),
    ),
)
