"""Endpoints in the store, and the deliveries to them: each claimed by one process at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from serving.store.tables.webhooks import CROSSINGS, DELIVERIES, MESSAGES, WEBHOOKS

Row = Mapping[Any, Any]
# Claims, and what takes several deliveries of an endpoint, wait for each other.
ALONE = "deliveries"
# How long a process has to deliver a message; an attempt takes less.
LEASE = timedelta(seconds=60)
# Deliveries to one endpoint at once: a slow one leaves room for the others.
AT_ONCE = 2
# How long what has ended can be looked at and replayed.
KEPT = timedelta(days=30)
# Deliveries and messages that are removed in one transaction; one message may be of a hundred
# customers.
CHUNK, MESSAGES_AT_ONCE = 5_000, 50


def add(connection: sa.Connection, **values: Any) -> int:
    """A new endpoint."""
    added = sa.insert(WEBHOOKS).values(**values).returning(WEBHOOKS.c.id)
    return int(connection.execute(added).scalar_one())


def change(connection: sa.Connection, webhook_id: int, **values: Any) -> None:
    """Change an endpoint."""
    mine = WEBHOOKS.c.id == webhook_id
    connection.execute(sa.update(WEBHOOKS).where(mine).values(**values))


def find(connection: sa.Connection, webhook_id: int, held: bool = False) -> Row | None:
    """An endpoint by its id; if it is held, nobody removes it before the transaction ends."""
    query = sa.select(WEBHOOKS).where(WEBHOOKS.c.id == webhook_id)
    if held:
        query = query.with_for_update(read=True, key_share=True)
    return connection.execute(query).mappings().one_or_none()


def every(connection: sa.Connection) -> list[Row]:
    """All endpoints, by their id."""
    query = sa.select(WEBHOOKS).order_by(WEBHOOKS.c.id)
    return list(connection.execute(query).mappings())


def counts(connection: sa.Connection) -> dict[tuple[int, str], int]:
    """How many deliveries there are, by endpoint and state."""
    of = DELIVERIES.c
    query = sa.select(of.webhook_id, of.state, sa.func.count()).group_by(of.webhook_id, of.state)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def remove(connection: sa.Connection, webhook_id: int) -> None:
    """Remove an endpoint, and what was on its way to it; nobody claims meanwhile."""
    # Nothing is added for it meanwhile.
    connection.execute(
        sa.select(WEBHOOKS.c.id).where(WEBHOOKS.c.id == webhook_id).with_for_update()
    )
    connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.webhook_id == webhook_id))
    connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.id == webhook_id))


# A delivery with what it is about.
DELIVERED = sa.select(
    DELIVERIES, MESSAGES.c.key.label("message_key"), MESSAGES.c.type, MESSAGES.c.at, MESSAGES.c.data
).join(MESSAGES)


def deliveries(
    connection: sa.Connection, webhook_id: int, state: str | None, before: int | None, limit: int
) -> list[Row]:
    """Deliveries to an endpoint, the latest first."""
    query = DELIVERED.where(DELIVERIES.c.webhook_id == webhook_id)
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    if before is not None:
        query = query.where(DELIVERIES.c.id < before)
    ordered = query.order_by(DELIVERIES.c.id.desc()).limit(limit)
    return list(connection.execute(ordered).mappings())


def delivery(connection: sa.Connection, delivery_id: int) -> Row | None:
    """A delivery by its id."""
    query = DELIVERED.where(DELIVERIES.c.id == delivery_id)
    return connection.execute(query).mappings().one_or_none()


def crossings(connection: sa.Connection, message_id: int) -> list[Row]:
    """The customers whom a message is about, but for those who were erased."""
    query = sa.select(CROSSINGS).where(CROSSINGS.c.message_id == message_id)
    return list(connection.execute(query.order_by(CROSSINGS.c.customer_id)).mappings())


def _due(now: datetime) -> sa.Select[Any]:
    of = DELIVERIES.c
    is_leased = of.leased_until >= now
    full = (
        sa.select(of.webhook_id)
        .where(of.state == "waiting", is_leased)
        .group_by(of.webhook_id)
        .having(sa.func.count() >= AT_ONCE)
    )
    disabled = sa.select(WEBHOOKS.c.id).where(WEBHOOKS.c.disabled_at.is_not(None))
    free = of.leased_until.is_(None) | (of.leased_until < now)
    due = (of.state == "waiting") & (of.next_at <= now)
    return (
        sa.select(of.id)
        .where(due, free, of.webhook_id.not_in(full), of.webhook_id.not_in(disabled))
        .order_by(of.next_at, of.id)
        .limit(1)
    )


def is_due(connection: sa.Connection, now: datetime) -> bool:
    """Whether a message waits to be delivered."""
    return connection.scalar(_due(now)) is not None


def claim(connection: sa.Connection, now: datetime) -> int | None:
    """Take the delivery that is due longest; no other process claims meanwhile."""
    mine = (DELIVERIES.c.id == _due(now).scalar_subquery()) & (DELIVERIES.c.state == "waiting")
    taken = sa.update(DELIVERIES).where(mine).values(leased_until=now + LEASE)
    return connection.execute(taken.returning(DELIVERIES.c.id)).scalar_one_or_none()


def end_attempt(connection: sa.Connection, delivery_id: int, **values: Any) -> None:
    """Note what came of an attempt, and let the delivery go."""
    mine = (DELIVERIES.c.id == delivery_id) & (DELIVERIES.c.state == "waiting")
    told = {"attempts": DELIVERIES.c.attempts + 1, "leased_until": None, **values}
    connection.execute(sa.update(DELIVERIES).where(mine).values(**told))


def put_back(connection: sa.Connection, delivery_ids: Sequence[int]) -> None:
    """Let another process deliver what one has to leave."""
    mine = DELIVERIES.c.id.in_(delivery_ids) & (DELIVERIES.c.state == "waiting")
    connection.execute(sa.update(DELIVERIES).where(mine).values(leased_until=None))


def give_up_all(connection: sa.Connection, webhook_id: int, error: str, now: datetime) -> None:
    """Give up everything that is on its way to an endpoint."""
    mine = (DELIVERIES.c.webhook_id == webhook_id) & (DELIVERIES.c.state == "waiting")
    told = {"state": "dead", "error": error, "ended_at": now, "next_at": None, "leased_until": None}
    connection.execute(sa.update(DELIVERIES).where(mine).values(**told))


def begin_again(connection: sa.Connection, delivery_id: int, now: datetime) -> None:
    """Deliver again what has ended, by the schedule from its start."""
    again = dict[str, Any](state="waiting", attempts=0, next_at=now, ended_at=None)
    again["leased_until"] = None
    mine = DELIVERIES.c.id == delivery_id
    connection.execute(sa.update(DELIVERIES).where(mine).values(**again))


def tidy(connection: sa.Connection, now: datetime) -> bool:
    """Remove some of what ended long ago, and of messages that nobody is told of any longer.

    Returns
    -------
    bool
        Whether there may be more.
    """
    over = (DELIVERIES.c.state != "waiting") & (DELIVERIES.c.ended_at < now - KEPT)
    some = sa.select(DELIVERIES.c.id).where(over).limit(CHUNK).scalar_subquery()
    removed = connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.id.in_(some))).rowcount
    wanted = sa.exists().where(DELIVERIES.c.message_id == MESSAGES.c.id)
    unwanted = sa.select(MESSAGES.c.id).where(~wanted).limit(MESSAGES_AT_ONCE)
    ids = list(connection.scalars(unwanted))
    for table, column in ((CROSSINGS, CROSSINGS.c.message_id), (MESSAGES, MESSAGES.c.id)):
        connection.execute(sa.delete(table).where(column.in_(ids)))
    return removed == CHUNK or len(ids) == MESSAGES_AT_ONCE


def drop(connection: sa.Connection, delivery_id: int) -> None:
    """Remove a delivery of which there is nothing left to tell."""
    connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.id == delivery_id))
