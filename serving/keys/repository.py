"""Keys in the store, by their digests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from serving.store.tables.access import KEYS

KeyRow = sa.RowMapping


def add(connection: sa.Connection, **key: Any) -> None:
    """Keep a key."""
    connection.execute(sa.insert(KEYS).values(**key))


def find(connection: sa.Connection, key_id: str) -> KeyRow | None:
    """A key by its id."""
    query = sa.select(KEYS).where(KEYS.c.id == key_id)
    return connection.execute(query).mappings().one_or_none()


def all_keys(connection: sa.Connection) -> list[KeyRow]:
    """Every key, the oldest first."""
    return list(connection.execute(sa.select(KEYS).order_by(KEYS.c.created_at)).mappings())


def revoke(connection: sa.Connection, key_id: str, now: datetime) -> bool:
    """End a key at once; whether there was one that had not ended."""
    mine = sa.update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None))
    return connection.execute(mine.values(revoked_at=now)).rowcount == 1


def note_use(connection: sa.Connection, key_id: str, now: datetime) -> None:
    """Note that a key is in use."""
    connection.execute(sa.update(KEYS).where(KEYS.c.id == key_id).values(used_at=now))
