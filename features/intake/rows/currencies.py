"""One currency for all amounts: converted by given rates, or that of nearly all orders."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.clock import as_instant
from features.errors import HistoryError
from features.schema import ANONYMOUS, NOT_COUNTED, OTHER_CURRENCY

# Of the orders: with fewer in one currency, it is not the shop's.
MAIN_SHARE = 0.9


# What is money in rows of orders and of lines.
MONEY = ("amount", "discount_amount", "refund_amount")


def converted(
    orders: pl.DataFrame, shop: str | None, rates: Mapping[str, Mapping[str, float]]
) -> pl.DataFrame:
    """Convert amounts to the shop's currency by the rate of their month.

    Parameters
    ----------
    orders : polars.DataFrame
        Canonical rows with `day` and `currency`.
    shop : str or None
        The shop's currency.
    rates : mapping of str to mapping of str to float
        Currency -> month, as 2025-01 -> what one unit of it is worth.

    Raises
    ------
    HistoryError
        If the shop's currency is not told, or the rate of a month with orders is missing.
    """
    if not rates:
        return orders
    if shop is None:
        raise HistoryError('rates need the currency to convert to. Write currency = "EUR" too.')
    usable = pl.col("problem").is_null() & pl.col("currency").is_in(list(rates))
    month = pl.from_epoch((pl.col("day") * 86400).cast(pl.Int64)).dt.strftime("%Y-%m")
    table = pl.DataFrame(
        [(c, m, rate) for c, months in rates.items() for m, rate in months.items()],
        {"currency": pl.String, "month": pl.String, "rate": pl.Float64},
        orient="row",
    )
    found = orders.with_columns(month=pl.when(usable).then(month)).join(
        table, on=["currency", "month"], how="left", maintain_order="left"
    )
    lacking = found.filter(pl.col("month").is_not_null() & pl.col("rate").is_null())
    if lacking.height:
        currency, first = lacking.sort("day").select("currency", "day").row(0)
        raise HistoryError(
            f"rates.{currency} must have every month with orders; "
            f"{as_instant(first):%Y-%m} is missing. Add it, such as "
            f'"{as_instant(first):%Y-%m}" = 0.95.'
        )
    rate = pl.col("rate").fill_null(1.0)
    money = [(pl.col(name) * rate).alias(name) for name in MONEY if name in orders.columns]
    own = pl.when(pl.col("rate").is_not_null()).then(pl.lit(shop)).otherwise("currency")
    return found.with_columns(*money, own.alias("currency")).drop("month", "rate")


def in_one_currency(orders: pl.DataFrame, declared: str | None) -> pl.DataFrame:
    """Set aside the orders in another currency than the shop's.

    Parameters
    ----------
    orders : polars.DataFrame
        Canonical rows with `currency`, in capitals, and `problem`.
    declared : str or None
        The shop's currency, where the mapping tells it.

    Raises
    ------
    HistoryError
        If no currency has nine tenths of the orders.
    """
    if orders["currency"].null_count() == orders.height:
        return orders
    usable = orders.filter(pl.col("problem").is_null(), pl.col("currency").is_not_null())
    counts = usable.group_by("currency").len().sort("len", "currency", descending=[True, False])
    shares = {c: n / max(usable.height, 1) for c, n in counts.iter_rows()}
    if not shares or set(shares) == {declared or next(iter(shares))}:
        return orders
    main = declared or next(iter(shares))
    if shares.get(main, 0.0) < MAIN_SHARE:
        told = ", ".join(f"{c} {share:.0%}" for c, share in shares.items())
        given = f", and currency = {declared!r} is declared" if declared else ""
        raise HistoryError(
            f"orders must be in one currency; got {sorted(shares)} ({told} of the orders){given}. "
            "Convert the amounts, or open one currency's orders at a time."
        )
    other = (pl.col("currency") != main).fill_null(False) & pl.col("problem").is_null()
    problem = pl.when(other).then(pl.lit(OTHER_CURRENCY)).otherwise("problem")
    return orders.with_columns(problem.alias("problem"))


def in_the_currency_of(
    orders: pl.DataFrame, refunds: pl.DataFrame, declared: str | None
) -> pl.DataFrame:
    """Set aside the refunds in another currency than that of the orders.

    Parameters
    ----------
    orders, refunds : polars.DataFrame
        Canonical rows, of the orders those that `in_one_currency` left.
    declared : str or None
        The shop's currency, where the mapping tells it.
    """
    main = declared or orders.filter(pl.col("problem").is_null())["currency"].max()
    if main is None:
        return refunds
    other = (pl.col("currency") != main).fill_null(False) & _usable()
    problem = pl.when(other).then(pl.lit(OTHER_CURRENCY)).otherwise("problem")
    return refunds.with_columns(problem.alias("problem"))


def of_orders_set_aside(rows: pl.DataFrame, orders: pl.DataFrame, only: pl.Expr) -> pl.DataFrame:
    """Set aside what was given back of orders that do not count, or are in another currency.

    Parameters
    ----------
    rows, orders : polars.DataFrame
        Canonical rows with order_id, amount, known_day and `problem`.
    only : polars.Expr
        Which of the rows are refunds.
    """
    aside = pl.col("problem").is_in([NOT_COUNTED, OTHER_CURRENCY]).fill_null(False)
    bought = orders.filter(pl.col("amount") >= 0, _usable() | aside)
    if bought.filter(aside).is_empty():
        return rows
    # By what was known first, so that no row learnt later changes whether a refund counts.
    why = (
        bought.sort("known_day", aside)
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", pl.when(aside).then("problem").alias("why"), sold="known_day")
    )
    found = rows.join(why, on="order_id", how="left", maintain_order="left")
    is_known = pl.col("sold") <= pl.col("known_day")
    lost = only & _usable() & pl.col("why").is_not_null() & is_known
    problem = pl.when(lost).then("why").otherwise("problem")
    return found.with_columns(problem.alias("problem")).drop("why", "sold")


def _usable() -> pl.Expr:
    return pl.col("problem").is_null() | (pl.col("problem") == ANONYMOUS)
