"""Requests that were made with an Idempotency-Key, and what they made."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa

from serving.store.tables.jobs import IDEMPOTENCY

LONGEST = 255


class OtherRequestError(Exception):
    """The key stands for another request."""


def made_before(connection: sa.Connection, key: str, caller: str, request: str) -> int | None:
    """Id of what a request with this key made; None if there was none.

    Raises
    ------
    OtherRequestError
        If it was another request.
    """
    query = sa.select(IDEMPOTENCY).where(IDEMPOTENCY.c.digest == _digest(caller, key))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.request != _digest(request):
        raise OtherRequestError
    return int(row.made)


def note_made(
    connection: sa.Connection, key: str, caller: str, request: str, made: int, now: datetime
) -> None:
    """Note what a request with a key made."""
    values = {"digest": _digest(caller, key), "request": _digest(request), "made": made, "at": now}
    connection.execute(sa.insert(IDEMPOTENCY).values(**values))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
