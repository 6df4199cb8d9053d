"""Jobs in the store: each is claimed by one process, for as long as that lives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from serving.store.tables.jobs import JOBS

# How long a process that does a job may be silent.
LEASE = timedelta(seconds=15)
# How often a job is begun whose process was lost.
ATTEMPTS = 3
OPEN = ("queued", "running")
Row = Mapping[Any, Any]


def add(connection: sa.Connection, now: datetime, **values: Any) -> int:
    """A job that waits to be done."""
    own = {"state": "queued", "attempts": 0, "created_at": now, **values}
    added = sa.insert(JOBS).values(**own).returning(JOBS.c.id)
    return int(connection.execute(added).scalar_one())


def find(connection: sa.Connection, job_id: int) -> Row | None:
    """A job by its id."""
    return connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).mappings().one_or_none()


def open_of(connection: sa.Connection, kind: str) -> int | None:
    """The job of a kind that waits or runs."""
    query = sa.select(JOBS.c.id).where(JOBS.c.kind == kind, JOBS.c.state.in_(OPEN))
    return connection.scalar(query)


def listed(
    connection: sa.Connection, state: str | None, before: int | None, limit: int
) -> list[Row]:
    """Jobs, the latest first."""
    query = sa.select(JOBS).order_by(JOBS.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(JOBS.c.state == state)
    if before is not None:
        query = query.where(JOBS.c.id < before)
    return list(connection.execute(query).mappings())


def claim(connection: sa.Connection, now: datetime) -> Row | None:
    """Take the job that waits longest, or one whose process was lost."""
    lost = (JOBS.c.state == "running") & (JOBS.c.leased_until < now)
    gone = sa.update(JOBS).where(lost, JOBS.c.attempts >= ATTEMPTS)
    told = f"its process was lost {ATTEMPTS} times"
    connection.execute(gone.values(state="failed", error=told, ended_at=now, leased_until=None))
    free = (JOBS.c.state == "queued") | lost
    first = sa.select(JOBS.c.id).where(free).order_by(JOBS.c.id).limit(1).scalar_subquery()
    taken = (
        sa.update(JOBS)
        .where(JOBS.c.id == first, free)
        .values(
            state="running",
            attempts=JOBS.c.attempts + 1,
            started_at=now,
            leased_until=now + LEASE,
            progress=None,
        )
        .returning(*JOBS.c)
    )
    return connection.execute(taken).mappings().one_or_none()


def renew(connection: sa.Connection, job_id: int, attempt: int, now: datetime) -> bool:
    """Keep a job; whether it is still one's own and wanted."""
    mine = (JOBS.c.id == job_id) & (JOBS.c.attempts == attempt) & (JOBS.c.state == "running")
    kept = sa.update(JOBS).where(mine, JOBS.c.cancelled_at.is_(None))
    return connection.execute(kept.values(leased_until=now + LEASE)).rowcount == 1


def tell(connection: sa.Connection, job_id: int, progress: str) -> None:
    """Say what is being done."""
    connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(progress=progress))


def end(
    connection: sa.Connection, job_id: int, attempt: int, state: str, now: datetime, **values: Any
) -> bool:
    """End a job that is one's own; whether it was."""
    mine = (JOBS.c.id == job_id) & (JOBS.c.attempts == attempt) & (JOBS.c.state == "running")
    ended = (
        sa.update(JOBS).where(mine).values(state=state, ended_at=now, leased_until=None, **values)
    )
    return connection.execute(ended).rowcount == 1


def cancel(connection: sa.Connection, job_id: int, now: datetime) -> None:
    """End a job that waits; ask the process of one that runs to stop."""
    mine = JOBS.c.id == job_id
    waiting = sa.update(JOBS).where(mine, JOBS.c.state == "queued")
    connection.execute(waiting.values(state="cancelled", ended_at=now, cancelled_at=now))
    running = sa.update(JOBS).where(mine, JOBS.c.state == "running")
    connection.execute(running.values(cancelled_at=now))


def put_back(connection: sa.Connection, job_id: int, attempt: int) -> None:
    """Let another process begin a job that one has to leave."""
    mine = (JOBS.c.id == job_id) & (JOBS.c.attempts == attempt) & (JOBS.c.state == "running")
    back = sa.update(JOBS).where(mine)
    connection.execute(back.values(state="queued", attempts=attempt - 1, leased_until=None))
