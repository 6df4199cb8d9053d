"""Orders that one row says are paid, and another that they never were: the last word counts."""

from __future__ import annotations

import polars as pl

from features.schema import ANONYMOUS, NOT_COUNTED


def called_off(rows: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Rows of orders that were called off: no orders at all, or orders until that was known.

    The word known last counts; of words known at the same instant the final one does, so that the
    order of rows means nothing. A row that is known no earlier than the final word is set aside;
    another has `replaced_day`, the day from which it no longer counts.

    Parameters
    ----------
    rows : polars.DataFrame
        Canonical rows of orders or of refunds, with order_id, known_day and `problem`.
    orders : polars.DataFrame
        Canonical rows with `called_off`: whether a row's status is a final word against its order.
    """
    rows = rows.with_columns(pl.lit(None, pl.Float64).alias("replaced_day"))
    # What failed of a refund says nothing against its order.
    back = (pl.col("amount") < 0).fill_null(False)
    said = orders.filter("called_off", pl.col("order_id").is_not_null(), ~back)
    if said.is_empty():
        return rows
    # A word without a time is known only after everything else.
    known = pl.coalesce("known_day", "recorded_day", orders["known_day"].max())
    finals = said.select("order_id", known.alias("final_day")).unique()
    finals = finals.filter(pl.col("final_day").is_not_null())
    bought = orders.filter(_usable(), pl.col("amount") >= 0).select("order_id", "known_day")
    again = (
        finals.join(bought, on="order_id")
        .filter(pl.col("known_day") > pl.col("final_day"))
        .group_by("order_id", "final_day")
        .agg(pl.col("known_day").min().alias("again_day"))
    )
    lasting = pl.col("again_day").is_null() | (pl.col("known_day") < pl.col("again_day"))
    ends = (
        rows.with_row_index("at")
        .filter(_usable())
        .join(finals.join(again, on=["order_id", "final_day"], how="left"), on="order_id")
        .filter((pl.col("final_day") >= pl.col("known_day")) | lasting)
        .group_by("at")
        .agg(pl.col("final_day").min().alias("end"))
    )
    found = rows.with_row_index("at").join(ends, on="at", how="left", maintain_order="left")
    never = (pl.col("end") <= pl.col("known_day")).fill_null(False)
    return found.with_columns(
        pl.when(never).then(pl.lit(NOT_COUNTED)).otherwise("problem").alias("problem"),
        pl.when(~never).then("end").alias("replaced_day"),
    ).drop("at", "end")


def _usable() -> pl.Expr:
    return pl.col("problem").is_null() | (pl.col("problem") == ANONYMOUS)
