"""The audit log in the store: rows are added, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from serving.store.secrets import keyed
from serving.store.tables.access import AUDIT


def record(
    connection: sa.Connection,
    at: datetime,
    actor: str,
    action: str,
    customer_id: str | None = None,
    **facts: Any,
) -> None:
    """Note what is done, in the transaction that does it.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    at : datetime
        In UTC.
    actor : str
        Name of the key, or `command line`.
    action : str
        Such as `key.created`.
    customer_id : str, optional
        Whom it is about; kept as a keyed hash.
    facts
        What else is worth knowing; nothing of persons.
    """
    subject = None if customer_id is None else keyed(connection, [customer_id])[customer_id]
    values = {"at": at, "actor": actor, "action": action, "subject": subject, "facts": facts}
    connection.execute(sa.insert(AUDIT).values(**values))


def entries(
    connection: sa.Connection, before: int | None, limit: int
) -> Sequence[Mapping[Any, Any]]:
    """The latest entries first, those before one of them if asked."""
    query = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    return connection.execute(query).mappings().all()
