"""Raw tables become canonical ones; every row that cannot be used keeps its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import HistoryError
from features.intake.dataframes import as_lazy, readable
from features.intake.declared import attributes_of, with_declared
from features.intake.headers import settled
from features.intake.mapping import Mapping, TableMapping
from features.intake.normalise import conform, require
from features.intake.recognise import optional, read_as, recognised
from features.intake.rows.currencies import (
    converted,
    in_one_currency,
    in_the_currency_of,
    of_orders_set_aside,
)
from features.intake.rows.deduplicate import orders_of, with_versions
from features.intake.rows.final_words import called_off
from features.intake.rows.refunds import of_orders, with_customers, with_refunds
from features.intake.rows.shape import shaped
from features.intake.sources import constants, select_rows
from features.schema import ANONYMOUS, LINE_COLUMNS, LINES, REFUND, SCHEMAS, Column

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
    source : TableMapping
        How it was read, with the names of columns as the source writes them.
    format : str or None
        Name of the format that was recognised.
    """

    table: str
    rows: nw.LazyFrame[Any]
    raw: pl.LazyFrame | None = None
    left_out: int = 0
    unused: tuple[str, ...] = ()
    source: TableMapping = field(default_factory=TableMapping)
    format: str | None = None


def take_in(frames: dict[str, Any], mapping: Mapping) -> dict[str, CanonicalTable]:
    """Turn raw frames into intakes, one for each table; invoice lines give one more, `lines`.

    A table may come as a list of frames: several exports, each read by its own header.

    Raises
    ------
    HistoryError
        If a required column is missing, a column has an unusable type, the mapping names a column
        that is not there, frames of different engines meet, or currencies are mixed.
    """
    lazy = {
        table: [as_lazy(table, part, mapping.decimal) for part in _parts(frame)]
        for table, frame in frames.items()
        if frame is not None
    }
    if "orders" not in lazy:
        raise HistoryError("a history needs orders. Give a frame of orders.")
    engines = {t: str(part.implementation) for t, parts in lazy.items() for part in parts}
    if len(set(engines.values())) > 1:
        raise HistoryError(
            f"all frames of a history must be of one engine; got {engines}. Convert them to one."
        )
    found = {
        table: _together([_conformed(table, part, mapping) for part in parts])
        for table, parts in lazy.items()
    }
    return {
        name: intake
        for one in _of_customers(found, mapping).values()
        for name, intake in _settle(one)
    }


def settled_mapping(intakes: Dict[str, CanonicalTable], mapping: Mapping) -> Mapping:
    """The mapping with the names of columns as the sources of the tables write them."""
    own = {table: intake.source for table, intake in intakes.items() if table != "lines"}
    return replace(mapping, tables={**mapping.tables, **own})


def formats_of(intakes: Dict[str, CanonicalTable]) -> dict[str, str]:
    """Table -> the export that its source was recognised as, where it was."""
    found = {table: intake.format for table, intake in intakes.items() if table != "lines"}
    return {table: name for table, name in found.items() if name is not None}


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


@dataclass(frozen=True)
class _Conformed:
    """A table whose rows are read, before those that belong together are put together."""

    intake: CanonicalTable

    @property
    def is_local(self) -> bool:
        return bool(self.intake.rows.implementation.is_polars())

    @property
    def rows(self) -> pl.DataFrame:
        native: pl.LazyFrame = self.intake.rows.to_native()
        return native.collect()

    def with_rows(self, rows: pl.DataFrame) -> _Conformed:
        return _Conformed(replace(self.intake, rows=nw.from_native(rows.lazy())))


def _parts(frame: Any) -> list[Any]:
    """A table's sources: several exports of feedback, say, each read in its own way."""
    return list(frame) if isinstance(frame, list | tuple) else [frame]


def _together(parts: list[_Conformed]) -> _Conformed:
    """The rows of several sources as one table; rows are numbered through."""
    if len(parts) == 1:
        return parts[0]
    rows, raws, before = [], [], 0
    for part in parts:
        raw = part.intake.raw
        if raw is None or part.intake.source.is_lines != parts[0].intake.source.is_lines:
            raise HistoryError(
                f"{part.intake.table}: several sources must all be files or frames of pandas or "
                "Polars, and all of lines or of whole rows. Put them together before."
            )
        rows.append(part.rows.with_columns(row=pl.col("row") + before))
        raws.append(raw.with_columns(row=pl.col("row") + before))
        before += _height(raw)
    first = parts[0].intake
    return _Conformed(
        replace(
            first,
            rows=nw.from_native(pl.concat(rows, how="diagonal_relaxed").lazy()),
            raw=pl.concat(raws, how="diagonal_relaxed"),
            left_out=sum(part.intake.left_out for part in parts),
            unused=tuple(sorted({name for part in parts for name in part.intake.unused})),
            format=first.format if len({part.intake.format for part in parts}) == 1 else None,
        )
    )


def _conformed(table: str, frame: nw.LazyFrame[Any], mapping: Mapping) -> _Conformed:
    names = frame.collect_schema().names()
    own, known = mapping.of(table), recognised(table, names, mapping)
    if known is not None:
        own = read_as(replace(known, source=optional(known.source, names)), own)
    columns = _own_columns(table, own, frame.implementation.is_polars())
    source = written = settled(table, own, columns, names)
    if source.is_lines and source.refund is not None:
        raise HistoryError(
            "[orders.refund] must not stand beside lines or line_total: a line does not say what "
            "was given back of its order. Put refunds in a table refunds, or in lines with a "
            "negative price."
        )
    raw, left_out = None, 0
    mapping = replace(mapping, tables={**mapping.tables, table: source})
    if frame.implementation.is_polars():
        raw, left_out = _numbered(table, frame.to_native(), source)
        columns = _columns(table, nw.from_native(raw), mapping, source)
        require(table, columns, raw.collect_schema().names(), source)
        shape = shaped(table, raw, source, columns)
        source, frame = shape.source, nw.from_native(shape.cells.lazy())
        mapping = replace(mapping, tables={**mapping.tables, table: source})
    elif not_elsewhere := _local_only(source):
        raise HistoryError(
            f"[{table}] {', '.join(not_elsewhere)}: only for files, databases, pandas and Polars. "
            f"Apply it in {frame.implementation} before handing the frame over."
        )
    else:
        columns = with_declared(table, frame, mapping)
        require(table, columns, names, source)
    rows = _collected(table, conform(table, frame, mapping, columns))
    unused = tuple(sorted(set(names) - {"row", *_used(columns, written)}))
    if table == "orders" and frame.implementation.is_polars():
        rows = _orders_in_one_currency(rows, mapping)
    elif table == "orders" and source.source("currency") in names:
        _refuse_mixed_currencies(rows, mapping)
    name = None if known is None else known.name
    return _Conformed(CanonicalTable(table, rows, raw, left_out, unused, source, name))


def _of_customers(found: dict[str, _Conformed], mapping: Mapping) -> dict[str, _Conformed]:
    """Refunds and feedback that name an order alone are of that order's customer."""
    orders = found["orders"]
    if not orders.is_local:
        return found
    rows, back, is_lines = orders.rows, None, orders.intake.source.is_lines
    if not is_lines:
        rows = called_off(rows, rows)
    if (refunds := found.get("refunds")) is not None:
        back = converted(of_orders(refunds.rows, rows), mapping.currency, mapping.rates)
        back = in_the_currency_of(rows, back, mapping.currency)
        back = of_orders_set_aside(back, rows, pl.lit(True))
        back = back if is_lines else called_off(back, rows)
        found = {**found, "refunds": refunds.with_rows(back)}
    if not is_lines:
        rows = with_refunds(rows, back)
        rows = of_orders_set_aside(rows, rows, pl.col("amount") < 0)
        rows = with_customers(rows, rows, pl.col("amount") < 0)
        found = {**found, "orders": orders.with_rows(rows)}
    if (said := found.get("feedback")) is not None:
        told = with_customers(said.rows, rows, pl.col("problem") == ANONYMOUS)
        found = {**found, "feedback": said.with_rows(told)}
    return found


def _settle(found: _Conformed) -> Iterator[tuple[str, CanonicalTable]]:
    """Say which version of a row counts when, and add up lines to orders."""
    intake, table = found.intake, found.intake.table
    if not intake.source.is_lines:
        rows = _collected(table, with_versions(table, intake.rows))
        yield table, replace(intake, rows=rows)
        return
    yield "lines", replace(intake, table="lines", rows=intake.rows.drop("recorded_day"))
    orders = _collected(table, orders_of(intake.rows, ANONYMOUS))
    yield table, CanonicalTable(table, orders, source=intake.source, format=intake.format)


def _columns(
    table: str, frame: nw.LazyFrame[Any], mapping: Mapping, source: TableMapping
) -> tuple[Column, ...]:
    if source.is_lines:
        return LINE_COLUMNS
    declared = with_declared(table, frame, mapping)
    return (*declared, *REFUND) if table == "orders" else declared


def _own_columns(table: str, own: TableMapping, is_local: bool) -> tuple[Column, ...]:
    """What is looked for in a source: refunds beside the amount only where they can be read."""
    columns = (*SCHEMAS[table], *attributes_of(table, own))
    if table != "orders":
        return columns
    if own.is_lines:
        return tuple(column for column in LINE_COLUMNS if column not in LINES)
    return (*columns, *REFUND) if is_local else columns


def _local_only(source: TableMapping) -> list[str]:
    """The keys in use that need the rows at hand."""
    used = {
        "drop": source.drop, "lines": source.is_lines, "constants": source.constants,
        "status": source.status, "refund": source.refund, "time": source.time,
        "blank": source.blank, "without_order_id": source.without_order_id,
        "zone": source.zone, "words": source.words,
        "columns with several names": [c for c in source.columns if len(source.sources(c)) > 1],
    }  # fmt: skip
    return [name for name, value in used.items() if value]


def _used(columns: Sequence[Column], source: TableMapping) -> set[str]:
    """The source's columns that something is read from."""
    names = {name for column in columns for name in source.sources(column.source)}
    return names | set(source.further)


def _orders_in_one_currency(rows: nw.LazyFrame[Any], mapping: Mapping) -> nw.LazyFrame[Any]:
    native: pl.LazyFrame = rows.to_native()
    orders = converted(native.collect(), mapping.currency, mapping.rates)
    return nw.from_native(in_one_currency(orders, mapping.currency).lazy())


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
