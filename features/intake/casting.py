"""Cells of any source, read as ids, text, numbers and days; what cannot be read becomes null."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

from features.day_column import with_day
from features.errors import HistoryError
from features.intake.amounts import read_numbers
from features.intake.mapping import Mapping, TableMapping
from features.schema import Column
from features.text_dates import moved

# Beyond it a float no longer holds every whole number, and an id would be another one.
EXACT_INTEGERS = 2.0**53
TEXT_TYPES = (nw.String, nw.Categorical, nw.Enum)
WHOLE_FLOAT = r"^(-?\d+)\.0+$"


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
    dtype = frame.collect_schema()[raw]
    if column.kind == "date":
        read = with_day(
            frame, raw, column.target, source.zone or mapping.timezone, source.date_format
        )
        if source.zone is None or source.zone == mapping.timezone:
            return read
        rows: pl.DataFrame = read.to_native().collect()
        days = moved(rows[column.target], source.zone, mapping.timezone)
        return nw.from_native(rows.with_columns(days).lazy())
    if column.kind in {"id", "text"}:
        text = _text(nw.col(raw), dtype)
        if column.kind == "id" and dtype in TEXT_TYPES:
            text = _as_id(frame, column, text, mapping)
        if column.target == "currency":
            text = text.str.to_uppercase()
        return frame.with_columns(text.alias(column.target))
    if dtype in TEXT_TYPES and frame.implementation.is_polars():
        native: pl.LazyFrame = frame.to_native()
        cells = native.select(pl.col(raw).cast(pl.String)).collect().to_series()
        numbers = read_numbers(cells, mapping.decimal).alias(column.target)
        return nw.from_native(native.with_columns(numbers))
    is_all_null = dtype == nw.Unknown
    if not (dtype.is_numeric() or dtype == nw.Boolean or is_all_null):
        raise HistoryError(f"must hold numbers; it holds {dtype}. Cast it to numbers.")
    return frame.with_columns(_finite(nw.col(raw).cast(nw.Float64)).alias(column.target))


def holds(frame: nw.LazyFrame[Any], column: Column, *marks: str) -> bool:
    """Whether any cell of a column may hold one of some marks: cheaper than reading for them."""
    raw = raw_name(column)
    if frame.collect_schema()[raw] not in TEXT_TYPES:
        return False
    if not frame.implementation.is_polars():
        return True
    native: pl.LazyFrame = frame.to_native()
    cells = pl.col(raw).cast(pl.String)
    said = (cells.str.contains(mark, literal=True).any().alias(mark) for mark in marks)
    return any(native.select(*said).collect().row(0))


def _as_id(frame: nw.LazyFrame[Any], column: Column, text: nw.Expr, mapping: Mapping) -> nw.Expr:
    """Ids of whole floats without their fraction, and addresses in small letters."""
    if frame.implementation.is_polars() and not holds(frame, column, ".0", "@"):
        return text
    if frame.implementation.is_polars() and holds(frame, column, ".0"):
        text = text.str.replace_all(WHOLE_FLOAT, "$1")
    if column.target == "customer_id" and mapping.fold_emails and holds(frame, column, "@"):
        is_address = text.str.contains("@", literal=True)
        text = nw.when(is_address).then(text.str.to_lowercase()).otherwise(text)
    return text


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
