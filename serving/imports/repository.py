"""Imports in the store: one at a time, and one that was broken off goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa

from features.intake.store.reading import stored_rows
from features.intake.store.tables import BATCHES, HISTORY
from serving.errors import ServingError
from serving.store.erased import erased_at
from serving.store.history import begin_batch, drop_batch

KIND = "import"
# When a row of a table happened.
HAPPENED = ("ordered_at", "refunded_at", "created_at", "offered_at")
# How long an import that does not go on is waited for.
LEASE = timedelta(seconds=10)


def not_yet_stored(
    connection: sa.Connection, found: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """The rows that the store does not hold as they are, in an order of their own."""
    fresh = {}
    for table, rows in found.items():
        known = stored_rows(connection, table).drop("batch_id").select(rows.columns)
        new = rows.join(known, on=rows.columns, how="anti", nulls_equal=True)
        fresh[table] = new.sort(pl.all())
    return fresh


def without_erased(
    connection: sa.Connection, found: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """The rows without those of persons who were erased after they happened."""
    kept = dict(found)
    for table, rows in found.items():
        names = rows["customer_id"].drop_nulls().unique().to_list()
        gone = erased_at(connection, names)
        if gone:
            at = pl.Series("erased_at", list(gone.values()), dtype=pl.Datetime("us"))
            persons = pl.DataFrame([pl.Series("customer_id", list(gone)), at])
            known = rows.join(persons, on="customer_id", how="left", maintain_order="left")
            then = pl.coalesce(*(name for name in HAPPENED if name in rows.columns), "recorded_at")
            over = pl.col("erased_at").is_not_null() & (then <= pl.col("erased_at")).fill_null(True)
            kept[table] = known.filter(~over).drop("erased_at")
    return kept


def drop_erased(connection: sa.Connection, batch_id: int) -> None:
    """Remove from a batch what happened to persons before they were erased, since it began."""
    for source in HISTORY.values():
        mine = source.c.batch_id == batch_id
        names = connection.scalars(sa.select(source.c.customer_id).where(mine).distinct()).all()
        times = [source.c[name] for name in HAPPENED if name in source.c]
        then = sa.func.coalesce(*times, source.c.recorded_at)
        for name, at in erased_at(connection, [n for n in names if n is not None]).items():
            before = then.is_(None) | (then <= at)
            connection.execute(sa.delete(source).where(mine, source.c.customer_id == name, before))


def claim(connection: sa.Connection, digest: str, counts: Mapping[str, int], now: datetime) -> int:
    """The batch of an import: that of the same rows which was broken off, else one of its own.

    Raises
    ------
    ServingError
        If another import is at work.
    """
    query = sa.select(BATCHES).where(BATCHES.c.kind == KIND, BATCHES.c.done_at.is_(None))
    for batch in connection.execute(query).all():
        if batch.leased_until > now:
            raise ServingError(
                f"another import is at work since {batch.begun_at.isoformat()} UTC. Wait for it; "
                f"one that was broken off can go on after {LEASE.seconds} seconds."
            )
        if batch.digest == digest:
            renew(connection, batch.id, now)
            return int(batch.id)
        drop_batch(connection, batch.id)
    until = now + LEASE
    return begin_batch(connection, KIND, now, digest=digest, rows=dict(counts), leased_until=until)


def renew(connection: sa.Connection, batch_id: int, now: datetime) -> None:
    """Keep an import for oneself a while longer.

    Raises
    ------
    ServingError
        If it is no longer there: another one took its place.
    """
    mine = sa.update(BATCHES).where(BATCHES.c.id == batch_id, BATCHES.c.done_at.is_(None))
    if connection.execute(mine.values(leased_until=now + LEASE)).rowcount != 1:
        raise ServingError("another import took the place of this one. Run it again.")
