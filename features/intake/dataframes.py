"""Frames in memory: pandas moves to Polars, other engines stay; a mixed column becomes text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import narwhals as nw
import polars as pl
from narwhals.exceptions import DuplicateError

from features.errors import HistoryError

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (int, float)


def as_lazy(table: str, frame: Any, decimal: str | None = None) -> nw.LazyFrame[Any]:
    """Take a pandas, Polars, DuckDB or PySpark frame; pandas moves to Polars, the rest stays.

    Parameters
    ----------
    table : str
        The table's name, for messages.
    frame : pandas, Polars, DuckDB or PySpark frame
    decimal : str
        The decimal mark that numbers in a pandas column of mixed types get when it becomes text.

    Raises
    ------
    HistoryError
        If the frame is of another kind, or a pandas column cannot be converted.
    """
    try:
        native = nw.from_native(frame)
    except DuplicateError:
        raise HistoryError(f"{table} has two columns of one name. Rename one of them.") from None
    except TypeError:
        raise _wrong_frame(table, type(frame).__name__) from None
    engine = native.implementation
    if engine.is_pandas():
        return nw.from_native(_from_pandas(table, frame, decimal).lazy())
    if not (engine.is_polars() or engine.is_duckdb() or engine.is_pyspark()):
        raise _wrong_frame(table, str(engine))
    lazy: nw.LazyFrame[Any] = native.lazy()
    return lazy


def series_of(name: str, values: Iterable[Any], decimal: str | None = None) -> pl.Series:
    """A typed column of Python values; values of several types become text."""
    values = list(values)
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= set(NUMBERS) and float in kinds:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) <= 1 and UUID not in kinds:
        try:
            return pl.Series(name, values, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            return _text_series(name, values, decimal)
    return _text_series(name, values, decimal)


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn the failure of a reading engine into an error that says what was being read."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = first_line(error)
        if isinstance(error, pl.exceptions.NoDataError):
            reason = "it is empty, without even a line of column names"
        if "utf-8" in reason.lower() or "utf8" in reason.lower():
            reason += ". Save it in the UTF-8 encoding"
        raise HistoryError(f"{what} cannot be read: {reason}.") from None


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without the full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _wrong_frame(table: str, kind: str) -> HistoryError:
    return HistoryError(f"{table} must be a pandas, Polars, DuckDB or PySpark frame; got {kind}.")


def _from_pandas(table: str, frame: pd.DataFrame, decimal: str | None) -> pl.DataFrame:
    mixed = {
        str(name): _text_series(str(name), values, decimal)
        for name, values in _objects(frame)
        if _is_mixed({type(value) for value in values if value is not None})
    }
    plain = frame[[name for name in frame.columns if str(name) not in mixed]]
    zoned = [n for n in plain if isinstance(n, str) and getattr(plain[n].dtype, "tz", None)]
    naive = {name: plain[name].dt.tz_convert("UTC").dt.tz_localize(None) for name in zoned}
    try:
        converted = pl.from_pandas(plain.assign(**naive))
    except (pl.exceptions.PolarsError, TypeError, ValueError, ArithmeticError) as error:
        raise HistoryError(
            f"{table}: a pandas column cannot be used: {first_line(error)}. "
            "Give each column one type."
        ) from None
    instants = (pl.col(name).dt.replace_time_zone("UTC") for name in zoned)
    return converted.with_columns(*instants, *mixed.values())


def _objects(frame: pd.DataFrame) -> Iterator[tuple[Any, list[Any]]]:
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            yield name, [None if gone else v for v, gone in zip(column, column.isna(), strict=True)]


def _is_mixed(kinds: set[type]) -> bool:
    return UUID in kinds or (len(kinds) > 1 and not kinds <= set(NUMBERS))


def _text_series(name: str, values: list[Any], decimal: str | None) -> pl.Series:
    return pl.Series(name, [_as_text(value, decimal) for value in values], dtype=pl.String)


def _as_text(value: Any, decimal: str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float | Decimal):
        whole = math.isfinite(value) and value == int(value)
        return str(int(value)) if whole else str(value).replace(".", decimal or ".")
    return str(value)
