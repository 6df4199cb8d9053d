"""Who was erased: by keyed hash, so that what happened before does not come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from serving.store.secrets import keyed
from serving.store.tables.events import ERASED


def note_erasure(connection: sa.Connection, customer_id: str, at: datetime) -> None:
    """Note that a person was erased, on the shop's wall clock."""
    person = keyed(connection, [customer_id])[customer_id]
    connection.execute(sa.delete(ERASED).where(ERASED.c.person == person))
    connection.execute(sa.insert(ERASED).values(person=person, erased_at=at))


def erased_at(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, datetime]:
    """Those of some customers who were erased, and when."""
    rows = connection.execute(sa.select(ERASED.c.person, ERASED.c.erased_at))
    erased: dict[str, datetime] = {row.person: row.erased_at for row in rows}
    if not erased:
        return {}
    persons = keyed(connection, customer_ids)
    return {name: erased[person] for name, person in persons.items() if person in erased}
