"""What is the matter with rows and columns: one function for each kind of problem."""

from __future__ import annotations

import re
from collections.abc import Iterator

import narwhals as nw
import polars as pl

from features.agreement import many
from features.intake.canonical import CanonicalTable
from features.intake.casting import is_given, raw_name, read_cells
from features.quality.context import (
    CheckContext,
    DataProblem,
    Frame,
    Severity,
    first,
    on_day,
    one_id,
    section,
    sums,
    values,
)
from features.quality.source_checks import lost_minus
from features.schema import ANONYMOUS, RECORDED, SCHEMAS, SET_ASIDE, Column

# Of the rows: a tenth is no slip but a wrong setting.
UNUSABLE_ERROR = 0.1
# Of the rows: many shops have some guests without an account.
ANONYMOUS_WARNING = 0.1
# Rows: of fewer, one value is no surprise.
FEWEST_ROWS = 10

ONE_VALUE: dict[tuple[str, str], tuple[Severity, str]] = {
    ("orders", "customer_id"): ("error", "Check which column names the customer."),
    ("orders", "day"): ("error", "Check which column holds the time of the order."),
    ("orders", "amount"): (
        "warning",
        "Check which column holds the amount; without differences in amount, value follows the "
        "number of orders alone.",
    ),
    ("orders", "discount_amount"): ("info", "Leave the column out, or fill it; it tells nothing."),
    ("feedback", "score"): ("warning", "Check which column holds the score; it tells nothing."),
    ("offers", "offer_id"): (
        "warning",
        "Add the control rows, with offer_id = none: without them the effect of an offer cannot "
        "be told.",
    ),
    ("customers", "marketing_consent"): (
        "info",
        "Check that consent was really recorded: it decides who may get an offer.",
    ),
}


def unusable_rows(context: CheckContext) -> Iterator[DataProblem]:
    """Rows that cannot be read: in quarantine whatever `as_of` is."""
    for intake in context.intakes.values():
        problem = nw.col("problem")
        wrong = intake.rows.filter(~problem.is_null() & ~problem.is_in(list(SET_ASIDE)))
        counts = wrong.group_by("problem").agg(
            nw.len().alias("rows"), nw.col("row").min().alias("row")
        )
        for reason, rows, row in counts.collect("polars").to_native().sort("problem").iter_rows():
            yield _unusable(context, intake, reason, (rows, row))


def unread_facts(context: CheckContext) -> Iterator[DataProblem]:
    """Facts that came after their row and cannot be read: left out, while the row stays."""
    for intake in context.intakes.values():
        if "unread" not in intake.rows.collect_schema().names():
            continue
        wrong = intake.rows.filter(nw.col("problem").is_null() & ~nw.col("unread").is_null())
        counts = wrong.group_by("unread").agg(
            nw.len().alias("rows"), nw.col("row").min().alias("row")
        )
        for reason, rows, row in counts.collect("polars").to_native().sort("unread").iter_rows():
            column = _column_of(context, intake.table, reason)
            yield DataProblem(
                kind=f"unread: {reason}",
                severity="warning",
                table=intake.table,
                column=column,
                rows=rows,
                example=_cell(intake, row, column),
                remedy=_remedy(context, intake.table, reason, column),
                message=f"In {many(rows, 'row')} this fact is left out, the rows stay: {reason}.",
            )


def _unusable(
    context: CheckContext, intake: CanonicalTable, reason: str, found: tuple[int, int | None]
) -> DataProblem:
    rows, row = found
    total = context.accounting[intake.table].rows_in
    column = _column_of(context, intake.table, reason)
    lost = lost_minus(context, intake, column) if reason == "unparsable amount" else ""
    return DataProblem(
        kind=f"unusable: {reason}",
        severity="error" if lost or rows > UNUSABLE_ERROR * total else "warning",
        table=intake.table,
        column=column,
        rows=rows,
        example=_cell(intake, row, column),
        remedy=_remedy(context, intake.table, reason, column),
        message=f"{lost}{many(rows, 'row')} of {total:,} cannot be used: {reason}.",
    )


def _column_of(context: CheckContext, table: str, reason: str) -> str:
    known = {"unknown kind": "kind", "score outside its scale": "score"}
    words = [word for word in reason.split() if "_" in word] or [reason.split()[-1]]
    target = known.get(reason, words[0])
    own = context.mapping.of(section(table))
    lines = {"quantity": own.quantity, "price": own.price}
    return lines.get(target) or own.source(target)


def _cell(intake: CanonicalTable, row: int | None, column: str) -> str | None:
    if intake.raw is None or row is None:
        return None
    if column not in intake.raw.collect_schema():
        return f"row {row}"
    cell = intake.raw.filter(pl.col("row") == row).select(column).collect().item()
    return f"row {row}: {column} = {cell!r}" if isinstance(cell, str) else f"row {row}: {cell}"


def _remedy(context: CheckContext, table: str, reason: str, column: str) -> str:
    own = section(table)
    if reason.startswith("shortened"):
        return f"Export {column} again as text: a spreadsheet has made one id of several."
    if reason.startswith("missing"):
        return f"Fill {column}, or leave such rows out with drop under [{own}] in history.toml."
    if reason.endswith("before 1970"):
        return f"Correct the dates in {column}; dates of long ago often stand for no date."
    if reason == "unknown kind":
        known = ", ".join(sorted(context.mapping.scales))
        return f"Known kinds are {known}; declare others under [feedback.scales], kind = [0, 10]."
    if reason == "score outside its scale":
        return "Correct the scores, or declare their scale under [feedback.scales]."
    if _is_date(own, reason):
        return f"Write ISO dates, or set date_format under [{own}] in history.toml."
    return 'Write plain numbers; set decimal = "," in history.toml if that is the decimal mark.'


def _is_date(table: str, reason: str) -> bool:
    dates = {c.source for c in SCHEMAS[table] if c.kind == "date"}
    return reason.removeprefix("unparsable ") in dates


def anonymous_rows(context: CheckContext) -> Iterator[DataProblem]:
    """Rows without a customer: set aside, and counted."""
    for table, account in context.accounting.items():
        if account.anonymous == 0 or (table == "orders" and "lines" in context.accounting):
            continue
        share = account.anonymous / account.rows_in
        yield DataProblem(
            kind="anonymous",
            severity="warning" if share > ANONYMOUS_WARNING else "info",
            table=table,
            column=context.source(table, "customer_id"),
            rows=account.anonymous,
            example=_first_row(context, table, ANONYMOUS),
            remedy="Nothing, if these are guests and strangers; else fill in the customer.",
            message=f"{many(account.anonymous, 'row')} ({share:.1%}) without a customer, set "
            "aside: nothing can be forecast for somebody unknown.",
        )


def recorded_times(context: CheckContext) -> Iterator[DataProblem]:
    """`recorded_at` empty, or before the event itself."""
    for table, intake in context.intakes.items():
        column = context.source(table, RECORDED.source)
        event = next((c for c in SCHEMAS[section(table)] if c.target == "day"), None)
        if event is None or intake.raw is None:
            continue
        if not {column, context.source(table, event.source)} <= set(intake.raw.collect_schema()):
            continue
        rows = _recorded(context, intake, column, event)
        lead = nw.col("day") - nw.col("recorded_day")
        found = sums(rows, empty=nw.col("is_empty"), early=lead > 0, a_day_early=lead > 1)
        if found["empty"]:
            yield _unrecorded(context, table, column, found["empty"])
        if found["early"]:
            example = first(rows.filter(lead > 0), "row", ["row"])[0]
            yield _recorded_early(table, column, found, f"row {example['row']}")


def _recorded(context: CheckContext, intake: CanonicalTable, column: str, event: Column) -> Frame:
    """Both times as the intake read them: it keeps only the later of the two."""
    source = context.mapping.of(section(intake.table))
    names = {raw_name(RECORDED): column, raw_name(event): source.source(event.source)}
    raw: pl.LazyFrame = intake.raw if intake.raw is not None else pl.LazyFrame()
    cells = raw.select("row", *(pl.col(name).alias(alias) for alias, name in names.items()))
    rows: Frame = nw.from_native(cells)
    empty = ~is_given(RECORDED, rows.collect_schema()[raw_name(RECORDED)])
    rows = rows.with_columns(empty.alias("is_empty"))
    for each in (RECORDED, event):
        rows = read_cells(rows, each, context.mapping, source)
    return rows


def _unrecorded(context: CheckContext, table: str, column: str, rows: int) -> DataProblem:
    return DataProblem(
        kind="recorded_at_empty",
        severity="warning",
        table=table,
        column=column,
        rows=rows,
        example=None,
        remedy="Fill it in, or leave such rows out with drop: if they became known later, training "
        "sees what it could not have known.",
        message=f"Of {many(context.accounting[table].rows_in, 'row')} "
        f"{many(rows, 'does', 'do')} not say when it was recorded. Such a row counts as known at "
        "the time of the event itself.",
    )


def _recorded_early(table: str, column: str, found: dict[str, int], example: str) -> DataProblem:
    return DataProblem(
        kind="recorded_before_event",
        severity="warning" if found["a_day_early"] else "info",
        table=table,
        column=column,
        rows=found["early"],
        example=example,
        remedy="Check that both columns are in one time zone and not exchanged. Dates without a "
        "time count as midnight.",
        message=f"{many(found['early'], 'row was', 'rows were')} recorded before the event, "
        f"{found['a_day_early']:,} by more than a day. Known at the event is what counts.",
    )


def unused_columns(context: CheckContext) -> Iterator[DataProblem]:
    """Columns that mean nothing to Holdfast, among them undeclared customer attributes."""
    for table, intake in context.intakes.items():
        own = section(table)
        rule = context.mapping.of(own).drop or ""
        named = set(re.findall(r"\w+", rule))
        names = ", ".join(c for c in intake.unused if c not in named)
        if names and table == "customers":
            yield _column(
                table,
                names,
                "undeclared_attribute",
                f"Customer attributes not used, as nothing says since when they hold: {names}.",
                "Declare those that never change under [customers] static = […] in history.toml; "
                "for others give recorded_at and list their values under [customers.categories].",
            )
        elif names:
            yield _column(
                table,
                names,
                "unused_column",
                f"Columns not used: {names}.",
                f"Nothing, if that is meant; else map them under [{own}.columns] in history.toml.",
            )


def _column(table: str, column: str, kind: str, message: str, remedy: str) -> DataProblem:
    return DataProblem(kind, "info", table, column, 0, None, remedy, message)


def one_value_columns(context: CheckContext) -> Iterator[DataProblem]:
    """Columns with the same value in every row, where that takes their meaning."""
    for (table, column), (severity, remedy) in ONE_VALUE.items():
        account = context.accounting.get(table)
        if account is None or account.used < FEWEST_ROWS:
            continue
        of = context.used(table).select(column)
        found = values(of, least=nw.col(column).min(), most=nw.col(column).max())
        value = found["least"]
        if value is None or value != found["most"] or (table, value) == ("offers", "none"):
            continue
        name = next(c.source for c in SCHEMAS[table] if c.target == column)
        shown = on_day(value) if column == "day" else repr(value)
        yield DataProblem(
            kind="one_value",
            severity=severity,
            table=table,
            column=context.source(table, name),
            rows=account.used,
            example=f"{name} = {shown}",
            remedy=remedy,
            message=f"Every row has the same {name}.",
        )


def currency(context: CheckContext) -> Iterator[DataProblem]:
    """Amounts without a currency."""
    if context.accounting["orders"].used == 0:
        return
    column = nw.col("currency")
    found = sums(context.used("orders"), given=~column.is_null(), empty=column.is_null())
    declared = context.mapping.currency
    if found["given"] and found["empty"]:
        yield DataProblem(
            kind="currency_empty",
            severity="warning",
            table="orders",
            column=context.source("orders", "currency"),
            rows=found["empty"],
            example=one_id(context.used("orders").filter(column.is_null()), "order_id"),
            remedy="Fill it in, or convert the amounts.",
            message=f"{many(found['empty'], 'row has', 'rows have')} no currency, "
            "counted as if it were that of the others.",
        )
    elif not found["given"] and declared is None:
        yield DataProblem(
            kind="currency_unknown",
            severity="warning",
            table="orders",
            column="currency",
            rows=found["empty"],
            example=None,
            remedy='Set currency = "EUR", or what it is, in history.toml.',
            message="Nothing says what currency the amounts are in.",
        )


def _first_row(context: CheckContext, table: str, fate: str) -> str | None:
    row = values(context.with_fate(table, fate), row=nw.col("row").min())["row"]
    return None if row is None else f"row {row}"
