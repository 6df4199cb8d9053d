"""Time at the edges: instants become `day`, float64 days since 1970-01-01 on the shop's wall clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from features.errors import HistoryError

Instant = str | date | datetime | float

EPOCH = datetime(1970, 1, 1)
MICROSECONDS_PER_DAY = 86_400_000_000
EPOCH_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
ISO_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d",
)


def as_day(when: Instant, timezone: str = "UTC") -> float:
    """Turn an instant into a `day`.

    Parameters
    ----------
    when : str, date, datetime or float
        An ISO date or instant; without an offset it is read on the shop's wall clock. A float is
        a `day` already.
    timezone : str
        The shop's IANA time zone.

    Returns
    -------
    float
        Days since 1970-01-01 00:00 on the shop's wall clock.

    Raises
    ------
    HistoryError
        If `when` is no date.

    Examples
    --------
    >>> as_day("1970-01-02T12:00")
    1.5
    >>> as_day("1970-01-01T23:00+00:00", "Europe/Paris")
    1.0
    """
    if isinstance(when, int | float):
        if not math.isfinite(when):
            raise HistoryError(f"as_of must be a finite day; got {when}.")
        return float(when)
    if isinstance(when, str):
        when = _parsed(when)
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if when.tzinfo is not None:
        when = when.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return (when - EPOCH) / timedelta(days=1)


def as_instant(day: float) -> datetime:
    """Turn a `day` into the datetime on the shop's wall clock, to the microsecond.

    Examples
    --------
    >>> as_instant(1.5).isoformat()
    '1970-01-02T12:00:00'
    """
    return EPOCH + timedelta(microseconds=round(day * MICROSECONDS_PER_DAY))


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise HistoryError(
            f"a date must be YYYY-MM-DD or an ISO instant; got {text!r}. "
            "Write for example 2011-09-10 or 2011-09-10T08:00."
        ) from None


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
        The source column, and the column to add. They may be the same.
    timezone : str
        Instants with an offset are moved to this zone; others are taken as its wall clock.
    formats : sequence of str
        strptime formats to try for text, or one of `epoch_s`, `epoch_ms`, `epoch_us` for numbers;
        ISO 8601 if empty.

    Raises
    ------
    HistoryError
        If the column's type cannot hold a date.
    """
    if frame.implementation.is_polars():
        native = frame.to_native()
        dtype = native.collect_schema()[column]
        return nw.from_native(
            native.with_columns(
                _polars_day(column, dtype, timezone, formats).alias(day)
            )
        )
    if frame.implementation.is_duckdb():
        return nw.from_native(_duckdb_day(frame.to_native(), column, day, timezone))
    if frame.implementation.is_pyspark():
        return nw.from_native(_spark_day(frame.to_native(), column, day, timezone))
    raise HistoryError(
        f"frames must be pandas, Polars, DuckDB or PySpark; got {frame.implementation}."
    )


def _polars_day(
    column: str, dtype: Any, timezone: str, formats: Sequence[str]
) -> pl.Expr:
    source = pl.col(column)
    if dtype == pl.String:
        return pl.coalesce(
            _wall_clock(_text_instant(source, format, timezone))
            for format in formats or ISO_FORMATS
        )
    if dtype == pl.Date:
        return source.cast(pl.Int32).cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        return _wall_clock(
            source.dt.convert_time_zone(timezone) if dtype.time_zone else source
        )
    if dtype == pl.Null:
        return pl.lit(None, dtype=pl.Float64)
    if dtype.is_numeric() and formats and formats[0] in EPOCH_UNITS:
        micros = (source.cast(pl.Float64) * EPOCH_UNITS[formats[0]]).cast(
            pl.Int64, strict=False
        )
        return _wall_clock(
            micros.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(timezone)
        )
    raise HistoryError(
        f"column {column!r} must hold dates; it holds {dtype}. Store dates or ISO text, or set "
        'date_format to "epoch_s", "epoch_ms" or "epoch_us" in history.toml.'
    )


def _text_instant(source: pl.Expr, format: str, timezone: str) -> pl.Expr:
    if format.endswith("z"):
        instant = source.str.to_datetime(
            format, strict=False, time_unit="us", time_zone="UTC"
        )
        return instant.dt.convert_time_zone(timezone)
    return source.str.to_datetime(format, strict=False, time_unit="us")


def _wall_clock(instant: pl.Expr) -> pl.Expr:
    return instant.dt.replace_time_zone(None).dt.epoch("us") / MICROSECONDS_PER_DAY


def _duckdb_day(relation: Any, column: str, day: str, timezone: str) -> Any:
    kind = str(dict(zip(relation.columns, relation.types, strict=True))[column])
    name = '"' + column.replace('"', '""') + '"'
    zone = timezone.replace("'", "''")
    if kind == "TIMESTAMP WITH TIME ZONE":
        expression = f"epoch_us(timezone('{zone}', {name}))"
    elif kind.startswith("TIMESTAMP") or kind == "DATE":
        expression = f"epoch_us({name}::TIMESTAMP)"
    elif kind == "VARCHAR":
        expression = f"epoch_us(try_cast({name} AS TIMESTAMP))"
    else:
        raise HistoryError(
            f"column {column!r} must hold dates; DuckDB says {kind}. Cast it to TIMESTAMP."
        )
    kept = ", ".join(f'"{c}"' for c in relation.columns if c != day)
    return relation.project(
        f'{kept}, {expression} / {MICROSECONDS_PER_DAY}.0::DOUBLE AS "{day}"'
    )


def _spark_day(frame: Any, column: str, day: str, timezone: str) -> Any:
    from pyspark.sql import functions as F

    kind = frame.schema[column].dataType.typeName()
    if kind not in {"timestamp", "timestamp_ntz", "date", "string"}:
        raise HistoryError(
            f"column {column!r} must hold dates; Spark says {kind}. Cast it to timestamp_ntz."
        )
    wall = F.col(column).try_cast("timestamp_ntz")
    if kind == "timestamp":
        wall = F.convert_timezone(F.current_timezone(), F.lit(timezone), wall)
    epoch = F.to_timestamp_ntz(F.lit("1970-01-01 00:00:00"))
    micros = F.timestamp_diff("MICROSECOND", epoch, wall)
    return frame.withColumn(day, micros / F.lit(float(MICROSECONDS_PER_DAY)))
