"""Customers by when they first ordered, and what became of them since."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from features.clock import Instant, as_instant
from features.errors import HistoryError
from features.feature import count_of, only
from features.history.history import History, Past
from features.history.order_days import solid
from features.metrics.calendar import number_at, number_of, start_of
from features.metrics.every import Every

COLUMNS = (
    "cohort", "age", "start", "end", "is_whole", "customers", "buyers", "retention", "orders",
    "net_revenue", "orders_per_customer", "revenue_per_customer", "margin_per_customer",
)  # fmt: skip
# Told once of a cohort; where its periods begin and end follows from the age.
OF_COHORT = ("cohort", "customers", "start", "end")


@dataclass(frozen=True)
class Cohorts:
    """The triangle: a row for each cohort and age.

    Attributes
    ----------
    table : pandas.DataFrame
        `cohort` (where the period of the first orders begins), `age` (periods since, 0 that of the
        first order), `start` and `end` of the period of that age, `is_whole` (False where the
        history ends in it: what is there is not all yet), `customers` of the cohort, `buyers` who
        ordered in the period, `retention` (their share), `orders` and `net_revenue` in it; and up
        to its end for each customer of the cohort `orders_per_customer`, `revenue_per_customer`
        (net of refunds) and `margin_per_customer`.
    every : str
    currency : str or None
    end : datetime
        Everything is as it was known then.
    """

    table: pd.DataFrame
    every: Every
    currency: str | None
    end: datetime

    def as_dict(self) -> dict[str, Any]:
        """The triangle as `holdfast metrics --cohorts --json` has it."""
        found: dict[datetime, dict[str, Any]] = {}
        for row in self.table.to_dict("records"):
            head = {"start": row["cohort"].isoformat(), "customers": row["customers"], "cells": []}
            cell = {name: row[name] for name in COLUMNS if name not in OF_COHORT}
            found.setdefault(row["cohort"], head)["cells"].append(cell)
        return {
            "every": self.every,
            "end": self.end.isoformat(),
            "cohorts": [found[start] for start in sorted(found)],
        }


def cohorts(
    history: History, end: Instant | None = None, every: Every = "month", margin_rate: float = 1.0
) -> Cohorts:
    """Follow customers from the week, month, quarter or year of their first order.

    Parameters
    ----------
    history : History
        On Polars, DuckDB or PySpark.
    end : str, date, datetime or float, optional
        What was known before counts; default: the midnight after the last order.
    every : {"week", "month", "quarter", "year"}
    margin_rate : float
        Share of net revenue that is margin.

    Raises
    ------
    HistoryError
        If nobody ordered before `end`, or `every` or the margin is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from features.history.history import History
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2", "3"], "customer_id": ["a", "a", "b"],
    ...     "ordered_at": ["2024-01-05", "2024-02-01", "2024-01-09"], "amount": [20.0, 35.0, 5.0]}))
    >>> cohorts(history, "2024-03-01").table[["age", "customers", "retention"]]
       age  customers  retention
    0    0          2        1.0
    1    1          2        0.5
    """
    if every == "all":
        raise HistoryError("cohorts are of a week, month, quarter or year; got 'all'.")
    if not 0 < margin_rate <= 1:
        raise HistoryError(f"margin_rate must be above 0 and at most 1; got {margin_rate}.")
    days = solid((history if end is None else history.upto(end)).order_days)
    if days.is_empty():
        raise HistoryError("cohorts need an order of a positive amount before end; got none.")
    after_last = float(days["day"][-1]) + 1.0
    past = history.upto(after_last if end is None else end)
    # The period in which the last instant before the end lies.
    last = number_at(math.nextafter(min(past.day, after_last), -math.inf), every)
    table = _triangle(_cells(past, every), last, every, past.day, margin_rate)
    return Cohorts(table, every, history.mapping.currency, past.as_of)


def _cells(past: Past, every: Every) -> pl.DataFrame:
    """What each cohort did in each period: cohort, number, buyers, orders, net revenue."""
    amount, number = nw.col("amount"), number_of(nw.col("day"), every).alias("number")
    orders = past.orders.select("customer_id", number, "amount")
    first = (
        orders.filter(amount > 0)
        .group_by("customer_id")
        .agg(nw.col("number").min().alias("cohort"))
    )
    own = (
        orders.group_by("customer_id", "number")
        .agg(
            count_of(only(amount, amount > 0)).alias("orders"),
            amount.sum().alias("net_revenue"),
        )
        .join(first, on="customer_id", how="inner")
        # What was given back before the first order counts in its period.
        .with_columns(nw.max_horizontal("number", "cohort").alias("number"))
    )
    found = own.group_by("cohort", "number").agg(
        count_of(only(nw.col("orders"), nw.col("orders") > 0)).alias("buyers"),
        nw.col("orders").sum(),
        nw.col("net_revenue").sum(),
    )
    table: pl.DataFrame = found.collect("polars").to_native()
    return table.with_columns(pl.col("cohort", "number").cast(pl.Int64))


def _triangle(
    cells: pl.DataFrame, last: int, every: Every, over: float, margin_rate: float
) -> pd.DataFrame:
    """Every cohort at every age up to the last period, 0 where nobody ordered."""
    sizes = cells.filter(pl.col("cohort") == pl.col("number"))
    grid = (
        sizes.select("cohort", customers="buyers")
        .with_columns(number=pl.int_ranges("cohort", last + 1))
        .explode("number")
        .drop_nulls()
    )
    figures = ("buyers", "orders", "net_revenue")
    whole = (
        grid.join(cells, on=["cohort", "number"], how="left")
        .with_columns(pl.col(*figures).fill_null(0.0))
        .sort("cohort", "number")
    )
    so_far = {name: pl.col(name).cum_sum().over("cohort") for name in figures}
    first = min(cells["cohort"].to_list())
    starts = {number: start_of(number, every) for number in range(first, last + 2)}
    told = whole.with_columns(
        age=pl.col("number") - pl.col("cohort"),
        retention=pl.col("buyers") / pl.col("customers"),
        orders_per_customer=so_far["orders"] / pl.col("customers"),
        revenue_per_customer=so_far["net_revenue"] / pl.col("customers"),
        start=_starts(pl.col("number"), starts),
        end=_starts(pl.col("number") + 1, starts),
    ).with_columns(
        margin_per_customer=pl.col("revenue_per_customer") * margin_rate,
        is_whole=pl.col("end") <= as_instant(over),
        cohort=_starts(pl.col("cohort"), starts),
    )
    counts = pl.col("customers", "buyers", "orders", "age").cast(pl.Int64)
    return told.with_columns(counts).select(COLUMNS).to_pandas()


def _starts(number: pl.Expr, starts: dict[int, datetime]) -> pl.Expr:
    return number.replace_strict(starts, return_dtype=pl.Datetime("us"))
