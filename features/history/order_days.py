"""The calendar days on which a shop had orders."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

# A date typed wrong lies years off; a real shop is hardly ever silent for a year and then goes on.
STRAY_GAP_DAYS = 365
# Share of the orders; more than that is no slip of the keyboard.
STRAY_SHARE = 0.01


def order_days(orders: nw.LazyFrame[Any]) -> pl.DataFrame:
    """Count the orders of each calendar day.

    Parameters
    ----------
    orders : narwhals.LazyFrame
        With the column `day`.

    Returns
    -------
    polars.DataFrame
        `day` (Int64, ascending) and `orders` (Int64); days without an order have no row.
    """
    counts = (
        orders.select(nw.col("day").floor().cast(nw.Int64))
        .group_by("day")
        .agg(nw.len().cast(nw.Int64).alias("orders"))
    )
    native: pl.DataFrame = counts.collect("polars").to_native()
    return native.sort("day")


def solid(days: pl.DataFrame) -> pl.DataFrame:
    """Leave out stray days: at most 1 % of the orders, a year or more away from all others.

    Examples
    --------
    >>> days = pl.DataFrame({"day": [0, 15_000, 15_001], "orders": [1, 60, 60]})
    >>> solid(days)["day"].to_list()
    [15000, 15001]
    """
    if days.height < 2:
        return days
    day, orders = days["day"].to_numpy(), days["orders"].to_numpy()
    up_to, few = orders.cumsum(), orders.sum() * STRAY_SHARE
    apart = np.flatnonzero(np.diff(day) >= STRAY_GAP_DAYS)
    early = [int(i) + 1 for i in apart if up_to[i] <= few]
    late = [int(i) + 1 for i in apart if up_to[-1] - up_to[i] <= few]
    first, end = max(early, default=0), min(late, default=days.height)
    return days.slice(first, end - first)
