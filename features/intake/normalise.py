"""Source columns become canonical ones, and every row says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import HistoryError
from features.intake.casting import holds, is_given, raw_name, read_cells
from features.intake.mapping import Mapping, TableMapping
from features.intake.rows.deduplicate import BEFORE_ALL
from features.intake.rows.shape import ASIDE, CALLED_OFF, OWN_ID, PAID_BACK
from features.schema import (
    ANONYMOUS,
    LINES,
    RECORDED,
    REFUND,
    SCORE,
    Column,
)

# What the shape says of rows of orders, and what it is called here.
MADE = {PAID_BACK: "paid_back", CALLED_OFF: "called_off", OWN_ID: "refund_id"}
# Of scores on the ends of their scale.
ROUNDING = 1e-9
# Ids as spreadsheets shorten them, such as 6.00000E+12: several become the same.
SHORTENED = r"^\d([.,]\d+)?[eE]\+\d+$"
# Fewer are read before threads have begun.
THREADED_ROWS = 10_000
# In whatever currency, no order is worth so much; sums of such amounts lose their cents.
LARGEST = 1e12


def conform(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping, columns: Sequence[Column]
) -> nw.LazyFrame[Any]:
    """Read every column as its kind and say of every row what is wrong with it."""
    source = mapping.of(table)
    names = frame.collect_schema().names()
    present = [c for c in columns if source_name(c, source) in names]
    row = nw.col("row").cast(nw.Int64) if "row" in names else nw.lit(None, dtype=nw.Int64)
    aside = nw.col(ASIDE) if ASIDE in names else nw.lit(None, dtype=nw.String)
    cells = (nw.col(source_name(c, source)).alias(raw_name(c)) for c in present)
    told = {mark: name for mark, name in MADE.items() if mark in names}
    kept = (nw.col(mark).alias(name) for mark, name in told.items())
    frame = frame.select(row.alias("row"), aside.alias("aside"), *kept, *cells)
    types = frame.collect_schema()
    given = {c: is_given(c, types[raw_name(c)]) for c in present}
    frame, signed = _read_all(table, frame, present, mapping)
    absent = (c for c in columns if c not in present)
    frame = frame.with_columns(
        nw.lit(None, dtype=nw.String if c.kind in {"id", "text"} else nw.Float64).alias(c.target)
        for c in absent
    )
    derived = _derived(table, mapping)
    frame = frame.with_columns(**derived)
    wrong = _first(_checks(table, given, mapping, signed))
    frame = frame.with_columns(
        nw.coalesce(nw.col("aside"), wrong).alias("problem"),
        _first(_later_checks(table, given)).alias("unread"),
    )
    if table == "feedback":
        frame = _timed_scores(frame, present)
    targets = (c.target for c in columns)
    return frame.select("row", *targets, *derived, *told.values(), "problem", "unread")


def _read_all(
    table: str, frame: nw.LazyFrame[Any], present: Sequence[Column], mapping: Mapping
) -> tuple[nw.LazyFrame[Any], set[Column]]:
    """Read the columns, local ones beside each other; and the ids of which some have a plus."""
    ids = [column for column in present if column.kind == "id"]
    is_local, cells = frame.implementation.is_polars(), pl.DataFrame()
    if is_local:
        native: pl.LazyFrame = frame.to_native()
        cells = native.collect()
        frame = nw.from_native(cells.lazy())
    if not is_local or cells.height < THREADED_ROWS:
        for column in present:
            frame = _read(table, frame, column, mapping)
        return frame, {column for column in ids if holds(frame, column, "+")}

    def read(column: Column) -> pl.DataFrame:
        own: nw.LazyFrame[Any] = nw.from_native(cells.lazy().select(raw_name(column)))
        found: pl.LazyFrame = _read(table, own, column, mapping).to_native()
        return found.select(column.target).collect()

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        targets = list(pool.map(read, present))
        signed = pool.map(lambda column: holds(frame, column, "+"), ids)
        has_plus = dict(zip(ids, signed, strict=True))
    together = pl.concat([cells, *targets], how="horizontal")
    return nw.from_native(together.lazy()), {c for c in ids if has_plus[c]}


def _read(
    table: str, frame: nw.LazyFrame[Any], column: Column, mapping: Mapping
) -> nw.LazyFrame[Any]:
    source = mapping.of(table)
    try:
        return read_cells(frame, column, mapping, source)
    except HistoryError as error:
        name = source_name(column, source)
        raise HistoryError(f"{table} column {name!r} {error}") from None


def source_name(column: Column, source: TableMapping) -> str:
    """The name in the source of one of the table's columns."""
    if column in LINES:
        return str(source.quantity if column.source == "quantity" else source.price)
    if column in REFUND and source.refund is not None:
        named = source.refund.amount if column.source == "refund_amount" else source.refund.at
        return named or source.source(column.source)
    return source.source(column.source)


def require(
    table: str, columns: Sequence[Column], present: Sequence[str], source: TableMapping
) -> None:
    """Refuse a source that lacks a required column, or one that the mapping names.

    Raises
    ------
    HistoryError
        With the columns that are missing and those that are there.
    """
    known = {c.source for c in columns if c not in LINES}
    if unknown := sorted(set(source.columns) - known):
        raise HistoryError(
            f"[{table}.columns] maps {unknown}, which {table} does not have; "
            f"it has {sorted(known)}."
        )
    missing = []
    wanted = {*source.columns, *source.attributes}
    for column in columns:
        name = source_name(column, source)
        if _is_told_otherwise(table, column, source, present):
            continue
        is_there = any(each in present for each in (name, *source.sources(column.source)))
        if not is_there and (column.required or column.source in wanted):
            mapped = "" if name == column.source else f" (mapped to {name!r})"
            missing.append(column.source + mapped)
    if missing:
        found = sorted(set(present) - {"row"})
        hint = _separator_hint(found) or _meant(missing, found)
        offer = ", or let holdfast map HISTORY propose a mapping" if table == "orders" else ""
        raise HistoryError(
            f"{table} must have the columns {missing}; it has {found}. "
            f"Rename them, or map them under [{table}.columns] in history.toml{offer}.{hint}"
        )


def _is_told_otherwise(
    table: str, column: Column, source: TableMapping, present: Sequence[str]
) -> bool:
    """Whether feedback names its customer by the order, or each row is an order, and so on."""
    if column.source == "customer_id" and table == "feedback":
        return source.source("order_id") in present
    if column.source == "order_id":
        return source.without_order_id is not None
    return column in LINES and source.line_total is not None


def _meant(missing: Sequence[str], found: Sequence[str]) -> str:
    """What may have been meant, where a name is close to one that is there."""
    close = {name: get_close_matches(name.split(" (")[0], found, n=1) for name in missing}
    told = [f"{name} = {names[0]!r}" for name, names in close.items() if names]
    return f" Did you mean {', '.join(told)}?" if told else ""


def _separator_hint(found: Sequence[str]) -> str:
    marks = [mark for mark in ";\t|," if len(found) == 1 and mark in found[0]]
    if not marks:
        return ""
    return f" Set separator = {marks[0]!r} there if that is what parts the columns."


def _derived(table: str, mapping: Mapping) -> dict[str, nw.Expr]:
    """Columns made of others: when the row is known, and what scores and lines amount to."""
    derived = {"known_day": _known_day(table)}
    if table == "feedback":
        derived["satisfaction"] = satisfaction(mapping)
    if mapping.of(table).is_lines:
        derived["amount"] = nw.col("quantity") * nw.col("price")
    return derived


def _known_day(table: str) -> nw.Expr:
    recorded = nw.col("recorded_day")
    if table == "offers":
        return nw.col("day")
    if table == "customers":
        return recorded.fill_null(BEFORE_ALL)
    return nw.when(recorded > nw.col("day")).then(recorded).otherwise(nw.col("day"))


def satisfaction(mapping: Mapping) -> nw.Expr:
    """Scores of every kind on one scale from -1 (worst) to 1 (best)."""
    satisfaction: nw.Expr = nw.lit(None, dtype=nw.Float64)
    for kind, (low, high) in mapping.scales.items():
        centred = (nw.col("score") - (low + high) / 2) * (2 / (high - low))
        satisfaction = nw.when(nw.col("kind") == kind).then(centred).otherwise(satisfaction)
    return satisfaction


def _timed_scores(frame: nw.LazyFrame[Any], present: Sequence[Column]) -> nw.LazyFrame[Any]:
    """A ticket's score is given when it is resolved: where that is told, open tickets have none."""
    outside = _is_answered_later() & _outside()
    frame = frame.with_columns(
        nw.when(~outside.fill_null(False)).then(nw.col(c)).alias(c)
        for c in ("score", "satisfaction")
    )
    if not any(column.source == SCORE.known_with for column in present):
        return frame
    is_open = _is_answered_later() & nw.col("resolved_day").is_null()
    return frame.with_columns(
        nw.when(~is_open).then(nw.col(c)).alias(c) for c in ("score", "satisfaction")
    )


def _first(checks: Sequence[tuple[nw.Expr, str]]) -> nw.Expr:
    """The first thing that is wrong with a row, or null."""
    problem: nw.Expr = nw.lit(None, dtype=nw.String)
    for wrong, reason in reversed(checks):
        problem = nw.when(wrong).then(nw.lit(reason)).otherwise(problem)
    return problem


def _later_checks(table: str, given: dict[Column, nw.Expr]) -> list[tuple[nw.Expr, str]]:
    """Facts known after their row, and attributes: a bad one is left out, and the row stays."""
    checks = [
        (is_there & nw.col(column.target).is_null(), f"unparsable {column.source}")
        for column, is_there in given.items()
        if column.is_later_fact or (column.is_attribute and column.kind == "number")
    ]
    if table == "feedback":
        unusable = _outside() | _unreadable_score(given)
        checks.append((_is_answered_later() & unusable, "unusable score"))
    return checks


def _is_answered_later() -> nw.Expr:
    return nw.col("kind").is_in(list(SCORE.known_later_of))


def _outside() -> nw.Expr:
    return nw.col("satisfaction").abs() > 1 + ROUNDING


def _unreadable_score(given: dict[Column, nw.Expr]) -> nw.Expr:
    return given[SCORE] & nw.col("score").is_null() if SCORE in given else nw.lit(False)


def _checks(
    table: str, given: dict[Column, nw.Expr], mapping: Mapping, signed: Set[Column]
) -> list[tuple[nw.Expr, str]]:
    checks: list[tuple[nw.Expr, str]] = []
    anonymous = []
    for column, is_there in given.items():
        value = nw.col(column.target)
        if column.target == "customer_id" and table != "customers":
            anonymous.append((~is_there, ANONYMOUS))
        elif column.required or (table == "customers" and column == RECORDED):
            checks.append((~is_there, f"missing {column.source}"))
        if column.is_later_fact or column.is_attribute:
            continue
        if column.kind in {"date", "number"}:
            unreadable = is_there & value.is_null()
            if column.known_later_of:
                unreadable = unreadable & ~nw.col("kind").is_in(list(column.known_later_of))
            checks.append((unreadable, f"unparsable {column.source}"))
        if column in signed:
            checks.append((value.str.contains(SHORTENED), f"shortened {column.source}"))
        if column.kind == "date":
            checks.append((value < 0, f"{column.source} before 1970"))
        if column.kind == "number" and table in ("orders", "refunds"):
            checks.append((value.abs() > LARGEST, f"{column.source} beyond a million million"))
    if table == "feedback":
        checks.append((~nw.col("kind").is_in(list(mapping.scales)), "unknown kind"))
        checks.append((_outside() & ~_is_answered_later(), "score outside its scale"))
    named_by_order = table in ("feedback", "refunds")
    if named_by_order and not any(c.target == "customer_id" for c in given):
        anonymous.append((nw.lit(True), ANONYMOUS))
    return checks + anonymous
