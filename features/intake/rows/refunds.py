"""Money given back: told beside an order's amount, or in rows that name the order alone."""

from __future__ import annotations

import polars as pl

from features.schema import ANONYMOUS


def with_refunds(orders: pl.DataFrame, table: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add a row for what each order was refunded, and drop the columns that told of it.

    `undated` marks refunds of which nobody says when. They count as known only after everything
    else in the source: so no description of an earlier day can know of them.

    What a table of refunds tells of an order replaces what is told beside its amount, from when it
    is known: `told_twice` marks such a refund, and `replaced_day` says when.

    Parameters
    ----------
    orders : polars.DataFrame
        Canonical rows, `refund_amount`, `refund_day` where the source has it, `paid_back`: whether
        the whole amount was given back where nothing says how much; and `replaced_day`.
    table : polars.DataFrame, optional
        Canonical rows of refunds, as `of_orders` gives them.
    """
    told = pl.col("refund_amount").abs()
    amount = pl.when(told > 0).then(told).when("paid_back").then(pl.col("amount"))
    day = pl.col("refund_day")
    back = orders.with_columns(amount.alias("refund")).filter(
        (pl.col("refund") > 0)
        & (pl.col("amount") > 0)
        & (pl.col("problem").is_null() | (pl.col("problem") == ANONYMOUS))
    )
    told_with = orders.with_columns(
        pl.lit(False).alias("undated"),
        pl.lit(False).alias("told_twice"),
    ).drop("refund_amount", "refund_day", "paid_back", "called_off")
    if back.is_empty():
        return told_with
    refunds = back.with_columns(
        pl.lit(None, dtype=orders.schema["row"]).alias("row"),
        (-pl.col("refund")).alias("amount"),
        pl.coalesce(day, "day").alias("day"),
        pl.max_horizontal(pl.coalesce(day, orders["known_day"].max()), "known_day").alias(
            "known_day"
        ),
        pl.lit(None, dtype=pl.Float64).alias("discount_amount"),
        day.is_null().alias("undated"),
    ).drop("refund")
    return pl.concat([told_with, _replaced(refunds, table).select(told_with.columns)])


def _replaced(beside: pl.DataFrame, table: pl.DataFrame | None) -> pl.DataFrame:
    """Refunds beside amounts: from when on a table of refunds tells of the same orders."""
    if table is None:
        return beside.with_columns(pl.lit(False).alias("told_twice"))
    named = (
        table.filter(pl.col("problem").is_null(), pl.col("amount") < 0)
        .group_by("order_id")
        .agg(pl.col("known_day").min().alias("told_day"))
    )
    found = beside.join(named, on="order_id", how="left", maintain_order="left")
    return found.with_columns(
        pl.col("told_day").is_not_null().alias("told_twice"),
        pl.min_horizontal("replaced_day", "told_day").alias("replaced_day"),
    )


def of_orders(refunds: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Refunds of a table of their own as negative amounts of the customers and days of the orders.

    `undated` marks those of which nobody says when.

    Parameters
    ----------
    refunds, orders : polars.DataFrame
        Canonical rows.
    """
    days = (
        orders.filter(pl.col("amount") > 0)
        .sort("known_day", "day")
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", pl.col("day").alias("order_day"), pl.col("known_day").alias("ordered"))
    )
    end = pl.lit(orders["known_day"].max(), dtype=pl.Float64)
    # Without a day of its own a refund is of the day of its order, and not known before that is.
    recorded = pl.when(pl.col("recorded_day").is_not_null()).then(
        pl.max_horizontal("recorded_day", "ordered")
    )
    dated = refunds.join(days, on="order_id", how="left", maintain_order="left").with_columns(
        -pl.col("amount").abs().alias("amount"),
        pl.coalesce("day", "order_day").alias("day"),
        pl.coalesce("known_day", recorded, end).alias("known_day"),
        pl.coalesce("known_day", recorded).is_null().alias("undated"),
    )
    found = with_customers(dated.drop("order_day", "ordered"), orders, pl.lit(True))
    stray = (pl.col("problem").is_null()) & pl.col("day").is_null()
    return found.with_columns(
        pl.when(stray).then(pl.lit("missing refunded_at")).otherwise("problem").alias("problem")
    )


def with_customers(rows: pl.DataFrame, orders: pl.DataFrame, only: pl.Expr) -> pl.DataFrame:
    """Give rows that name an order, and nobody or a refund's payer, the customer of that order.

    An order that became known after a row says nothing of who the row named before; a row that
    named nobody is known with its order.

    Parameters
    ----------
    rows : polars.DataFrame
        Canonical rows with order_id, customer_id and `problem`.
    orders : polars.DataFrame
        Canonical rows with order_id, customer_id, amount, known_day and `problem`.
    only : polars.Expr
        Of which rows.
    """
    usable = pl.col("problem").is_null() | (pl.col("problem") == ANONYMOUS)
    lost = usable & pl.col("order_id").is_not_null() & only
    if not rows.select(lost.any()).item():
        return rows
    whose = (
        orders.filter(pl.col("problem").is_null(), pl.col("amount") >= 0)
        .sort("known_day", "customer_id")
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", pl.col("customer_id").alias("buyer"), pl.col("known_day").alias("sold"))
    )
    found = rows.join(whose, on="order_id", how="left", maintain_order="left")
    is_nameless = pl.col("problem") == ANONYMOUS
    is_known = pl.col("sold") <= pl.col("known_day")
    meant = lost & pl.col("buyer").is_not_null() & (is_nameless.fill_null(False) | is_known)
    known = pl.max_horizontal("known_day", "sold")
    return found.with_columns(
        pl.when(meant).then("buyer").otherwise("customer_id").alias("customer_id"),
        pl.when(meant).then(known).otherwise("known_day").alias("known_day"),
        pl.when(meant).then(None).otherwise("problem").alias("problem"),
    ).drop("buyer", "sold")
