"""The column `day` of a table, read from its dates by each engine's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from features.clock import EPOCH_UNITS, MICROSECONDS_PER_DAY
from features.errors import HistoryError
from features.text_dates import read_days, wall_clock

TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum)
HAS_OFFSET = r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)$"


def with_day(
    frame: nw.LazyFrame[Any],
    column: str,
    day: str,
    timezone: str,
    formats: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Add the float column `day` read from the date column `column`, null where it cannot be read.

    Each engine converts with its own functions; afterwards time is plain arithmetic everywhere.

    Parameters
    ----------
    frame : narwhals.LazyFrame on Polars, DuckDB or PySpark
    column, day : str
        The source column, and the column to add.
    timezone : str
        Instants with an offset are moved to this zone; others are taken as its wall clock.
    formats : sequence of str
        strptime formats of dates kept as text, or one of `epoch_s`, `epoch_ms`, `epoch_us`; ISO
        8601 if empty. Only Polars frames can have them.

    Raises
    ------
    HistoryError
        If the column's type cannot hold a date. The message begins with "must", for the caller to
        say which column it is about.
    """
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):
        cells = native.select(column).collect().to_series()
        read = days_of(cells, timezone, formats)
        return nw.from_native(native.with_columns(read.alias(day)))
    if formats:
        raise HistoryError(
            f"must hold timestamps, dates or ISO text: date_format is not for "
            f"{frame.implementation} frames. Convert it before handing the frame over."
        )
    on_engine = _duckdb_day if frame.implementation.is_duckdb() else _spark_day
    days: nw.LazyFrame[Any] = nw.from_native(on_engine(native, column, day, timezone))
    return days


def days_of(cells: pl.Series, timezone: str, formats: Sequence[str]) -> pl.Series:
    """Dates of a local column as days; see `with_day`."""
    dtype = cells.dtype
    if _is_text(dtype, formats):
        return read_days(cells.cast(pl.String).str.strip_chars(), formats, timezone)
    if dtype == pl.Date:
        return cells.cast(pl.Int32).cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        return wall_clock(cells.dt.convert_time_zone(timezone) if dtype.time_zone else cells)
    if dtype == pl.Null:
        return cells.cast(pl.Float64)
    if (dtype.is_numeric() or dtype in TEXT_TYPES) and formats and formats[0] in EPOCH_UNITS:
        numbers = cells.str.strip_chars() if dtype == pl.String else cells
        return _since_epoch(numbers, formats[0], timezone)
    raise HistoryError(
        f"must hold dates; it holds {dtype}. Store dates or ISO text, or set date_format to a "
        'strptime format, "epoch_s", "epoch_ms" or "epoch_us" in history.toml.'
    )


def _is_text(dtype: pl.DataType, formats: Sequence[str]) -> bool:
    is_epoch = bool(formats) and formats[0] in EPOCH_UNITS
    return not is_epoch and (dtype in TEXT_TYPES or (dtype.is_integer() and bool(formats)))


def _since_epoch(numbers: pl.Series, unit: str, timezone: str) -> pl.Series:
    micros = numbers.cast(pl.Float64, strict=False) * EPOCH_UNITS[unit]
    instants = micros.cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC"))
    return wall_clock(instants.dt.convert_time_zone(timezone))


def _duckdb_day(relation: Any, column: str, day: str, timezone: str) -> Any:
    kind = str(dict(zip(relation.columns, relation.types, strict=True))[column])
    name, zone = _quoted(column), timezone.replace("'", "''")
    name = f"trim({name})" if kind == "VARCHAR" else name
    wall = f"try_cast({name} AS TIMESTAMP)"
    moved = f"timezone('{zone}', try_cast({name} AS TIMESTAMPTZ))"
    if kind == "TIMESTAMP WITH TIME ZONE":
        wall = moved
    elif kind == "VARCHAR":
        wall = f"CASE WHEN regexp_matches({name}, '{HAS_OFFSET}') THEN {moved} ELSE {wall} END"
    elif not (kind.startswith("TIMESTAMP") or kind == "DATE"):
        raise HistoryError(f"must hold dates; DuckDB says {kind}. Cast it to TIMESTAMP.")
    others = [_quoted(c) for c in relation.columns if c != day]
    value = f"epoch_us({wall}) / {MICROSECONDS_PER_DAY}.0::DOUBLE AS {_quoted(day)}"
    return relation.project(", ".join([*others, value]))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _spark_day(frame: Any, column: str, day: str, timezone: str) -> Any:
    from pyspark.sql import functions as sf

    kind = frame.schema[column].dataType.typeName()
    if kind not in {"timestamp", "timestamp_ntz", "date", "string"}:
        raise HistoryError(f"must hold dates; Spark says {kind}. Cast it to timestamp_ntz.")
    source = sf.col(column)
    wall = source.try_cast("timestamp_ntz")
    instant = source.try_cast("timestamp").cast("timestamp_ntz")
    moved = sf.convert_timezone(sf.current_timezone(), sf.lit(timezone), instant)
    if kind == "timestamp":
        wall = moved
    elif kind == "string":
        wall = sf.when(sf.trim(source).rlike(HAS_OFFSET), moved).otherwise(wall)
    epoch = sf.to_timestamp_ntz(sf.lit("1970-01-01 00:00:00"))
    micros = sf.timestamp_diff("MICROSECOND", epoch, wall)
    return frame.withColumn(day, micros / sf.lit(float(MICROSECONDS_PER_DAY)))
