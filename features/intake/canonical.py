"""Raw tables become canonical ones; every row that cannot be used keeps its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import HistoryError
from features.intake.dataframes import as_lazy, readable
from features.intake.deduplicate import orders_of, with_versions
from features.intake.mapping import Mapping, TableMapping
from features.intake.normalise import conform, source_name, with_declared
from features.intake.sources import constants, select_rows
from features.schema import ANONYMOUS, LINE_COLUMNS, SCHEMAS

__all__ = ["ANONYMOUS", "SCHEMAS", "CanonicalTable", "refuse_unusable", "take_in"]


@dataclass(frozen=True)
class CanonicalTable:
    """One table as it came in, and what became of each row.

    Attributes
    ----------
    table : str
    rows : narwhals.LazyFrame
        The canonical columns, `known_day`, `superseded_day`, and `problem`: null for a usable row,
        `anonymous`, or the reason why the row cannot be used. `row` numbers the source's rows
        from 1 where the engine keeps an order, else null.
    raw : polars.LazyFrame or None
        The source's rows with `row`, where they were read from files, databases or memory.
    left_out : int
        Rows that the mapping's `drop` rule named.
    unused : tuple of str
        Columns of the source that mean nothing to Holdfast.
    """

    table: str
    rows: nw.LazyFrame[Any]
    raw: pl.LazyFrame | None = None
    left_out: int = 0
    unused: tuple[str, ...] = ()


def take_in(frames: dict[str, Any], mapping: Mapping) -> dict[str, CanonicalTable]:
    """Turn raw frames into intakes, one for each table; invoice lines give one more, `lines`.

    Raises
    ------
    HistoryError
        If a required column is missing, a column has an unusable type, the mapping names a column
        that is not there, frames of different engines meet, or currencies are mixed.
    """
    lazy = {
        table: as_lazy(table, frame, mapping.decimal)
        for table, frame in frames.items()
        if frame is not None
    }
    if "orders" not in lazy:
        raise HistoryError("a history needs orders. Give a frame of orders.")
    engines = {table: str(frame.implementation) for table, frame in lazy.items()}
    if len(set(engines.values())) > 1:
        raise HistoryError(
            f"all frames of a history must be of one engine; got {engines}. Convert them to one."
        )
    intakes: dict[str, CanonicalTable] = {}
    for table, frame in lazy.items():
        intakes |= _take_table(table, frame, mapping)
    return intakes


def refuse_unusable(intakes: dict[str, CanonicalTable]) -> None:
    """Refuse local orders of which no row can be used: the data or the mapping is wrong.

    Raises
    ------
    HistoryError
        With the number of rows by what is wrong with them.
    """
    source = intakes.get("lines", intakes["orders"])
    if not source.rows.implementation.is_polars():
        return
    native: pl.LazyFrame = source.rows.to_native()
    problems = dict(native.group_by("problem").len().collect().iter_rows())
    if None in problems:
        return
    if not problems:
        out = source.left_out
        dropped = f" besides the {out} that the drop rule left out" if out else ""
        raise HistoryError(f"orders has no rows{dropped}. Give at least one order.")
    counts = ", ".join(f"{n} x {problem}" for problem, n in sorted(problems.items()))
    raise HistoryError(
        f"orders has no row that can be used: {counts}. Compare one of them with the columns, "
        "date_format and decimal of the mapping."
    )


def _take_table(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping
) -> dict[str, CanonicalTable]:
    source = mapping.of(table)
    raw, left_out = None, 0
    if frame.implementation.is_polars():
        raw, left_out = _numbered(table, frame.to_native(), source)
        frame = nw.from_native(raw)
    elif source.drop or source.is_lines or source.constants:
        raise HistoryError(
            f"[{table}] drop, lines and constants work on files, databases, pandas and Polars; "
            f"apply them in {frame.implementation} before handing the frame over."
        )
    columns = LINE_COLUMNS if source.is_lines else with_declared(table, frame, mapping)
    rows = _collected(table, conform(table, frame, mapping, columns))
    names = frame.collect_schema().names()
    if table == "orders" and source.source("currency") in names:
        _refuse_mixed_currencies(rows, mapping)
    unused = tuple(sorted(set(names) - {"row", *(source_name(c, source) for c in columns)}))
    if not source.is_lines:
        rows = _collected(table, with_versions(table, rows))
        return {table: CanonicalTable(table, rows, raw, left_out, unused)}
    lines = CanonicalTable("lines", rows.drop("recorded_day"), raw, left_out, unused)
    return {
        "lines": lines,
        table: CanonicalTable(table, _collected(table, orders_of(rows, ANONYMOUS))),
    }


def _numbered(table: str, whole: pl.LazyFrame, source: TableMapping) -> tuple[pl.LazyFrame, int]:
    """The rows that the drop rule leaves, numbered, and how many it left out."""
    kept = constants(table, select_rows(table, whole, source), source.constants)
    left_out = 0
    if source.drop is not None:
        with readable(f"{table} with drop = {source.drop!r}"):
            left_out = _height(whole) - _height(kept)
    return kept.drop("row", strict=False).with_row_index("row", offset=1), left_out


def _refuse_mixed_currencies(rows: nw.LazyFrame[Any], mapping: Mapping) -> None:
    usable = rows.filter(nw.col("problem").is_null())
    found = usable.select("currency").unique().collect()
    currencies = sorted(c for c in found["currency"].to_list() if c is not None)
    declared = [mapping.currency] if mapping.currency else currencies[:1]
    if set(currencies) - set(declared):
        given = f", and currency = {mapping.currency!r} is declared" if mapping.currency else ""
        raise HistoryError(
            f"orders must be in one currency; got {currencies}{given}. "
            "Convert the amounts, or open one currency's orders at a time."
        )


def _collected(table: str, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Hold a local frame in memory, so that it is read from its source once."""
    if not frame.implementation.is_polars():
        return frame
    native: pl.LazyFrame = frame.to_native()
    with readable(table):
        return nw.from_native(native.collect().lazy())


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())
