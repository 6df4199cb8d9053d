"""What others are to be told: written in the transaction in which it happens, delivered later."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

import sqlalchemy as sa

from serving.store.tables.published import SCORES
from serving.store.tables.webhooks import CROSSINGS, DELIVERIES, MESSAGES, RELEASE, WEBHOOKS
from serving.store.upserts import put

EventType = Literal[
    "risk.crossed", "scores.published", "campaign.planned", "campaign.ended", "model.promoted"
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
CROSSED: EventType = "risk.crossed"
# Sent when somebody asks for it, to one endpoint.
TEST = "webhook.test"
# Customers of one message: some 15 kB, where the specification advises to stay below 20.
CUSTOMERS = 100


class Crossing(NamedTuple):
    """A customer whose churn risk came to the other side of a threshold."""

    customer_id: str
    churn_risk_before: float
    churn_risk: float
    as_of: datetime

    def passes(self, threshold: float) -> bool:
        """Whether it came to the other side of a threshold.

        Examples
        --------
        >>> crossing = Crossing("C1", 0.4, 0.5, datetime(2026, 1, 1))
        >>> [crossing.passes(threshold) for threshold in (0.4, 0.5, 0.6)]
        [False, True, False]
        """
        return (self.churn_risk_before >= threshold) != (self.churn_risk >= threshold)


def tell(connection: sa.Connection, kind: EventType, data: Mapping[str, Any], at: datetime) -> None:
    """Tell all who want to know of such a thing, in the transaction that does it."""
    wanted = [row.id for row in _subscribers(connection, kind)]
    if wanted:
        _send(connection, kind, data, at, wanted)


def tell_crossings(
    connection: sa.Connection, moved: Callable[[Sequence[float]], Sequence[Crossing]], at: datetime
) -> None:
    """Tell who came to the other side of the threshold of each endpoint.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    moved : callable
        Gives, of some thresholds, at least the customers who crossed one.
    at : datetime
        In UTC.
    """
    by_threshold: dict[float, list[int]] = defaultdict(list)
    for row in _subscribers(connection, CROSSED):
        by_threshold[row.risk_threshold].append(row.id)
    candidates = sorted(moved(list(by_threshold))) if by_threshold else []
    for threshold, wanted in by_threshold.items():
        found = [each for each in candidates if each.passes(threshold)]
        for start in range(0, len(found), CUSTOMERS):
            message = _send(connection, CROSSED, {"threshold": threshold}, at, wanted)
            part = found[start : start + CUSTOMERS]
            rows = [{**each._asdict(), "message_id": message} for each in part]
            connection.execute(sa.insert(CROSSINGS), rows)


def crossed_since(
    connection: sa.Connection, before: int, after: int, thresholds: Sequence[float]
) -> list[Crossing]:
    """Who crossed one of some thresholds from one publication to another."""
    old, new = SCORES.alias(), SCORES.alias()
    same = (old.c.customer_id == new.c.customer_id) & (old.c.publication_id == before)
    crossed = ((old.c.churn_risk >= each) != (new.c.churn_risk >= each) for each in thresholds)
    query = (
        sa.select(new.c.customer_id, old.c.churn_risk, new.c.churn_risk, new.c.as_of)
        .join(old, same)
        .where(new.c.publication_id == after, sa.or_(*crossed))
    )
    return [Crossing(*row) for row in connection.execute(query)]


def tell_release(connection: sa.Connection, versions: Mapping[str, int], at: datetime) -> None:
    """Tell of models that came in force, once, however many processes see it."""
    now = {"versions": dict(versions), "seen_at": at}
    known = connection.scalar(sa.select(RELEASE.c.versions).with_for_update())
    put(connection, RELEASE, [{"id": 1, **now}], *now)
    if known is not None and known != now["versions"]:
        tell(connection, "model.promoted", {"versions": dict(versions), "before": known}, at)


def send_test(connection: sa.Connection, webhook_id: int, at: datetime) -> int:
    """A message to one endpoint, to see whether it comes; the delivery's id."""
    message = _send(connection, TEST, {"webhook_id": webhook_id}, at, [webhook_id])
    mine = sa.select(DELIVERIES.c.id).where(DELIVERIES.c.message_id == message)
    return int(connection.execute(mine).scalar_one())


def backlog(connection: sa.Connection) -> dict[str, int]:
    """How many deliveries wait, and how many were given up."""
    of = DELIVERIES.c
    told = of.state.in_(("waiting", "dead"))
    query = sa.select(of.state, sa.func.count()).where(told).group_by(of.state)
    return {"waiting": 0, "dead": 0, **{row[0]: row[1] for row in connection.execute(query)}}


def _subscribers(connection: sa.Connection, kind: EventType) -> list[Any]:
    """Endpoints that want to know of such a thing; they are few."""
    enabled = WEBHOOKS.c.disabled_at.is_(None)
    query = sa.select(WEBHOOKS.c.id, WEBHOOKS.c.events, WEBHOOKS.c.risk_threshold).where(enabled)
    # None of them is removed before this transaction ends.
    kept = query.with_for_update(read=True, key_share=True)
    return [row for row in connection.execute(kept) if kind in row.events]


def _send(
    connection: sa.Connection,
    kind: str,
    data: Mapping[str, Any],
    at: datetime,
    webhook_ids: Sequence[int],
) -> int:
    values = {"key": f"msg_{secrets.token_hex(16)}", "type": kind, "at": at, "data": dict(data)}
    added = sa.insert(MESSAGES).values(**values).returning(MESSAGES.c.id)
    message = int(connection.execute(added).scalar_one())
    waiting = {"message_id": message, "state": "waiting", "attempts": 0, "next_at": at}
    rows = [{**waiting, "webhook_id": each} for each in webhook_ids]
    connection.execute(sa.insert(DELIVERIES), rows)
    return message
