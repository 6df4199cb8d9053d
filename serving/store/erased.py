"""Who was erased: by keyed hash, so that what happened before does not come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from serving.store.secrets import keyed
from serving.store.tables.events import ERASED
from serving.store.upserts import parts


def note_erasure(connection: sa.Connection, customer_id: str, at: datetime) -> None:
    """Note that a person was erased, on the shop's wall clock."""
    person = keyed(connection, [customer_id])[customer_id]
    connection.execute(sa.delete(ERASED).where(ERASED.c.person == person))
    connection.execute(sa.insert(ERASED).values(person=person, erased_at=at))


def erased_at(connection: sa.Connection, customer_ids: Iterable[str]) -> dict[str, datetime]:
    """Those of some customers who were erased, and when."""
    if connection.execute(sa.select(ERASED.c.person).limit(1)).first() is None:
        return {}
    persons = keyed(connection, customer_ids)
    erased: dict[str, datetime] = {}
    for part in parts(list(persons.values())):
        rows = connection.execute(sa.select(ERASED).where(ERASED.c.person.in_(part)))
        erased |= {row.person: row.erased_at for row in rows}
    return {name: erased[person] for name, person in persons.items() if person in erased}
