"""Money given back that is not read, or of which nobody says when."""

from __future__ import annotations

import re
from collections.abc import Iterator

import narwhals as nw
import polars as pl

from features.agreement import many
from features.intake.amounts import read_numbers
from features.quality.context import CheckContext, DataProblem, values

REFUND_NAMES = re.compile(r"refund|returned amount|erstattet|rembours|reembols", re.IGNORECASE)


def refunds_not_read(context: CheckContext) -> Iterator[DataProblem]:
    """A column that is not read and tells of money given back."""
    intake = context.intakes.get("lines", context.intakes["orders"])
    if intake.raw is None or context.mapping.of("orders").refund is not None:
        return
    for column in intake.unused:
        if not REFUND_NAMES.search(column) or intake.raw.collect_schema()[column] != pl.String:
            continue
        cells = intake.raw.select(column).collect().to_series()
        back = read_numbers(cells, context.mapping.decimal)
        count = int((back.abs() > 0).sum())
        if count:
            none = " The history has no refunds." if context.totals.refunds == 0 else ""
            yield DataProblem(
                kind="refund_not_read",
                severity="warning",
                table=intake.table,
                column=column,
                rows=count,
                example=None,
                message=f"{column} looks like money given back: {back.abs().sum():,.2f} in "
                f"{many(count, 'row')}. It is not read.{none}",
                remedy="Put refunds in a table refunds, or in lines with a negative price."
                if intake.table == "lines"
                else f"Write [orders.refund] amount = {column!r} in history.toml.",
            )


def refunds_without_date(context: CheckContext) -> Iterator[DataProblem]:
    """Refunds known from the end of the history on only: no training sees what later values do."""
    for table in ("orders", "refunds"):
        intake = context.intakes.get(table)
        if intake is None or "undated" not in intake.rows.collect_schema():
            continue
        standing = nw.col("problem").is_null() & nw.col("superseded_day").is_null()
        undated = intake.rows.filter(standing, nw.col("undated"))
        found = values(undated, rows=nw.len(), sum=nw.col("amount").abs().sum())
        count = int(found["rows"])
        if not count:
            continue
        yield DataProblem(
            kind="refund_without_date",
            severity="warning",
            table=table,
            column=_amount_of_refunds(context, table),
            rows=count,
            example=None,
            message=f"{many(count, 'refund')}, {found['sum']:,.2f} in all, "
            f"{'has' if count == 1 else 'have'} no date: known only from the end of the history "
            "on. Models are trained as if there were no such refunds, and the latest values are "
            "after them.",
            remedy="Name the column of the refund's date as [orders.refund] at = '...' in "
            "history.toml, or give a table of refunds with their dates."
            if table == "orders"
            else "Name the column of their date as [refunds.columns] refunded_at = '...' in "
            "history.toml, or recorded_at of when each became known.",
        )


def refunds_told_twice(context: CheckContext) -> Iterator[DataProblem]:
    """Refunds beside the orders' amounts that a table of refunds tells too: they count once."""
    orders = context.intakes["orders"].rows
    if "told_twice" not in orders.collect_schema():
        return
    twice = orders.filter(nw.col("problem").is_null(), nw.col("told_twice"))
    # What several exports tell of one order is told once.
    each = twice.select("order_id", "day", "amount").unique()
    found = values(each, rows=nw.len(), sum=nw.col("amount").abs().sum())
    count = int(found["rows"])
    if count:
        yield DataProblem(
            kind="refund_told_twice",
            severity="info",
            table="orders",
            column=_amount_of_refunds(context, "orders"),
            rows=count,
            example=None,
            message=f"{many(count, 'refund')} told beside the amount, {found['sum']:,.2f} in all, "
            f"{'is' if count == 1 else 'are'} of orders that the table of refunds names: what "
            "that table says counts, and not both.",
            remedy="Nothing, if they are the same refunds; else put all of them in the table.",
        )


def _amount_of_refunds(context: CheckContext, table: str) -> str:
    """The column that tells of them; where none does, that of the status."""
    own = context.mapping.of("orders")
    if table == "refunds":
        return context.source(table, "amount")
    if own.refund is not None and own.refund.amount is not None:
        return own.refund.amount
    raw = context.intakes["orders"].raw
    beside = context.source("orders", "refund_amount")
    if own.status is not None and (raw is None or beside not in raw.collect_schema()):
        return own.status.column
    return beside
