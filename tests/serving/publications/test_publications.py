"""Publications: readers see one whole run of the batch, whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from serving.clock import utc_now
from serving.customers import service as customers
from serving.customers.schemas import CustomerQuery
from serving.http.problems import ProblemError
from serving.inforce.reloading import NotLoadedError
from serving.publications import repository, service
from serving.publications.files import read_scores
from serving.publications.service import Published, publish
from serving.settings import Settings
from serving.store.tables.published import PUBLICATIONS, SCORES

KILLED = """
import os, signal, sys
from pathlib import Path
from serving.publications import repository, service
from serving.publications.files import read_scores
from serving.store.database import Database
from training.registry.tracking import Tracker

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
service.CHUNK = 100
if sys.argv[4] == "half":
    renewed = repository.renew
    calls = []
    repository.renew = lambda *a: (calls.append(1), renewed(*a), len(calls) > 2 and kill())
else:
    repository.put_in_force = kill
found = read_scores(Path(sys.argv[1]), Tracker(sys.argv[2]))
service.publish(Database.at(sys.argv[3]), found.rows, found.terms)
"""


@pytest.fixture
def run(served):
    return read_scores(served.scores, served.tracker)


def risk_of(rows, risk):
    """The same rows, all of one risk: by it a run is known."""
    return rows.with_columns(churn_risk=pl.lit(risk))


def count(database, table):
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def test_nothing_is_in_force_before_something_was_published(database):
    with (
        pytest.raises(NotLoadedError, match="nothing was published"),
        Published(database).reading(),
    ):
        pass


def test_rows_come_back_to_the_last_bit(database, run):
    publish(database, run.rows, run.terms)
    (rows,) = customers.all_of(
        Published(database), CustomerQuery(stage=["new", "active", "at_risk", "lapsed"])
    )
    found = pl.DataFrame([row.model_dump() for row in rows], infer_schema_length=None)
    assert found.select(run.rows.columns).cast(run.rows.schema).equals(run.rows)


def test_readers_never_see_two_runs_as_one(database, run, monkeypatch):
    monkeypatch.setattr(service, "CHUNK", 150)
    publish(database, risk_of(run.rows, 0.0), run.terms)
    published, over, seen, mixed = Published(database), threading.Event(), set(), []

    def read():
        while not over.is_set():
            page = customers.a_page(published, CustomerQuery(limit=1000))
            risks = {row.churn_risk for row in page.customers}
            seen.update(risks)
            if len(risks) != 1 or len(page.customers) != page.total:
                mixed.append(risks)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for step in range(1, 6):
        publish(database, risk_of(run.rows, step / 10), run.terms)
    over.set()
    for reader in readers:
        reader.join()
    assert mixed == [] and len(seen) > 1


@pytest.mark.parametrize("when", ["half", "whole"])
def test_a_publication_that_was_killed_changes_nothing(
    database, store, run, served, when, monkeypatch
):
    publish(database, risk_of(run.rows, 0.5), run.terms)
    command = [sys.executable, "-c", KILLED, str(served.scores), served.tracker.uri, store, when]
    killed = subprocess.run(command, env={**os.environ}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    page = customers.a_page(Published(database), CustomerQuery(limit=1000))
    assert {row.churn_risk for row in page.customers} == {0.5}
    assert count(database, SCORES) > run.rows.height

    monkeypatch.setattr(service, "utc_now", lambda: utc_now() + timedelta(hours=1))
    publish(database, run.rows, run.terms)
    assert count(database, SCORES) == repository.KEPT * run.rows.height


def test_older_runs_are_removed(database, run):
    for _ in range(4):
        publish(database, run.rows, run.terms)
    assert count(database, PUBLICATIONS) == repository.KEPT
    assert count(database, SCORES) == repository.KEPT * run.rows.height


def test_a_list_goes_on_over_a_publication_and_ends_with_its_rows(database, run):
    published = Published(database)
    publish(database, risk_of(run.rows, 0.25), run.terms)
    cursor = customers.a_page(published, CustomerQuery()).next_cursor
    publish(database, risk_of(run.rows, 0.75), run.terms)
    page = customers.a_page(published, CustomerQuery(cursor=cursor))
    assert {row.churn_risk for row in page.customers} == {0.25}
    publish(database, run.rows, run.terms)
    with pytest.raises(ProblemError) as caught:
        customers.a_page(published, CustomerQuery(cursor=cursor))
    assert caught.value.status_code == 410


def test_whoever_asks_what_was_written_since_gets_all_of_a_later_publication(database, run):
    publish(database, run.rows, run.terms)
    with Published(database).reading() as (_, publication):
        since = publication.done_at
    every = ["new", "active", "at_risk", "lapsed"]
    asked = CustomerQuery(stage=every, limit=1000, updated_since=since.replace(tzinfo=UTC))
    page = customers.a_page(Published(database), asked)
    assert len(page.customers) == run.rows.height
    assert min(row.updated_at for row in page.customers) >= since


def test_a_publication_that_is_being_removed_is_read_no_more(database, run):
    for _ in range(2):
        publish(database, run.rows, run.terms)
    with database.reading() as connection:
        before = min(connection.scalars(sa.select(PUBLICATIONS.c.id)))
    with database.writing() as connection:
        repository.retire(connection, before, utc_now())
    with pytest.raises(LookupError), Published(database).reading(before):
        pass


def test_scores_that_mean_something_else_than_the_models_do_are_warned_of(
    database, served, store, client_of
):
    run = read_scores(served.scores, served.tracker)
    client = client_of(Settings(store=store, tracking_uri=served.tracker.uri))
    publish(database, run.rows, run.terms)
    assert client.get("/readyz").json()["warnings"] == []
    publish(database, run.rows, run.terms.model_copy(update={"margin_rate": 0.5}))
    (warning,) = client.get("/readyz").json()["warnings"]
    assert "nobody is scored again" in warning
