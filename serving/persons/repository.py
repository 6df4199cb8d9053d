"""Everything that the store holds of one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.intake.store.tables import BATCHES, HISTORY
from serving.store.tables.campaigns import ASSIGNMENTS
from serving.store.tables.events import EVENTS, WAITING
from serving.store.tables.published import PUBLICATIONS, SCORES
from serving.store.tables.webhooks import CROSSINGS

# What an export tells besides.
FURTHER = {"assignments": ASSIGNMENTS, "crossings": CROSSINGS}
# Every table with rows of persons; a test looks whether one is missing.
PERSONAL = (*HISTORY.values(), EVENTS, WAITING, SCORES, ASSIGNMENTS, CROSSINGS)


def history_of(
    connection: sa.Connection, customer_id: str
) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Table and row of everything in the history."""
    whole = sa.select(BATCHES.c.id).where(BATCHES.c.done_at.is_not(None))
    for table, source in HISTORY.items():
        mine = (source.c.customer_id == customer_id) & source.c.batch_id.in_(whole)
        for row in connection.execute(sa.select(source).where(mine)).mappings():
            yield table, row


def events_of(connection: sa.Connection, customer_id: str) -> list[str]:
    """What events said, as JSON."""
    query = sa.select(EVENTS.c.fields).where(EVENTS.c.customer_id == customer_id)
    return list(connection.scalars(query.order_by(EVENTS.c.id)))


def rows_of(connection: sa.Connection, table: sa.Table, customer_id: str) -> list[dict[str, Any]]:
    """Rows of a person in one table, without what is empty."""
    query = sa.select(table).where(table.c.customer_id == customer_id)
    return [
        {str(name): value for name, value in row.items() if value is not None}
        for row in connection.execute(query).mappings()
    ]


def last_time(connection: sa.Connection, customer_id: str) -> datetime | None:
    """The latest time of anything in the history of a person."""
    found: list[datetime] = []
    for source in HISTORY.values():
        times = [column for column in source.c if isinstance(column.type, sa.DateTime)]
        query = sa.select(*(sa.func.max(time) for time in times))
        row = connection.execute(query.where(source.c.customer_id == customer_id)).one()
        found += [time for time in row if time is not None]
    return max(found, default=None)


def remove(connection: sa.Connection, customer_id: str) -> dict[str, int]:
    """Remove every row of a person; how many, by table."""
    published = sa.select(PUBLICATIONS.c.id)
    removed = {}
    for table in PERSONAL:
        mine = [table.c.customer_id == customer_id]
        if table is SCORES:  # By its key: a million rows are not looked through.
            mine.append(SCORES.c.publication_id.in_(published))
        removed[table.name] = connection.execute(sa.delete(table).where(*mine)).rowcount
    return removed
