"""Frequency: how often the customer orders, lately and in the coming season of earlier years."""

from __future__ import annotations

import narwhals as nw

from features.feature import (
    HALF_LIVES_H,
    WINDOWS_D,
    WINDOWS_H,
    YEAR,
    Feature,
    count,
    decay,
    ratio,
)

FAMILY = "frequency"
_age, _age_h = nw.col("order_age"), nw.col("order_age_h")


def _season(years: int) -> Feature:
    start = years * YEAR
    in_season = (_age <= start) & (_age > start - nw.col("horizon_days"))
    return Feature(
        f"orders_season_{years}y",
        FAMILY,
        "orders",
        f"orders in the coming horizon's season {years} year(s) ago",
        "orders",
        count(in_season),
    )


FEATURES = (
    Feature(
        "orders",
        FAMILY,
        "orders",
        "orders so far",
        "orders",
        _age.count().cast(nw.Float64),
    ),
    Feature(
        "purchase_days",
        FAMILY,
        "days",
        "calendar days with an order",
        "days",
        nw.len().cast(nw.Float64),
    ),
    *(
        Feature(
            f"orders_{days}d",
            FAMILY,
            "orders",
            f"orders in the last {days} days",
            "orders",
            count(_age <= days),
        )
        for days in WINDOWS_D
    ),
    *(
        Feature(
            f"orders_{name}",
            FAMILY,
            "orders",
            f"orders in the last {width:g} horizons",
            "orders",
            count(_age_h <= width),
        )
        for name, width in WINDOWS_H.items()
    ),
    *(
        Feature(
            f"orders_share_{name}",
            FAMILY,
            "share",
            f"share of all orders that fell in the last {width:g} horizons",
            "table",
            ratio(nw.col(f"orders_{name}"), nw.col("orders")),
        )
        for name, width in WINDOWS_H.items()
    ),
    *(
        Feature(
            f"orders_weighted_{days}d",
            FAMILY,
            "orders",
            f"orders, each weighing half as much every {days} days",
            "orders",
            decay(_age, days).sum(),
        )
        for days in (30, 90, 270)
    ),
    *(
        Feature(
            f"orders_weighted_{name}",
            FAMILY,
            "orders",
            f"orders, each weighing half as much every {half_life:g} horizons",
            "orders",
            decay(_age_h, half_life).sum(),
        )
        for name, half_life in HALF_LIVES_H.items()
    ),
    *(_season(years) for years in (1, 2, 3)),
)
