"""A history read back from the store."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import polars as pl
import sqlalchemy as sa

from features.intake.canonical import CanonicalTable
from features.intake.mapping import ATTRIBUTES as OF_CUSTOMERS
from features.intake.mapping import Mapping, TableMapping
from features.intake.rules import AttributeKind
from features.intake.store.rows import TYPES, settled
from features.intake.store.tables import BATCHES, HISTORY, SETTINGS
from features.schema import RECORDED, SCHEMAS

# Of the keys of a mapping: what still means something once rows are read.
KEPT = ("timezone", "currency", "shop", "recording_lag_days", "fold_emails", *OF_CUSTOMERS)
# By which rows are known that may come to be of another customer.
MOVED = {"orders": "order_id", "feedback": "feedback_id"}
# Rows that are fetched at once.
CHUNK = 100_000


@dataclass(frozen=True)
class StoredSettings:
    """What is true of the whole history in a store.

    Attributes
    ----------
    mapping : Mapping
    further : mapping of str to mapping
        Table -> column besides those that every history has -> `number` or `text`.
    """

    mapping: Mapping = field(default_factory=Mapping)
    further: Dict[str, Dict[str, AttributeKind]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, document: Dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        further = document["further"]
        mapping = Mapping(
            **{name: document[name] for name in KEPT},
            scales=document["scales"],
            tables={t: TableMapping(attributes=c) for t, c in further.items() if t != "customers"},
        )
        return cls(mapping, further)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists, ready for JSON."""
        return {
            **{name: getattr(self.mapping, name) for name in KEPT},
            "scales": dict(self.mapping.scales),
            "further": {table: dict(columns) for table, columns in self.further.items()},
        }


def is_store(connection: sa.Connection) -> bool:
    """Whether a database holds a store."""
    return sa.inspect(connection).has_table(SETTINGS.name)


def stored_settings(connection: sa.Connection) -> StoredSettings | None:
    """What is true of the history in a store; None while there is none."""
    document = connection.scalar(sa.select(SETTINGS.c.document))
    return None if document is None else StoredSettings.from_dict(document)


def stored_rows(
    connection: sa.Connection, table: str, *only: sa.ColumnElement[bool]
) -> pl.DataFrame:
    """The rows of a table in the batches that are whole, in the order in which they came.

    Returns
    -------
    polars.DataFrame
        As `kept_rows` gave them, with `batch_id`.
    """
    source = HISTORY[table]
    columns = [column for column in source.c if column.name != "id"]
    whole = sa.select(BATCHES.c.id).where(BATCHES.c.done_at.is_not(None))
    query = sa.select(*columns).where(source.c.batch_id.in_(whole), *only).order_by(source.c.id)
    kinds = {column.source: TYPES[column.kind] for column in (*SCHEMAS[table], RECORDED)}
    types = {
        column.name: pl.Int64() if column.name == "batch_id" else _type(column, kinds)
        for column in columns
    }
    parts = [
        pl.DataFrame([tuple(row) for row in part], schema=types, orient="row")
        for part in connection.execute(query).partitions(CHUNK)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=types)


def stored_tables(
    connection: sa.Connection,
    settings: StoredSettings,
    customer_ids: Sequence[str] | None = None,
) -> dict[str, CanonicalTable]:
    """The tables of the history in a store, as `take_in` gives those of other sources.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : StoredSettings
    customer_ids : sequence of str, optional
        Read no more than the history of these takes; default: all of it.

    Returns
    -------
    dict
        Table name -> CanonicalTable. Tables without rows are left out, but for orders.
    """
    found = {
        table: stored_rows(connection, table, *_rows_of(table, customer_ids)) for table in HISTORY
    }
    return {
        table: settled(table, rows, settings.further.get(table, {}), settings.mapping)
        for table, rows in found.items()
        if table == "orders" or not rows.is_empty()
    }


def _rows_of(table: str, customer_ids: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """Rows of some customers; and of what was theirs those that came to be another one's."""
    if customer_ids is None:
        return []
    source = HISTORY[table].c
    own = source.customer_id.in_(customer_ids)
    name = MOVED.get(table)
    if name is None:
        return [own]
    theirs = sa.select(source[name]).where(own)
    return [own | source[name].in_(theirs)]


def _type(column: sa.Column[Any], kinds: Dict[str, pl.DataType]) -> pl.DataType:
    if isinstance(column.type, sa.DateTime):
        return TYPES["date"]
    return kinds.get(column.name, TYPES["text"])
