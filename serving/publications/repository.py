"""Publications in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from serving.errors import ServingError
from serving.inforce.schemas import Terms, Versions
from serving.store.tables.published import CURRENT, PUBLICATIONS, SCORES
from serving.store.upserts import parts
from training.champions import CHURN, CLV

# How long a publication that does not go on is left alone.
LEASE = timedelta(seconds=60)
# Publications that are left in place, for lists that were begun before the last one.
KEPT = 2
# Rows that are removed in one transaction.
CHUNK = 20_000


@dataclass(frozen=True)
class Publication:
    """A run of the batch that was published.

    Attributes
    ----------
    id : int
    as_of : datetime
        The instant of prediction, on the shop's wall clock.
    customers : int
    versions : dict
        The models that made the scores.
    terms : Terms
        What the figures mean.
    done_at : datetime
        When it came into force, in UTC.
    """

    id: int
    as_of: datetime
    customers: int
    versions: Versions
    terms: Terms
    done_at: datetime


def current(connection: sa.Connection) -> Publication | None:
    """The publication in force."""
    in_force = PUBLICATIONS.c.id == sa.select(CURRENT.c.publication_id).scalar_subquery()
    return _publication(connection, in_force)


def publication(connection: sa.Connection, key: int) -> Publication | None:
    """A publication that is still in the store."""
    return _publication(connection, PUBLICATIONS.c.id == key)


# With the terms as text: they are read once for each publication.
FACTS = (
    *(column for column in PUBLICATIONS.c if column.name != "terms"),
    sa.cast(PUBLICATIONS.c.terms, sa.Text).label("terms"),
)


def _publication(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Publication | None:
    whole = sa.select(*FACTS).where(which, PUBLICATIONS.c.done_at.is_not(None))
    row = connection.execute(whole).one_or_none()
    if row is None:
        return None
    versions = {CHURN: row.churn_model_version, CLV: row.clv_model_version}
    return Publication(row.id, row.as_of, row.customers, versions, _terms(row.terms), row.done_at)


@lru_cache(maxsize=KEPT + 1)
def _terms(document: str) -> Terms:
    """Read once: every answer says what its figures mean."""
    return Terms.model_validate_json(document)


def begin(
    connection: sa.Connection, facts: Mapping[str, Any], customers: int, terms: Terms, now: datetime
) -> int:
    """A publication that nobody sees yet."""
    values = {
        **{name: facts[name] for name in ("as_of", "churn_model_version", "clv_model_version")},
        "customers": customers,
        "terms": terms.model_dump(mode="json"),
        "begun_at": now,
        "leased_until": now + LEASE,
    }
    added = sa.insert(PUBLICATIONS).values(**values).returning(PUBLICATIONS.c.id)
    return int(connection.execute(added).scalar_one())


def add(connection: sa.Connection, key: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows of scores to a publication."""
    own = {"publication_id": key, "as_of_source": "batch", "stale": False}
    connection.execute(sa.insert(SCORES), [{**row, **own} for row in rows])


def renew(connection: sa.Connection, key: int, now: datetime) -> None:
    """Keep a publication that is being written a while longer."""
    kept = sa.update(PUBLICATIONS).where(PUBLICATIONS.c.id == key)
    connection.execute(kept.values(leased_until=now + LEASE))


def put_in_force(connection: sa.Connection, key: int, now: datetime) -> None:
    """Swap the publication that everybody reads; all its rows are there."""
    done = sa.update(PUBLICATIONS).where(PUBLICATIONS.c.id == key)
    if connection.execute(done.values(done_at=now, leased_until=None)).rowcount != 1:
        raise ServingError("the publication took too long, and was given up. Publish again.")
    if not connection.execute(sa.update(CURRENT).values(publication_id=key)).rowcount:
        connection.execute(sa.insert(CURRENT).values(id=1, publication_id=key))


def remove_customers(connection: sa.Connection, key: int, customer_ids: Sequence[str]) -> None:
    """Remove rows of some customers from a publication that nobody sees yet."""
    for part in parts(customer_ids):
        mine = (SCORES.c.publication_id == key) & SCORES.c.customer_id.in_(part)
        connection.execute(sa.delete(SCORES).where(mine))


def retire(connection: sa.Connection, key: int, now: datetime) -> None:
    """Let nobody begin to read a publication that is going to be removed."""
    mine = sa.update(PUBLICATIONS).where(PUBLICATIONS.c.id == key)
    connection.execute(mine.values(done_at=None, leased_until=now))


def done_with(connection: sa.Connection, now: datetime) -> list[int]:
    """Publications that nobody needs: older ones, and those that were broken off."""
    columns = PUBLICATIONS.c
    whole = sa.select(columns.id).where(columns.done_at.is_not(None))
    kept = connection.scalars(whole.order_by(columns.id.desc()).limit(KEPT)).all()
    in_force = connection.scalars(sa.select(CURRENT.c.publication_id)).all()
    broken_off = columns.done_at.is_(None) & (columns.leased_until <= now)
    over = columns.done_at.is_not(None) | broken_off
    query = sa.select(columns.id).where(over, columns.id.not_in([*kept, *in_force]))
    return list(connection.scalars(query).all())


def remove_some(connection: sa.Connection, key: int) -> bool:
    """Remove a part of a publication; whether there may be more of it."""
    mine = SCORES.c.publication_id == key
    some = sa.select(SCORES.c.customer_id).where(mine).order_by(SCORES.c.customer_id).limit(CHUNK)
    removed = connection.execute(
        sa.delete(SCORES).where(mine, SCORES.c.customer_id.in_(some.scalar_subquery()))
    )
    if removed.rowcount == CHUNK:
        return True
    connection.execute(sa.delete(PUBLICATIONS).where(PUBLICATIONS.c.id == key))
    return False
