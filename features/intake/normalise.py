"""Source columns become canonical ones, and every row says what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import HistoryError
from features.intake.casting import (
    PLUS,
    Marks,
    elsewhere,
    is_of_whole_column,
    marks_in,
    raw_name,
    read_cells,
    read_whole,
    reading,
)
from features.intake.mapping import Mapping, TableMapping
from features.intake.rows.judged import MADE, RowsRead, judging
from features.intake.rows.shape import ASIDE
from features.intake.steps import KEPT, Steps, in_polars
from features.schema import (
    LINES,
    REFUND,
    Column,
)

# Fewer are read before threads have begun.
THREADED_ROWS = 10_000


def conform(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping, columns: Sequence[Column]
) -> nw.LazyFrame[Any]:
    """Read every column as its kind and say of every row what is wrong with it."""
    source = mapping.of(table)
    names = frame.collect_schema().names()
    present = tuple(c for c in columns if source_name(c, source) in names)
    cells = tuple((source_name(c, source), raw_name(c)) for c in present)
    made = tuple(mark for mark in (*MADE, ASIDE, "row") if mark in names)
    frame = _chosen(made, cells).of(frame)
    types = frame.collect_schema()
    read, marks = _read_all(table, frame, present, mapping)
    judge = judging(
        RowsRead(
            table,
            tuple(columns),
            tuple((c, types[raw_name(c)]) for c in present),
            made,
            frozenset(c for c in marks if PLUS in marks[c]),
            tuple(mapping.scales.items()),
            source.is_lines,
        )
    )
    return judge.of(read)


@lru_cache(KEPT)
def _chosen(made: tuple[str, ...], cells: tuple[tuple[str, str], ...]) -> Steps:
    """The source's cells under our names, and what the shape says of its rows."""
    row = nw.col("row").cast(nw.Int64) if "row" in made else nw.lit(None, dtype=nw.Int64)
    aside = nw.col(ASIDE) if ASIDE in made else nw.lit(None, dtype=nw.String)
    kept = (nw.col(mark).alias(name) for mark, name in MADE.items() if mark in made)
    named = (nw.col(name).alias(alias) for name, alias in cells)
    return Steps((("select", (row.alias("row"), aside.alias("aside"), *kept, *named)),))


def _read_all(
    table: str, frame: nw.LazyFrame[Any], present: Sequence[Column], mapping: Mapping
) -> tuple[nw.LazyFrame[Any], dict[Column, Marks]]:
    """Read the columns; and which marks the cells of ids hold."""
    ids = [column for column in present if column.kind == "id"]
    types = frame.collect_schema()
    if not frame.implementation.is_polars():
        for column in present:
            with _named(table, column, mapping):
                frame = read_cells(frame, column, mapping, mapping.of(table))
        return frame, {column: elsewhere(types[raw_name(column)]) for column in ids}
    native: pl.LazyFrame = frame.to_native()
    cells = native.collect()
    found = marks_in(cells, [raw_name(column) for column in ids])
    marks = {column: found[raw_name(column)] for column in ids}
    whole = [c for c in present if is_of_whole_column(c, types[raw_name(c)])]
    read: list[pl.Series | pl.Expr] = [*_read_whole(table, cells, whole, mapping)]
    for column in present:
        if column not in whole:
            with _named(table, column, mapping):
                own = marks.get(column, frozenset())
                read.append(_reading(column, types[raw_name(column)], own, mapping.fold_emails))
    return nw.from_native(cells.lazy().with_columns(read)), marks


@lru_cache(KEPT)
def _reading(column: Column, dtype: Any, marks: Marks, fold_emails: bool) -> pl.Expr:
    return in_polars(reading(column, dtype, marks, fold_emails).alias(column.target))


def _read_whole(
    table: str, cells: pl.DataFrame, columns: Sequence[Column], mapping: Mapping
) -> list[pl.Series]:
    """Columns whose cells explain each other, those of many rows at the same time."""

    def read(column: Column) -> pl.Series:
        with _named(table, column, mapping):
            return read_whole(cells[raw_name(column)], column, mapping, mapping.of(table))

    if cells.height < THREADED_ROWS:
        return [read(column) for column in columns]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(read, columns))


@contextmanager
def _named(table: str, column: Column, mapping: Mapping) -> Iterator[None]:
    """Say which column cannot be read."""
    try:
        yield
    except HistoryError as error:
        name = source_name(column, mapping.of(table))
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
