"""Cells of any source, read as ids, text, numbers and days; what cannot be read becomes null."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from features.day_column import days_of, with_day
from features.errors import HistoryError
from features.intake.amounts import read_numbers
from features.intake.mapping import Mapping, TableMapping
from features.schema import Column
from features.text_dates import moved

# Beyond it a float no longer holds every whole number, and an id would be another one.
EXACT_INTEGERS = 2.0**53
TEXT_TYPES = (nw.String, nw.Categorical, nw.Enum)
WHOLE_FLOAT = r"^(-?\d+)\.0+$"
# What makes an id to be looked at twice: a fraction, an address, a number that was shortened.
FRACTION, ADDRESS, PLUS = ".0", "@", "+"
Marks = frozenset[str]


def raw_name(column: Column) -> str:
    """Name of the column while it still holds the source's cells."""
    return f"raw_{column.target}"


def read_cells(
    frame: nw.LazyFrame[Any], column: Column, mapping: Mapping, source: TableMapping
) -> nw.LazyFrame[Any]:
    """Add `column.target`, read from the source's cells.

    Raises
    ------
    HistoryError
        If the type of the source's column cannot hold the kind of the column. The message begins
        with "must", for the caller to say which column it is about.
    """
    raw = raw_name(column)
    if frame.implementation.is_polars():
        native: pl.LazyFrame = frame.to_native()
        cells = native.select(raw).collect()
        return nw.from_native(native.with_columns(read_local(cells, column, mapping, source)))
    if column.kind == "date":
        zone = source.zone or mapping.timezone
        return with_day(frame, raw, column.target, zone, source.date_format)
    dtype = frame.collect_schema()[raw]
    found = reading(column, dtype, elsewhere(dtype), mapping.fold_emails)
    return frame.with_columns(found.alias(column.target))


def read_local(
    cells: pl.DataFrame, column: Column, mapping: Mapping, source: TableMapping
) -> pl.Series:
    """A column read from the source's cells at hand.

    Raises
    ------
    HistoryError
        As `read_cells`.
    """
    raw = raw_name(column)
    frame = nw.from_native(cells.lazy())
    dtype = frame.collect_schema()[raw]
    if is_of_whole_column(column, dtype):
        return read_whole(cells[raw], column, mapping, source)
    found = reading(column, dtype, marks_in(cells, [raw])[raw], mapping.fold_emails)
    read: pl.LazyFrame = frame.select(found.alias(column.target)).to_native()
    return read.collect().to_series()


def is_of_whole_column(column: Column, dtype: Any) -> bool:
    """Whether other cells of a column say how one is to be read: dates, and numbers in text."""
    return column.kind == "date" or (column.kind == "number" and dtype in TEXT_TYPES)


def read_whole(
    cells: pl.Series, column: Column, mapping: Mapping, source: TableMapping
) -> pl.Series:
    """Dates, or numbers in text, from all cells of a column at hand.

    Raises
    ------
    HistoryError
        As `read_cells`.
    """
    if column.kind == "number":
        return read_numbers(cells.cast(pl.String), mapping.decimal).alias(column.target)
    zone = source.zone or mapping.timezone
    days = days_of(cells, zone, source.date_format).alias(column.target)
    return days if zone == mapping.timezone else moved(days, zone, mapping.timezone)


def reading(column: Column, dtype: Any, marks: Marks, fold_emails: bool) -> nw.Expr:
    """How ids, text and numbers are read, cell by cell.

    Raises
    ------
    HistoryError
        As `read_cells`.
    """
    raw = nw.col(raw_name(column))
    if column.kind in {"id", "text"}:
        text = _text(raw, dtype)
        if column.kind == "id" and dtype in TEXT_TYPES:
            text = _as_id(text, marks, column.target == "customer_id" and fold_emails)
        return text.str.to_uppercase() if column.target == "currency" else text
    is_all_null = dtype == nw.Unknown
    if not (dtype.is_numeric() or dtype == nw.Boolean or is_all_null):
        raise HistoryError(f"must hold numbers; it holds {dtype}. Cast it to numbers.")
    return _finite(raw.cast(nw.Float64))


def marks_in(cells: pl.DataFrame, names: Sequence[str]) -> dict[str, Marks]:
    """Which marks some cell of each column holds: looking is cheaper than reading for them."""
    texts = [n for n in names if cells.schema[n] in (pl.String, pl.Categorical, pl.Enum)]
    found = cells.select(
        pl.col(name).cast(pl.String).str.contains(mark, literal=True).any().alias(f"{mark}{name}")
        for name in texts
        for mark in (FRACTION, ADDRESS, PLUS)
    )
    said = found.row(0, named=True) if texts else {}
    return {
        name: frozenset(mark for mark in (FRACTION, ADDRESS, PLUS) if said.get(f"{mark}{name}"))
        for name in names
    }


def elsewhere(dtype: Any) -> Marks:
    """The marks that ids may hold where looking for them would cost as much as reading."""
    return frozenset({ADDRESS, PLUS}) if dtype in TEXT_TYPES else frozenset()


def _as_id(text: nw.Expr, marks: Marks, folds: bool) -> nw.Expr:
    """Ids of whole floats without their fraction, and addresses in small letters."""
    if FRACTION in marks:
        text = text.str.replace_all(WHOLE_FLOAT, "$1")
    if ADDRESS in marks and folds:
        is_address = text.str.contains(ADDRESS, literal=True)
        text = nw.when(is_address).then(text.str.to_lowercase()).otherwise(text)
    return text


def spellings(customer_id: str) -> tuple[str, ...]:
    """How a history may spell the id of a customer that somebody asks for: as it is, or as read.

    Examples
    --------
    >>> spellings("Anna@Shop.example"), spellings("13085.0"), spellings("a")
    (('Anna@Shop.example', 'anna@shop.example'), ('13085.0', '13085'), ('a',))
    """
    text = customer_id.strip()
    read = re.sub(WHOLE_FLOAT, r"\1", text.lower() if ADDRESS in text else text)
    return tuple(dict.fromkeys((customer_id, read)))


def is_given(column: Column, dtype: Any) -> nw.Expr:
    """Whether the source's cell says anything, be it readable or not."""
    if column.kind in {"id", "text"}:
        return ~nw.col(column.target).is_null()
    raw = nw.col(raw_name(column))
    if dtype in TEXT_TYPES:
        return ~raw.is_null() & (raw.cast(nw.String).str.strip_chars().str.len_chars() > 0)
    if dtype.is_float():
        return ~raw.is_null() & ~raw.is_nan()
    return ~raw.is_null()


def _finite(number: nw.Expr) -> nw.Expr:
    return nw.when(number.is_finite()).then(number)


def _text(raw: nw.Expr, dtype: Any) -> nw.Expr:
    """An id is the same text however it is stored: 13085, 13085.0, "13085 ", Decimal 13085.00."""
    if dtype.is_float():
        number = _finite(raw.cast(nw.Float64))
        whole = nw.when((number.abs() < EXACT_INTEGERS) & (number == number.floor())).then(number)
        return nw.coalesce(whole.cast(nw.Int64).cast(nw.String), number.cast(nw.String))
    text = raw.cast(nw.String)
    if dtype.is_decimal():
        text = text.str.replace_all(r"\.0*$", "")
    if dtype in TEXT_TYPES:
        text = text.str.strip_chars()
    return nw.when(text.str.len_chars() > 0).then(text)
