"""The history in the store: what is true of it, its batches, and rows that are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.intake.store.reading import StoredSettings
from features.intake.store.tables import BATCHES, HISTORY, SETTINGS

# What is done by one at a time: rows that are added and persons who are removed.
ALONE = "history"


def begin_batch(connection: sa.Connection, kind: str, now: datetime, **further: Any) -> int:
    """A batch of rows that nobody sees before it is done."""
    values = {"kind": kind, "begun_at": now, "rows": {}, **further}
    added = sa.insert(BATCHES).values(**values).returning(BATCHES.c.id)
    return int(connection.execute(added).scalar_one())


def end_batch(connection: sa.Connection, batch_id: int, now: datetime) -> None:
    """Let everybody see the rows of a batch."""
    ended = sa.update(BATCHES).where(BATCHES.c.id == batch_id)
    connection.execute(ended.values(done_at=now, leased_until=None))


def drop_batch(connection: sa.Connection, batch_id: int) -> None:
    """Remove a batch and its rows."""
    for table in HISTORY.values():
        connection.execute(sa.delete(table).where(table.c.batch_id == batch_id))
    connection.execute(sa.delete(BATCHES).where(BATCHES.c.id == batch_id))


def add_rows(
    connection: sa.Connection, batch_id: int, table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add rows of a table, each with all columns of `kept_rows`, to a batch."""
    if rows:
        connection.execute(
            sa.insert(HISTORY[table]), [{**row, "batch_id": batch_id} for row in rows]
        )


def last_known_at(connection: sa.Connection) -> datetime:
    """From when on the last rows that events made are known, on the shop's wall clock."""
    return connection.scalar(sa.select(sa.func.max(BATCHES.c.known_at))) or datetime.min


def count_rows(connection: sa.Connection, batch_id: int, table: str) -> int:
    """How many rows of a table a batch has so far."""
    source = HISTORY[table]
    counted = sa.select(sa.func.count()).select_from(source)
    return int(connection.scalar(counted.where(source.c.batch_id == batch_id)) or 0)


def save_settings(connection: sa.Connection, settings: StoredSettings) -> None:
    """Write what is true of the whole history."""
    document = settings.as_dict()
    changed = connection.execute(sa.update(SETTINGS).values(document=document))
    if not changed.rowcount:
        connection.execute(sa.insert(SETTINGS).values(id=1, document=document))
