"""What a source has that is not read, or is read otherwise than its owner may think."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import narwhals as nw
import polars as pl

from features.agreement import many
from features.clock import as_instant
from features.intake.canonical import CanonicalTable
from features.intake.casting import EXACT_INTEGERS
from features.intake.mapping import NOT_COUNTED, REFUNDED
from features.intake.recognise import formats
from features.intake.rows.shape import folded
from features.quality.context import CheckContext, DataProblem, section, values
from features.schema import OTHER_CURRENCY, SCHEMAS

# Values that a status has; a column of more tells of something else.
MOST_STATUSES = 30
# Statuses that are shown as examples.
SHOWN = 6
# Of the orders: no shop takes so many in one instant.
MIGRATED = 1 / 3
# Orders: of a few, some may well come together or cost round sums.
FEWEST = 30
# Currencies without a smaller unit.
WITHOUT_CENTS = ("CLP", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND")
# The median of what looks like cents is at least so much.
CENTS_MEDIAN = 1000
MINUS = r"^\s*[-(\u2212]|[-\u2212]\s*$"


def unlike_currencies(context: CheckContext) -> Iterator[DataProblem]:
    """Orders and refunds in another currency than the shop's: set aside, with their sums."""
    sources = ("lines" if "lines" in context.intakes else "orders", "refunds")
    for table in (table for table in sources if table in context.intakes):
        if context.intakes[table].rows.implementation.is_polars():
            yield from _other_currencies(context, table)


def _other_currencies(context: CheckContext, table: str) -> Iterator[DataProblem]:
    other = context.intakes[table].rows.filter(nw.col("problem") == OTHER_CURRENCY)
    found = other.group_by("currency").agg(
        nw.len().alias("rows"), nw.col("amount").sum().alias("sum")
    )
    for currency, count, total in found.collect("polars").to_native().sort("currency").iter_rows():
        yield DataProblem(
            kind="other_currency",
            severity="error",
            table=table,
            column=context.source(table, "currency"),
            rows=count,
            example=None,
            message=f"{many(count, table.removesuffix('s'))} in {currency}, {total:,.2f} in all, "
            f"set aside: the shop's currency is {context.past.mapping.currency}.",
            remedy="Convert the amounts, or leave such orders out with drop.",
        )


def rules_without_effect(context: CheckContext) -> Iterator[DataProblem]:
    """A `drop` rule, or a status, that no row fulfils."""
    for table, intake in context.intakes.items():
        own = section(table)
        rule = context.mapping.of(own).drop
        if rule is not None and intake.raw is not None and intake.left_out == 0:
            if intake.format is not None:
                continue
            yield DataProblem(
                kind="rule_without_effect",
                severity="warning",
                table=table,
                column=None,
                rows=0,
                example=None,
                message=f"The rule [{own}] drop = {rule!r} hits no row.{_meant(intake, rule)}",
                remedy="Compare its words with those of the source, capitals included.",
            )


def _meant(intake: CanonicalTable, rule: str) -> str:
    """The values of the columns that a rule names, if they are few."""
    raw: pl.LazyFrame = intake.raw if intake.raw is not None else pl.LazyFrame()
    names = raw.collect_schema().names()
    named = [c for c in names if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", rule)]
    for column in named[:1]:
        counts = _counts(raw, column)
        if counts.height <= MOST_STATUSES:
            return f" {column} is {_listed(counts)}."
    return ""


def statuses(context: CheckContext) -> Iterator[DataProblem]:
    """A column that is not read and holds words of orders that never were."""
    intake = context.intakes.get("lines", context.intakes["orders"])
    if intake.raw is None or context.mapping.of("orders").status is not None:
        return
    rule = context.mapping.of("orders").drop or ""
    words = [*NOT_COUNTED, *REFUNDED]
    for column in intake.unused:
        if column in rule or intake.raw.collect_schema()[column] != pl.String:
            continue
        counts = _counts(intake.raw, column)
        said = counts.filter(folded(pl.col("value")).is_in(words))
        if counts.height <= MOST_STATUSES and said.height:
            rows = int(said["rows"].sum())
            yield DataProblem(
                kind="status_not_read",
                severity="warning",
                table=intake.table,
                column=column,
                rows=rows,
                example=None,
                message=f"{column} looks like the status of orders: {_listed(counts)}. All of them "
                "count.",
                remedy=f"Write [orders.status] column = {column!r} in history.toml: orders that "
                "were cancelled, failed or are still open then do not count.",
            )


def spellings(context: CheckContext) -> Iterator[DataProblem]:
    """Customers whose ids were written in several ways, and those that look alike and are not."""
    intake = context.intakes.get("lines", context.intakes["orders"])
    column = context.source("orders", "customer_id")
    if intake.raw is None or column not in intake.raw.collect_schema():
        return
    if intake.raw.collect_schema()[column] != pl.String:
        return
    written = intake.raw.select(pl.col(column).drop_nulls().unique()).collect().to_series()
    stripped = written.str.strip_chars()
    kept = stripped.filter(stripped != "")
    ids = context.customers.select("customer_id").collect("polars").to_native()["customer_id"]
    joined = len(written.filter(stripped != "")) - _as_ids(kept, context.mapping.fold_emails)
    if joined > 0:
        yield DataProblem(
            kind="spellings_joined",
            severity="info",
            table="orders",
            column=context.source("orders", "customer_id"),
            rows=0,
            example=None,
            message=f"{many(joined, 'spelling')} of customer ids, by capitals and blanks of "
            "e-mail addresses or a fraction of zeros, joined with the others.",
            remedy="Nothing, if they are the same people; else set fold_emails = false.",
        )
    alike = ids.str.to_lowercase().str.replace_all(r"[\s.\-]", "")
    apart = len(ids) - alike.n_unique()
    if apart > 0:
        shown = ids.filter(alike.is_duplicated()).sort().head(2).to_list()
        yield DataProblem(
            kind="look_alikes",
            severity="info",
            table="orders",
            column=context.source("orders", "customer_id"),
            rows=0,
            example=None,
            message=f"{many(apart, 'customer looks', 'customers look')} like another one but for "
            "capitals, blanks, points or dashes, such as "
            f"{' and '.join(map(repr, shown))}. They count as different.",
            remedy="Write the ids alike if they are the same people.",
        )


def _as_ids(written: pl.Series, fold_emails: bool) -> int:
    ids = written.str.replace(r"^(-?\d+)\.0+$", "$1")
    if fold_emails:
        address = ids.str.contains("@", literal=True)
        ids = ids.zip_with(~address, ids.str.to_lowercase())
    return int(ids.n_unique())


def ids_as_numbers(context: CheckContext) -> Iterator[DataProblem]:
    """Ids that a frame holds as floats: whatever they began with or had behind is lost."""
    for table, intake in context.intakes.items():
        schema = intake.raw.collect_schema() if intake.raw is not None else {}
        for column in (c for c in SCHEMAS[section(table)] if c.kind == "id"):
            name = context.source(table, column.source)
            if name not in schema or not schema[name].is_float():
                continue
            raw: pl.LazyFrame = intake.raw if intake.raw is not None else pl.LazyFrame()
            largest = raw.select(pl.col(name).abs().max()).collect().item() or 0.0
            lost = largest >= EXACT_INTEGERS
            yield DataProblem(
                kind="ids_as_numbers",
                severity="error" if lost else "info",
                table=table,
                column=name,
                rows=0,
                example=f"{largest:.0f}",
                message=f"{name} holds floats, as pandas makes of ids beside blanks: "
                + ("its largest are no longer told apart." if lost else "leading zeros are lost."),
                remedy="Read the file with dtype=str, or give the file itself to Holdfast.",
            )


def cents(context: CheckContext) -> Iterator[DataProblem]:
    """Amounts without a fraction, and large: they may be in cents."""
    currency = context.past.mapping.currency or ""
    if context.totals.orders < FEWEST or currency in WITHOUT_CENTS:
        return
    amount = nw.col("amount")
    bought = context.used("orders").filter(amount > 0)
    found = values(
        bought, median=amount.median(), odd=(amount != amount.floor()).cast(nw.Int64).sum()
    )
    is_round = ((amount / 10).floor() * 10 == amount).cast(nw.Float64)
    ends = values(bought, round=is_round.mean())
    if found["odd"] or found["median"] < CENTS_MEDIAN or ends["round"] > 0.5:
        return
    yield DataProblem(
        kind="cents",
        severity="warning",
        table="orders",
        column=context.source("orders", "amount"),
        rows=context.totals.orders,
        example=None,
        message=f"No amount has a fraction, and half of them are {found['median']:,.0f} or more: "
        "they look like cents. Costs and budgets of offers are then a hundred times too small.",
        remedy="Divide them by 100 in the source, or set currency to what they are in.",
    )


def mass_instants(context: CheckContext) -> Iterator[DataProblem]:
    """Many orders at one instant: the day on which an old shop was moved here."""
    if context.totals.orders < FEWEST:
        return
    day = nw.col("day")
    bought = context.used("orders").filter(nw.col("amount") > 0, day != day.floor())
    counts = bought.group_by("day").agg(nw.len().alias("rows")).collect("polars").to_native()
    if counts.is_empty():
        return
    instant, rows = counts.sort("rows", "day", descending=[True, False]).row(0)
    if rows < MIGRATED * context.totals.orders:
        return
    yield DataProblem(
        kind="one_instant",
        severity="warning",
        table="orders",
        column=context.source("orders", "ordered_at"),
        rows=int(rows),
        example=None,
        message=f"One instant, {as_instant(instant):%Y-%m-%d %H:%M:%S}, has {int(rows):,} of "
        f"{many(context.totals.orders, 'order')}: an import or a migration may have dated them. "
        "Several of a customer then count as one purchase.",
        remedy="Find their own dates, or leave them out with drop.",
    )


def unread_files(unread: Mapping[str, str | None]) -> Iterator[DataProblem]:
    """Files in the folder of the history that it does not read."""
    for name, format in unread.items():
        table = "orders" if format is None else formats()[format].table
        title = "" if format is None else f" It looks like {formats()[format].title}."
        yield DataProblem(
            kind="unread_file",
            severity="info" if format is None else "warning",
            table=table,
            column=None,
            rows=0,
            example=name,
            message=f"{name} is not read.{title}",
            remedy=f'Name it under [{table}] file = "{name}" in history.toml, or among files.',
        )


def lost_minus(context: CheckContext, intake: CanonicalTable, column: str) -> str:
    """A sentence if all the amounts with a minus are among those that cannot be read."""
    raw = intake.raw
    if raw is None or column not in raw.collect_schema() or intake.table == "lines":
        return ""
    if raw.collect_schema()[column] != pl.String or context.totals.refunds > 0:
        return ""
    negative = pl.col(column).str.contains(MINUS).fill_null(False)
    count = int(raw.select(negative.sum()).collect().item())
    if not count:
        return ""
    return f"All {count:,} amounts with a minus are among them: refunds are missing. "


def _counts(raw: pl.LazyFrame, column: str) -> pl.DataFrame:
    cells = raw.select(value=pl.col(column).cast(pl.String))
    counts = cells.group_by("value").agg(rows=pl.len()).collect()
    return counts.sort("rows", "value", descending=[True, False])


def _listed(counts: pl.DataFrame) -> str:
    shown: Sequence[str] = [
        f"{value or 'blank'} ({rows:,})" for value, rows in counts.head(SHOWN).iter_rows()
    ]
    more = counts.height - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
