"""Campaigns and their assignments in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from serving.store.tables.campaigns import ASSIGNMENTS, CAMPAIGNS

Row = Mapping[Any, Any]
# Group of an assignment -> arm of the plan.
ARMS = {"treatment": "offer", "holdout": "holdout", "none": "none"}


def add(connection: sa.Connection, **values: Any) -> None:
    """A campaign that is to be planned."""
    connection.execute(sa.insert(CAMPAIGNS).values(state="draft", **values))


def find(connection: sa.Connection, campaign_id: str) -> Row | None:
    """A campaign by its id."""
    query = sa.select(CAMPAIGNS).where(CAMPAIGNS.c.campaign_id == campaign_id)
    return connection.execute(query).mappings().one_or_none()


def every(connection: sa.Connection) -> list[Row]:
    """All campaigns, by their id."""
    query = sa.select(CAMPAIGNS).order_by(CAMPAIGNS.c.campaign_id)
    return list(connection.execute(query).mappings())


def move(
    connection: sa.Connection, campaign_id: str, before: str, after: str, **values: Any
) -> bool:
    """Bring a campaign from one state to the next; whether it was in that state."""
    mine = (CAMPAIGNS.c.campaign_id == campaign_id) & (CAMPAIGNS.c.state == before)
    moved = sa.update(CAMPAIGNS).where(mine).values(state=after, **values)
    return connection.execute(moved).rowcount == 1


def assign(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the rows of a plan."""
    if rows:
        connection.execute(sa.insert(ASSIGNMENTS), rows)


def assignments(
    connection: sa.Connection,
    campaign_id: str,
    groups: Sequence[str],
    after: str | None,
    limit: int,
) -> list[Row]:
    """Rows of a plan by customer_id, those after one of them if asked."""
    arms = [ARMS[group] for group in groups]
    of = ASSIGNMENTS.c
    query = sa.select(ASSIGNMENTS).where(of.campaign_id == campaign_id, of.arm.in_(arms))
    if after is not None:
        query = query.where(of.customer_id > after)
    return list(connection.execute(query.order_by(of.customer_id).limit(limit)).mappings())


def assigned(connection: sa.Connection, campaign_id: str, ids: Sequence[str]) -> dict[str, Row]:
    """Rows of some customers, by their id."""
    of = ASSIGNMENTS.c
    query = sa.select(ASSIGNMENTS).where(of.campaign_id == campaign_id, of.customer_id.in_(ids))
    return {row["customer_id"]: row for row in connection.execute(query).mappings()}


def plan_rows(connection: sa.Connection, campaign_id: str) -> list[Row]:
    """The whole plan, as it was drawn; erased customers are no longer in it."""
    query = sa.select(ASSIGNMENTS).where(ASSIGNMENTS.c.campaign_id == campaign_id)
    return list(connection.execute(query.order_by(ASSIGNMENTS.c.customer_id)).mappings())


def note_start(connection: sa.Connection, campaign_id: str, now: datetime) -> None:
    """Note when a campaign was first started."""
    mine = (CAMPAIGNS.c.campaign_id == campaign_id) & CAMPAIGNS.c.started_at.is_(None)
    connection.execute(sa.update(CAMPAIGNS).where(mine).values(started_at=now))
