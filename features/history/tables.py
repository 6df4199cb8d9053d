"""The tables of a history: what of the rows that were taken in can be used."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import replace
from typing import Any

import narwhals as nw

from features.intake.canonical import CanonicalTable
from features.intake.mapping import Mapping
from features.schema import MARKS, SCHEMAS

ORDER = ("customer_id", "day", "amount", "discount_amount")


def usable_tables(intakes: Dict[str, CanonicalTable]) -> dict[str, nw.LazyFrame[Any]]:
    """The rows of every table that can be used; refunds among the orders, which are sorted."""
    usable = {
        table: intake.rows.filter(nw.col("problem").is_null()).drop(
            "row", "problem", "unread", *MARKS.get(table, ()), strict=False
        )
        for table, intake in intakes.items()
        if table in SCHEMAS
    }
    if "refunds" in usable:
        usable["orders"] = _with_refunds(usable["orders"], usable.pop("refunds"))
    if usable["orders"].implementation.is_polars():
        further = intakes["orders"].source.attributes
        usable["orders"] = held(usable["orders"].sort(*ORDER, *further))
    return usable


def _with_refunds(orders: nw.LazyFrame[Any], refunds: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Refunds of a table of their own are rows of the orders."""
    schema, told = orders.collect_schema(), refunds.collect_schema()
    none = {name: nw.lit(None, dtype=schema[name]) for name in schema if name not in told}
    alike = refunds.with_columns(**none).select(list(schema))
    return nw.concat([orders, alike])


def with_currency(orders: nw.LazyFrame[Any], mapping: Mapping) -> Mapping:
    """The mapping with the currency that the orders name, where it names none."""
    if mapping.currency is not None:
        return mapping
    found = orders.select(nw.col("currency").max()).collect()["currency"].to_list()
    return replace(mapping, currency=found[0]) if found and found[0] else mapping


def held(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Hold a local frame in memory, so that it is filtered once and not at every use."""
    is_local = frame.implementation.is_polars()
    return frame.collect().lazy() if is_local else frame
