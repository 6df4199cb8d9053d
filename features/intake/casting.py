"""Cells of any source, read as ids, text, numbers and days; what cannot be read becomes null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from features.day_column import with_day
from features.errors import HistoryError
from features.intake.mapping import Mapping
from features.schema import Column

# Beyond it a float no longer holds every whole number, and an id would be another one.
EXACT_INTEGERS = 2.0**53
TEXT_TYPES = (nw.String, nw.Categorical, nw.Enum)
COMMA_NUMBER = r"^[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d+)?$"


def raw_name(column: Column) -> str:
    """Name of the column while it still holds the source's cells."""
    return f"raw_{column.target}"


def read_cells(
    frame: nw.LazyFrame[Any], column: Column, mapping: Mapping, formats: Sequence[str]
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
        return with_day(frame, raw, column.target, mapping.timezone, formats)
    if column.kind in {"id", "text"}:
        return frame.with_columns(_text(nw.col(raw), dtype).alias(column.target))
    if dtype in TEXT_TYPES and frame.implementation.is_polars():
        number = parsed_number(pl.col(raw).cast(pl.String), mapping.decimal)
        native: pl.LazyFrame = frame.to_native()
        return nw.from_native(native.with_columns(number.alias(column.target)))
    is_all_null = dtype == nw.Unknown
    if not (dtype.is_numeric() or dtype == nw.Boolean or is_all_null):
        raise HistoryError(f"must hold numbers; it holds {dtype}. Cast it to numbers.")
    return frame.with_columns(_finite(nw.col(raw).cast(nw.Float64)).alias(column.target))


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


def parsed_number(text: pl.Expr, decimal: str) -> pl.Expr:
    """Read numbers from text; null where there is none."""
    text = text.str.strip_chars()
    if decimal == ",":
        text = pl.when(text.str.contains(COMMA_NUMBER)).then(text)
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


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
