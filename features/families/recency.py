"""Recency: how long ago things happened."""

from __future__ import annotations

import narwhals as nw

from features.feature import Family, count_of, only, ratio

_of_orders = Family("recency", "orders")
_of_refunds = Family("recency", "refunds")
_of_days = Family("recency", "days")
_of_feedback = Family("recency", "feedback")
_of_offers = Family("recency", "offers")
_of_table = Family("recency", "table")

_age, _day_age = nw.col("age"), nw.col("day_age")
_since_last, _since_first = nw.col("days_since_last_order"), nw.col("days_since_first_order")
_horizon = nw.col("horizon_days")

FEATURES = (
    _of_orders("days_since_last_order", "days", "days since the last order", _age.min()),
    _of_orders("days_since_first_order", "days", "days since the first order", _age.max()),
    _of_refunds("days_since_last_refund", "days", "days since the last refund", _age.min()),
    _of_feedback(
        "days_since_last_feedback", "days", "days since the last feedback of any kind", _age.min()
    ),
    _of_feedback(
        "days_since_last_negative_feedback",
        "days",
        "days since the last feedback scored in the lower half of its scale",
        only(_age, nw.col("satisfaction") < 0).min(),
    ),
    _of_offers(
        "days_since_last_offer",
        "days",
        "days since the last offer received",
        only(_age, nw.col("is_offer")).min(),
    ),
    _of_table(
        "recency_over_horizon",
        "horizons",
        "time since the last order, in horizons",
        _since_last / _horizon,
    ),
    _of_table(
        "age_over_horizon",
        "horizons",
        "time since the first order, in horizons",
        _since_first / _horizon,
    ),
    _of_table(
        "recency_over_age",
        "share",
        "share of the time since the first order that has passed since the last one",
        ratio(_since_last, _since_first),
    ),
    _of_days(
        "frequency",
        "days",
        "purchase days after the first one (x of buy-till-you-die models)",
        count_of(_day_age) - 1.0,
    ),
    _of_days(
        "recency",
        "days",
        "days from the first purchase day to the last (t_x of buy-till-you-die models)",
        _day_age.max() - _day_age.min(),
    ),
    _of_days(
        "T",
        "days",
        "days from the first purchase day to as_of (T of buy-till-you-die models)",
        _day_age.max(),
    ),
)
