"""Frequency: how often the customer orders, lately and in the coming season of earlier years."""

from __future__ import annotations

import narwhals as nw

from features.feature import (
    HALF_LIVES_D,
    HALF_LIVES_H,
    WINDOWS_D,
    WINDOWS_H,
    YEAR,
    Family,
    Feature,
    count,
    count_of,
    decay,
    in_horizons,
    ratio,
)

_of_orders = Family("frequency", "orders")
_of_days = Family("frequency", "days")
_of_table = Family("frequency", "table")

_age, _age_h = nw.col("age"), nw.col("age_h")


def _orders(name: str, meaning: str, value: nw.Expr) -> Feature:
    return _of_orders(name, "orders", meaning, value)


def _in_season(years: int) -> nw.Expr:
    """The window [as_of, as_of + horizon), some years earlier."""
    start = years * YEAR
    return (_age <= start) & (_age > start - nw.col("horizon_days"))


FEATURES = (
    _orders("orders", "orders so far", count_of(_age)),
    _of_days("purchase_days", "days", "calendar days with an order", count_of(nw.col("day_age"))),
    *(
        _orders(f"orders_{days}d", f"orders in the last {days} days", count(_age <= days))
        for days in WINDOWS_D
    ),
    *(
        _orders(
            f"orders_{name}", f"orders in the last {in_horizons(width)}", count(_age_h <= width)
        )
        for name, width in WINDOWS_H.items()
    ),
    *(
        _of_table(
            f"orders_share_{name}",
            "share",
            f"share of all orders that came in the last {in_horizons(width)}",
            ratio(nw.col(f"orders_{name}"), nw.col("orders")),
        )
        for name, width in WINDOWS_H.items()
    ),
    *(
        _orders(
            f"orders_weighted_{days}d",
            f"orders, each weighing half as much for every {days} days passed",
            decay(_age, days).sum(),
        )
        for days in HALF_LIVES_D
    ),
    *(
        _orders(
            f"orders_weighted_{name}",
            f"orders, each weighing half as much for every {in_horizons(half_life)} passed",
            decay(_age_h, half_life).sum(),
        )
        for name, half_life in HALF_LIVES_H.items()
    ),
    *(
        _orders(
            f"orders_season_{years}y",
            f"orders from {years * YEAR:.0f} days before as_of on, for one horizon",
            count(_in_season(years)),
        )
        for years in (1, 2, 3)
    ),
)
