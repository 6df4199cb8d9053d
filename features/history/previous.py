"""What a customer's row before says, for rows in the order of time."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl


def with_previous(rows: nw.LazyFrame[Any], column: str, name: str, by: str) -> nw.LazyFrame[Any]:
    """Add the value of the customer's row before; null in the first one.

    Parameters
    ----------
    rows : narwhals.LazyFrame
        With `customer_id`. Local ones are in order already, so that a shift will do.
    column, name : str
        Whose value, and how the new column is called.
    by : str
        Column that other engines order by.
    """
    if rows.implementation.is_polars():
        native: pl.LazyFrame = rows.to_native()
        same = pl.col("customer_id") == pl.col("customer_id").shift(1)
        before = pl.when(same).then(pl.col(column).shift(1))
        return nw.from_native(native.with_columns(before.alias(name)))
    shifted = nw.col(column).shift(1).over("customer_id", order_by=by)
    return rows.with_columns(shifted.alias(name))
