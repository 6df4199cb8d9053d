"""Columns that a shop declares beside those of the tables."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.errors import HistoryError
from features.intake.mapping import Mapping, TableMapping
from features.schema import ADDED, DERIVED, MARKS, REFUND, RESERVED, SCHEMAS, Column, Kind


def with_declared(table: str, frame: nw.LazyFrame[Any], mapping: Mapping) -> tuple[Column, ...]:
    """Add the customer columns that may become features, and the attributes of other rows.

    Of customers those are the static ones, and versioned numbers.

    Raises
    ------
    HistoryError
        If the mapping declares a column that is not there, or one that has no time.
    """
    columns = SCHEMAS[table]
    if table != "customers":
        return (*columns, *attributes_of(table, mapping.of(table)))
    schema = frame.collect_schema()
    source = mapping.of(table)
    taken = {source.source(c.source) for c in columns} | RESERVED
    declared = {*mapping.static, *mapping.categories, *mapping.numbers}
    if wrong := sorted(declared - (set(schema) - taken)):
        raise HistoryError(
            f"[customers] static, numbers and categories must name further columns; got {wrong}. "
            f"The table has {sorted(set(schema) - taken)}."
        )
    is_versioned = source.source("recorded_at") in schema
    if not is_versioned and (timeless := sorted(declared - set(mapping.static))):
        raise HistoryError(
            f"[customers] numbers and categories {timeless} must be static or have a recorded_at: "
            "it is not known since when they hold. Add them to static if they never change."
        )
    further = (
        Column(name, _kind_of(name, dtype, mapping))
        for name, dtype in schema.items()
        if name in declared or (is_versioned and name not in taken and _is_number(dtype))
    )
    return (*columns, *further)


def attributes_of(table: str, source: TableMapping) -> tuple[Column, ...]:
    """The further columns of orders, feedback or offers that a mapping declares.

    Raises
    ------
    HistoryError
        If one is called like a column of the table, or like what is counted of it.
    """
    columns = (*SCHEMAS[table], *DERIVED.get(table, ()), *REFUND)
    own = {name for c in columns for name in (c.source, c.target)} | {*MARKS.get(table, ())}
    named = {name for name in source.attributes if name.startswith("raw_")}
    if taken := sorted(named | set(source.attributes) & (own | RESERVED | ADDED)):
        raise HistoryError(
            f"[{table}.attributes] must have names of their own; {taken} mean something already. "
            f"Call them otherwise, and map the names in the source under [{table}.columns]."
        )
    if source.attributes and source.is_lines:
        raise HistoryError(
            f"[{table}.attributes] must not stand beside lines: an order is the sum of its lines. "
            "Give a file with one row for each order, or with its amount in every row and "
            "repeated = true."
        )
    found = source.attributes.items()
    return tuple(Column(name, kind, is_attribute=True) for name, kind in found)


def _is_number(dtype: Any) -> bool:
    return bool(dtype.is_numeric() or dtype == nw.Boolean)


def _kind_of(column: str, dtype: Any, mapping: Mapping) -> Kind:
    """By type or declaration, never by content: later rows must not change what a column is."""
    if column in mapping.categories:
        return "text"
    return "number" if column in mapping.numbers or _is_number(dtype) else "text"
