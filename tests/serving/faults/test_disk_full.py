"""A disk that is full: nothing is half there, and all goes on when there is room again.

The system lets this process write no file beyond a size for a while.
"""

from __future__ import annotations

import resource
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from features.history.opening import open_tables
from features.intake.mapping import Mapping
from features.intake.store.tables import BATCHES, HISTORY
from serving.clock import utc_now
from serving.customers import service as customers
from serving.customers.schemas import CustomerQuery
from serving.errors import StoreUnavailableError
from serving.imports import service as imports
from serving.publications import service as publications
from serving.publications.files import read_scores
from serving.publications.service import Published, publish
from serving.store.tables.events import EVENTS

EVERY = ["new", "active", "at_risk", "lapsed"]
# What the file may grow by, so that it ends at once, or somewhere in the middle.
ROOMS = [0, 150_000]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    return f"sqlite:///{file}"


@pytest.fixture
def full(file):
    """Have no room but for some bytes, for a while."""

    @contextmanager
    def without(room):
        log = Path(f"{file}-wal")
        most = max(file.stat().st_size, log.stat().st_size) + room if room else 0
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return without


def count(database, table):
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


@pytest.mark.parametrize("room", ROOMS)
def test_events_are_refused_until_there_is_room(room, service, filled, full, order, refused):
    kept, answered = set(), {}
    with full(room):
        for number in range(200):
            names = [f"{number} {n}" for n in range(20)]
            sent = {"events": [order(name) for name in names]}
            if refused(service.post("/v1/events", json=sent)):
                break
            kept |= {f"order {name}" for name in names}
        answered = {path: service.get(path).status_code for path in ("/healthz", "/v1/customers")}
    assert answered == {"/healthz": 200, "/v1/customers": 200}
    assert (number > 0) == (room > 0)
    assert orders_of(filled) == kept and count(filled, EVENTS) == len(kept)
    assert service.post("/v1/events", json=sent).json()["accepted"] == 20
    assert orders_of(filled) == kept | {f"order {name}" for name in names}


def orders_of(database):
    own = HISTORY["orders"].c.order_id
    with database.reading() as connection:
        return set(connection.scalars(sa.select(own).where(own.startswith("order "))))


@pytest.mark.parametrize("room", ROOMS)
def test_a_publication_without_room_changes_nothing(room, database, full, served, monkeypatch):
    monkeypatch.setattr(publications, "CHUNK", 100)
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows.head(50), run.terms)
    with full(room), pytest.raises(StoreUnavailableError, match="does not answer"):
        publish(database, run.rows, run.terms)
    assert in_force(database) == 50
    publish(database, run.rows, run.terms)
    assert in_force(database) == run.rows.height


def in_force(database):
    return customers.a_page(Published(database), CustomerQuery(stage=EVERY)).total


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_without_room_is_unseen_and_goes_on(room, database, full, served, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 500)
    mapping = Mapping.read(served.folder / "history.toml")
    tables = open_tables(served.folder, mapping)
    with full(room), pytest.raises(StoreUnavailableError, match="does not answer"):
        imports.import_history(database, *tables)
    written = count(database, HISTORY["orders"])
    assert imported(database) == 0 and (written > 0) == (room > 0)
    monkeypatch.setattr(imports, "utc_now", lambda: utc_now() + timedelta(hours=1))
    assert imports.import_history(database, *tables).resumed == written
    assert imported(database) == served.shop.orders.height


def imported(database):
    """Orders that everybody sees."""
    whole = sa.select(BATCHES.c.id).where(BATCHES.c.done_at.is_not(None))
    own = HISTORY["orders"].c.batch_id.in_(whole)
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(own))
