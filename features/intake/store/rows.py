"""Rows of a history on their way into the store and out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from features.clock import MICROSECONDS_PER_DAY
from features.errors import HistoryError
from features.intake.canonical import CanonicalTable
from features.intake.mapping import Mapping
from features.intake.rows.deduplicate import BEFORE_ALL, with_versions
from features.intake.rows.judged import satisfaction
from features.intake.rules import AttributeKind
from features.intake.store.tables import ATTRIBUTES, REFUND_ID, REPLACED
from features.schema import RECORDED, SCHEMAS, Column, Kind
from features.text_dates import wall_clock

TYPES: dict[Kind, pl.DataType] = {
    "id": pl.String(),
    "text": pl.String(),
    "number": pl.Float64(),
    "date": pl.Datetime("us"),
}
# Further column -> `number` or `text`.
Further = Dict[str, AttributeKind]


def kept_rows(intake: CanonicalTable) -> pl.DataFrame:
    """The rows of a table that can be used, as the store keeps them.

    Those that another one of the same instant stands for are left out: they never count.

    Parameters
    ----------
    intake : CanonicalTable
        Local, as `take_in` gives it.

    Returns
    -------
    polars.DataFrame
        Columns as sources name them, `recorded_at` as from when the row is known, `replaced_at`
        as from when another one stands for it, `attributes` as JSON.

    Raises
    ------
    HistoryError
        If a text holds the character NUL, which no database keeps.
    """
    native: pl.LazyFrame = intake.rows.to_native()
    superseded = pl.col("superseded_day")
    rows = native.filter(
        pl.col("problem").is_null(), superseded.is_null() | (superseded > pl.col("known_day"))
    ).collect()
    return _written(intake, rows)


def read_rows(intake: CanonicalTable) -> pl.DataFrame:
    """All rows of a table that can be used, as `kept_rows` has them, with their `row`."""
    native: pl.LazyFrame = intake.rows.to_native()
    rows = native.filter(pl.col("problem").is_null()).sort("row").collect()
    return _written(intake, rows).with_columns(rows["row"])


def _written(intake: CanonicalTable, rows: pl.DataFrame) -> pl.DataFrame:
    columns = (c for c in SCHEMAS[intake.table] if c != RECORDED)
    cells = [_kept_cell(rows, column) for column in columns]
    cells += [
        _instants(rows["known_day"]).alias(RECORDED.source),
        _instants(rows["superseded_day"]).alias(REPLACED),
    ]
    if intake.table == "orders":
        absent = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
        told = rows[REFUND_ID] if REFUND_ID in rows.columns else absent
        cells.append(told.cast(pl.String).alias(REFUND_ID))
    if intake.table != "refunds":
        cells.append(_attributes(rows, list(further(intake))))
    kept = pl.DataFrame(cells)
    _require_no_nul(intake.table, kept)
    return kept


def further(intake: CanonicalTable) -> dict[str, AttributeKind]:
    """The columns of a table besides those that every history has, and what they hold."""
    if intake.table != "customers":
        return dict(intake.source.attributes)
    own = {c.target for c in SCHEMAS["customers"]} | {"row", "problem", "unread", "known_day"}
    schema = intake.rows.collect_schema()
    names = [name for name in schema if name not in own | {"superseded_day", "recorded_day"}]
    return {name: "text" if schema[name] == nw.String else "number" for name in names}


def settled(
    table: str, rows: pl.DataFrame, attributes: Further, mapping: Mapping
) -> CanonicalTable:
    """Rows of the store as a table that was taken in, each with when another one stands for it.

    Of rows that are known from one instant on, that one counts which came with the last batch.

    Parameters
    ----------
    table : str
    rows : polars.DataFrame
        The columns of `kept_rows` and `batch_id`.
    attributes : mapping of str to str
    mapping : Mapping
    """
    days = [_read_cell(rows, column) for column in SCHEMAS[table] if column != RECORDED]
    known = wall_clock(rows[RECORDED.source]).alias("known_day")
    found = pl.DataFrame(days).with_columns(
        known.fill_null(BEFORE_ALL) if table == "customers" else known,
        wall_clock(rows[REPLACED]).alias("replaced_day"),
        rows["batch_id"].cast(pl.Float64).alias(RECORDED.target),
        *_read_attributes(rows, attributes),
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        problem=pl.lit(None, pl.String),
        unread=pl.lit(None, pl.String),
    )
    if table == "orders":
        marks = (pl.lit(False).alias(mark) for mark in ("undated", "told_twice"))
        found = found.with_columns(rows[REFUND_ID], *marks)
    if table == "refunds":
        found = found.with_columns(undated=pl.lit(False))
    lazy: nw.LazyFrame[Any] = nw.from_native(found.lazy())
    if table == "feedback":
        lazy = lazy.with_columns(satisfaction(mapping.scales.items()).alias("satisfaction"))
    versions: pl.LazyFrame = with_versions(table, lazy).to_native()
    held: nw.LazyFrame[Any] = nw.from_native(versions.collect().lazy())
    raw = rows.drop("batch_id").with_row_index("row", offset=1).lazy()
    return CanonicalTable(table, held, raw, source=mapping.of(table))


def _kept_cell(rows: pl.DataFrame, column: Column) -> pl.Series:
    cells = rows[column.target]
    kept = _instants(cells) if column.kind == "date" else cells.cast(TYPES[column.kind])
    return kept.alias(column.source)


def _read_cell(rows: pl.DataFrame, column: Column) -> pl.Series:
    cells = rows[column.source]
    return (wall_clock(cells) if column.kind == "date" else cells).alias(column.target)


def _instants(days: pl.Series) -> pl.Series:
    """Days as instants, to the microsecond; null for what was always known."""
    finite = days.set(days == BEFORE_ALL, None)
    micros = (finite * MICROSECONDS_PER_DAY).round().cast(pl.Int64)
    return micros.cast(TYPES["date"])


def _attributes(rows: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Further columns as one of JSON; null where a row has none of them."""
    if not names:
        return pl.Series(ATTRIBUTES, [None] * rows.height, dtype=pl.String)
    told = [{name: v for name, v in row.items() if v is not None} for row in rows[names].to_dicts()]
    texts = [json.dumps(row, sort_keys=True) if row else None for row in told]
    return pl.Series(ATTRIBUTES, texts, dtype=pl.String)


def _read_attributes(rows: pl.DataFrame, attributes: Further) -> list[pl.Series]:
    if not attributes:
        return []
    told = [{} if cell is None else json.loads(cell) for cell in rows[ATTRIBUTES]]
    types = {"number": pl.Float64, "text": pl.String}
    return [
        pl.Series(name, [row.get(name) for row in told], dtype=types[kind])
        for name, kind in attributes.items()
    ]


def _require_no_nul(table: str, rows: pl.DataFrame) -> None:
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    for name in texts:
        count = int(rows[name].str.contains("\0", literal=True).sum())
        if count:
            raise HistoryError(
                f"{table} {name} must hold no NUL, which databases do not keep; {count} rows do. "
                "Clean the source."
            )
