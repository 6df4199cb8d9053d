"""Customers who wait to be scored again, since something came in about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from features.intake.store.tables import BATCHES
from serving.store.tables.events import EVENTS, WAITING
from serving.store.tables.published import CURRENT, SCORES
from serving.store.upserts import parts, put

# How long a worker has to score those that it took.
LEASE = timedelta(seconds=60)


def leave_waiting(connection: sa.Connection, customer_ids: Collection[str], now: datetime) -> None:
    """Have customers scored again; until then their scores are marked as stale."""
    for part in parts(sorted(customer_ids)):
        put(connection, WAITING, [{"customer_id": each, "since": now} for each in part], "since")
        _mark(connection, part, True, now)


def leave_waiting_since(connection: sa.Connection, as_of: datetime, now: datetime) -> None:
    """Have those scored again about whom something came in at or after an instant of the shop.

    Who waits already goes on: of what came in while scores were made, nobody knows whether they do.
    """
    later = sa.select(EVENTS.c.customer_id).join(BATCHES).where(BATCHES.c.known_at >= as_of)
    leave_waiting(connection, list(connection.scalars(later.distinct())), now)
    for part in parts(sorted(connection.scalars(sa.select(WAITING.c.customer_id)))):
        _mark(connection, part, True, now)


def claim(connection: sa.Connection, most: int, now: datetime) -> dict[str, datetime]:
    """Take customers to score, those first who wait longest; and since when they wait."""
    free = WAITING.c.leased_until.is_(None) | (WAITING.c.leased_until < now)
    first = sa.select(WAITING.c.customer_id).where(free).order_by(WAITING.c.since).limit(most)
    taken = (
        sa.update(WAITING)
        .where(WAITING.c.customer_id.in_(first.scalar_subquery()), free)
        .values(leased_until=now + LEASE)
        .returning(WAITING.c.customer_id, WAITING.c.since)
    )
    return {row.customer_id: row.since for row in connection.execute(taken)}


def still_waiting(connection: sa.Connection, customer_ids: Collection[str]) -> set[str]:
    """Those of some customers who still wait; nobody else lets them go meanwhile."""
    found: set[str] = set()
    for part in parts(sorted(customer_ids)):
        query = sa.select(WAITING.c.customer_id).where(WAITING.c.customer_id.in_(part))
        found |= set(connection.scalars(query.with_for_update()))
    return found


def release(connection: sa.Connection, claimed: Mapping[str, datetime]) -> None:
    """Let others score those who were taken."""
    for part in parts(sorted(claimed)):
        mine = sa.update(WAITING).where(WAITING.c.customer_id.in_(part))
        connection.execute(mine.values(leased_until=None))


def end_waiting(connection: sa.Connection, claimed: Mapping[str, datetime], now: datetime) -> None:
    """Nobody waits any longer of whom nothing came in since they were taken."""
    for customer_id, since in claimed.items():
        mine = WAITING.c.customer_id == customer_id
        connection.execute(sa.delete(WAITING).where(mine, WAITING.c.since == since))
    release(connection, claimed)
    for part in parts(sorted(claimed)):
        mine = WAITING.c.customer_id.in_(part)
        again = set(connection.scalars(sa.select(WAITING.c.customer_id).where(mine)))
        _mark(connection, [each for each in part if each not in again], False, now)
        _mark(connection, sorted(again), True, now)


def _mark(
    connection: sa.Connection, customer_ids: Collection[str], stale: bool, now: datetime
) -> None:
    in_force = sa.select(CURRENT.c.publication_id).scalar_subquery()
    mine = (SCORES.c.publication_id == in_force) & SCORES.c.customer_id.in_(list(customer_ids))
    other = SCORES.c.stale.is_not(sa.true() if stale else sa.false())
    marked = sa.update(SCORES).where(mine, other)
    connection.execute(marked.values(stale=stale, updated_at=now))
