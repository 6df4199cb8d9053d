"""Publish a run of the batch without a gap, and read what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from serving.clock import utc_now
from serving.inforce.reloading import NotLoadedError, Source, Watched
from serving.inforce.schemas import Terms
from serving.publications import repository
from serving.publications.files import read_scores, version
from serving.publications.repository import Publication
from serving.store.database import Connection, Database
from serving.store.erased import erased_at
from serving.store.history import ALONE
from serving.store.outbox import crossed_since, tell, tell_crossings
from serving.store.waiting import leave_waiting_since
from training.registry.tracking import Tracker
from training.scoring.columns import LAPSED

# Rows that are written in one transaction: other writers wait no longer than for these.
CHUNK = 5_000


def publish(database: Database, rows: pl.DataFrame, terms: Terms) -> int:
    """Put a run of the batch in force, once all of it is in the store.

    Parameters
    ----------
    database : Database
        At the newest revision.
    rows : polars.DataFrame
        As `read_scores` gives them.
    terms : Terms
        What the figures mean.

    Returns
    -------
    int
        Id of the publication.

    Raises
    ------
    StoreUnavailableError
    """
    rows = rows.with_columns(lapsed=pl.col("stage") == LAPSED).sort("customer_id")
    facts: dict[str, Any] = rows.row(0, named=True)
    now = utc_now()
    rows = rows.with_columns(updated_at=pl.lit(now, pl.Datetime("us")))
    with database.writing() as connection:
        key = repository.begin(connection, facts, rows.height, terms, now)
    for part in rows.iter_slices(CHUNK):
        with database.writing() as connection:
            repository.add(connection, key, part.to_dicts())
            repository.renew(connection, key, utc_now())
    with database.writing(alone=ALONE) as connection:
        gone = erased_at(connection, rows["customer_id"].to_list())
        late = [name for name, at in gone.items() if at >= facts["as_of"]]
        repository.remove_customers(connection, key, late)
        before = repository.current(connection)
        repository.put_in_force(connection, key, utc_now())
        _tell(connection, before, utc_now())
        leave_waiting_since(connection, facts["as_of"], utc_now())
    _tidy(database)
    return key


def _tell(connection: Connection, before: Publication | None, at: datetime) -> None:
    """Tell others of the publication in force, and whose risk is another one by it."""
    now = repository.current(connection)
    if now is None:
        return
    told = {
        "publication": now.id,
        "as_of": now.as_of.isoformat(),
        "customers": now.customers,
        "versions": now.versions,
    }
    tell(connection, "scores.published", told, at)
    if before is not None and before.terms.mean_the_same_as(now.terms):
        tell_crossings(connection, partial(crossed_since, connection, before.id, now.id), at)


def _tidy(database: Database) -> None:
    with database.reading() as connection:
        over = repository.done_with(connection, utc_now())
    for key in over:
        # At once, so that nobody reads a part of it.
        with database.writing() as connection:
            repository.retire(connection, key, utc_now())
        there_is_more = True
        while there_is_more:
            with database.writing() as connection:
                there_is_more = repository.remove_some(connection, key)


class Published:
    """The scores in force, in a store.

    Parameters
    ----------
    database : Database
    file : Watched, optional
        Publishes a file of scores whenever it is another one.
    """

    def __init__(self, database: Database, file: Watched[int] | None = None) -> None:
        self.database = database
        # (publication, list) -> how many customers it holds.
        self.totals: dict[tuple[int, str], int] = {}
        self._file = file

    def look(self) -> None:
        """Publish the file, if it has changed."""
        if self._file is not None:
            self._file.look()

    @property
    def error(self) -> str | None:
        """Why what is in force is not what the file holds; None if it is."""
        return None if self._file is None else self._file.error

    @contextmanager
    def reading(self, key: int | None = None) -> Iterator[tuple[Connection, Publication]]:
        """A connection, and the publication in force, or another one that is still there.

        Raises
        ------
        NotLoadedError
            If nothing was published yet.
        LookupError
            If the publication asked for is no longer there.
        StoreUnavailableError
        """
        with self.database.reading() as connection:
            if key is None:
                found = repository.current(connection)
            else:
                found = repository.publication(connection, key)
            if found is not None:
                yield connection, found
                return
        if key is not None:
            raise LookupError(f"publication {key}")
        if self._file is not None:
            self._file.current()
        raise NotLoadedError(
            "nothing was published. Run holdfast score with --publish, or start a job."
        )


def from_file(database: Database, path: Path, tracker: Tracker) -> Watched[int]:
    """Publishes a file of scores whenever it is another one."""

    def load() -> int:
        found = read_scores(path, tracker)
        return publish(database, found.rows, found.terms)

    return Watched(Source("the scores", lambda: version(path), load))
