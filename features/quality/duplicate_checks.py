"""Rows that say the same thing again: copies, versions, partial refunds, lines taken for orders."""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw

from features.agreement import many
from features.quality.context import CheckContext, DataProblem, Frame, one_id, sums
from features.quality.row_counts import DUPLICATE, SUPERSEDED, quarantine_reasons

# Share of the rows from which on copies with other amounts are no slips but a table of lines.
LINES_SHARE = 0.2
IDENTITY = {
    "orders": "order_id and sign of the amount",
    "refunds": "order_id and refund_id (without one: order, time and amount)",
    "feedback": "feedback_id (without one: customer, kind, time and order)",
    "offers": "customer, campaign, offer and time",
    "customers": "customer_id",
}


def duplicates(context: CheckContext) -> Iterator[DataProblem]:
    """Rows of one identity: copies, versions, partial refunds, or lines taken for orders."""
    for table, account in context.accounting.items():
        if table == "lines" or account.quarantined == 0:
            continue
        rows = quarantine_reasons(context.intakes[table], context.as_of)
        if context.intakes[table].raw is not None:
            # Refunds that were told beside an order's amount are no rows of the source.
            rows = rows.filter(~nw.col("row").is_null())
        copy, version = nw.col("reason") == DUPLICATE, nw.col("reason") == SUPERSEDED
        refund = nw.col("amount") < 0 if table == "orders" else nw.lit(False)
        found = sums(rows, copies=copy & ~refund, refunds=copy & refund, versions=version)
        if found["copies"]:
            yield _copies(context, table, found["copies"], rows.filter(copy & ~refund))
        if found["refunds"]:
            yield _partial_refunds(context, found["refunds"], rows.filter(copy & refund))
        if found["versions"]:
            yield _versions(context, table, found["versions"], rows.filter(version))


def _copies(context: CheckContext, table: str, rows: int, copies: Frame) -> DataProblem:
    identity = "order_id" if table in ("orders", "refunds") else "customer_id"
    message = f"{many(rows, 'row shares', 'rows share')} {IDENTITY[table]} with another row"
    example = one_id(copies, identity)
    if table == "orders" and _look_like_lines(context, rows):
        return DataProblem(
            kind="lines_taken_for_orders",
            severity="error",
            table=table,
            column=context.source(table, "order_id"),
            rows=rows,
            example=example,
            remedy="Group them by the mapping: [orders.lines] with quantity and price; or sum them "
            "up to one row for each order.",
            message=f"{message}, mostly with other amounts: these look like the lines of orders, "
            "not orders. Only one row of each order counts now.",
        )
    return DataProblem(
        kind="duplicate",
        severity="warning",
        table=table,
        column=context.source(table, identity),
        rows=rows,
        example=example,
        remedy="Nothing, if these are copies. If they are versions, give recorded_at; if they are "
        "different events, give each its own id.",
        message=f"{message}. One row of each counts.",
    )


def _look_like_lines(context: CheckContext, copies: int) -> bool:
    if copies < LINES_SHARE * context.accounting["orders"].rows_in:
        return False
    rows = context.with_fate("orders", "used", "quarantined")
    usable = rows.filter(nw.col("problem").is_null(), nw.col("amount") >= 0)
    amount = nw.col("amount")
    orders = usable.group_by("order_id").agg(
        nw.len().alias("rows"), amount.min().alias("least"), amount.max().alias("most")
    )
    repeated = orders.filter(nw.col("rows") > 1)
    found = sums(repeated, different=nw.col("least") < nw.col("most"))
    return found["different"] > found["rows"] / 2


def _partial_refunds(context: CheckContext, rows: int, refunds: Frame) -> DataProblem:
    return DataProblem(
        kind="duplicate_refund",
        severity="warning",
        table="orders",
        column=context.source("orders", "order_id"),
        rows=rows,
        example=one_id(refunds, "order_id"),
        remedy="If they are partial refunds of one order, sum them up, or give each its own "
        "order_id, such as 1001-R1 and 1001-R2. Nothing, if they are copies.",
        message=f"{many(rows, 'refund shares', 'refunds share')} order_id and time with another "
        "refund. One of them counts.",
    )


def _versions(context: CheckContext, table: str, rows: int, versions: Frame) -> DataProblem:
    identity = "order_id" if table in ("orders", "refunds") else "customer_id"
    return DataProblem(
        kind="superseded",
        severity="info",
        table=table,
        column=context.source(table, "recorded_at"),
        rows=rows,
        example=one_id(versions, identity),
        remedy="Nothing: at each instant the latest version known by then counts.",
        message=f"{many(rows, 'row was', 'rows were')} replaced by a version recorded later.",
    )
