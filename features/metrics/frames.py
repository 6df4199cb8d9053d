"""The rows that the metrics of a period are computed from, as they were known at its end."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.feature import count, only, total
from features.history.history import Past
from features.history.previous import with_previous
from features.history.tables import held
from features.metrics.metric import RowKind
from features.metrics.periods import Period

Frame = nw.LazyFrame[Any]

_day, _amount, _previous = nw.col("day"), nw.col("amount"), nw.col("previous_day")


def frames_of(past: Past, period: Period, horizon_days: float) -> dict[RowKind, Frame]:
    """The rows by their kind; of tables that there are.

    Parameters
    ----------
    past : Past
        Cut at the period's end.
    period : Period
    horizon_days : float

    Returns
    -------
    dict of str to narwhals.LazyFrame
        `customers`: a row for each customer who ordered of late; `refunds`, `answers` and
        `tickets`: those of the period.
    """
    frames: dict[RowKind, Frame] = {
        "customers": _settled(_customers(past.orders, period, horizon_days)),
        "refunds": past.orders.filter((_amount < 0) & (_day >= period.start)),
    }
    if past.feedback is not None:
        is_scored = ~nw.col("score").is_null()
        frames["answers"] = past.feedback.filter(is_scored & (_answered >= period.start))
        is_resolved = nw.col("resolved_day") >= period.start
        frames["tickets"] = past.feedback.filter((nw.col("kind") == "ticket") & is_resolved)
    return frames


def _settled(customers: Frame) -> Frame:
    """Local rows in order: whatever is added up is the same to the last bit each time."""
    is_local = customers.implementation.is_polars()
    return held(customers.sort("customer_id")) if is_local else customers


# An answer is known with its row, a ticket's with its resolution.
_answered = (
    nw.when((nw.col("kind") == "ticket") & ~nw.col("resolved_day").is_null())
    .then(nw.col("resolved_day"))
    .otherwise(nw.col("known_day"))
)


def _customers(orders: Frame, period: Period, horizon_days: float) -> Frame:
    """What each customer did in the period and in the horizon before it."""
    start, end, horizon = period.start, period.end, horizon_days
    purchases = orders.filter(_amount > 0).select("customer_id", "day", "amount")
    rows = with_previous(purchases, "day", "previous_day", "day")
    # Before that, an order only tells that there was one, which the order after it knows.
    rows = rows.filter(_day >= min(period.previous, start - horizon, end - horizon))
    is_now, is_before = _day >= start, (_day >= period.previous) & (_day < start)
    gap = _day.floor() - _previous.floor()
    gap = only(gap, is_now & (gap > 0))
    customers = rows.group_by("customer_id").agg(
        count(is_now).alias("orders"),
        count(is_now & _previous.is_null()).alias("first_orders"),
        total(_amount, is_now).alias("revenue"),
        total(_amount, is_before).alias("previous_revenue"),
        only(_day, ~is_now).max().alias("before"),
        _day.max().alias("last"),
        gap.sum().alias("gap_days"),
        gap.count().cast(nw.Float64).alias("gaps"),
    )
    bought, is_new = nw.col("orders") > 0, nw.col("first_orders") > 0
    is_at_start = (nw.col("before") > start - horizon).fill_null(False)
    is_at_end = nw.col("last") > end - horizon
    return customers.select(
        "customer_id", "orders", "revenue", "previous_revenue", "gap_days", "gaps",
        is_at_start.alias("is_at_start"),
        is_at_end.alias("is_at_end"),
        is_new.alias("is_new"),
        (bought & ~is_new & ~is_at_start).alias("is_reactivated"),
        (is_at_start & ~is_at_end).alias("is_lost"),
        (bought & ~is_at_start & ~is_at_end).alias("is_passing"),
    )  # fmt: skip
