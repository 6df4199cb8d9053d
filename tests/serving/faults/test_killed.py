"""Processes that are killed in the middle of what they do: nothing is half there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from features.intake.store.tables import BATCHES, HISTORY
from serving.clock import utc_now
from serving.jobs import repository, running
from serving.store.tables.access import AUDIT
from serving.store.tables.campaigns import ASSIGNMENTS, CAMPAIGNS
from serving.store.tables.events import EVENTS, WAITING
from serving.store.tables.jobs import JOBS

KILL = """
import os, signal
def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
"""
# Code that a process runs first: where it is killed, before its commit or after it.
EVENTS_TAKEN = {
    "before": f"{KILL}\nfrom serving.events import service\nservice.leave_waiting = kill",
    "after": f"{KILL}\nfrom serving.events import service\nservice.EventsAnswer = kill",
}
CAMPAIGN_DRAFTED = {
    "before": f"{KILL}\nfrom serving.campaigns import service\nservice.record = kill",
    "after": f"{KILL}\nfrom serving.campaigns import endpoints\n"
    "drafted = endpoints.service.draft\n"
    "endpoints.service.draft = lambda *given: (drafted(*given), kill())",
}
# As the service does a job, in a process of its own.
PLANNED = {
    "before": f"{KILL}\nfrom serving.campaigns import repository\nrepository.assign = kill",
    "after": f"{KILL}\nfrom serving import work\nwork.repository.end = kill",
}
DO = "\nimport sys\nfrom serving.work import main\nmain(sys.argv[1], *map(int, sys.argv[2:]))"
OFFERS = {"points": {"kind": "points", "fixed_cost": 2}}
ASKED = {"campaign_id": "winter", "offers": OFFERS, "budget": 300, "as_of": "2026-01-01"}


@pytest.fixture(params=["before", "after"])
def moment(request):
    """When a process is killed, by the commit."""
    return request.param


@pytest.fixture
def killed(store, server, caller):
    """Send a request to a process that is killed by it; then to one that goes on."""

    def send(first, path, body):
        own = {"HOLDFAST_STORE": store, "HOLDFAST_WORKER": "false"}
        dying = server(first, **own)
        with pytest.raises(httpx.RemoteProtocolError):
            caller(dying.address).post(path, json=body)
        assert dying.process.wait(10) == -signal.SIGKILL
        return dying

    return send


def count(database, table, *only):
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*only))


def state_of(database):
    """What of a batch of events there may be in the store."""
    of_events = BATCHES.c.kind == "events"
    mine = HISTORY["orders"].c.order_id.startswith("order ")
    return [count(database, EVENTS), count(database, WAITING), count(database, BATCHES, of_events),
            count(database, HISTORY["orders"], mine)]  # fmt: skip


def test_events_are_all_there_or_none_and_are_sent_again(
    filled, store, killed, client, moment, order
):
    sent = {"events": [order(str(n), f"person {n % 7}") for n in range(100)]}
    killed(EVENTS_TAKEN[moment], "/v1/events", sent)
    whole = [100, 7, 1, 100]
    assert state_of(filled) == ([0, 0, 0, 0] if moment == "before" else whole)
    answer = client.post("/v1/events", json=sent).json()
    counts = (answer["accepted"], answer["duplicate"], answer["rejected"])
    assert counts == ((100, 0, []) if moment == "before" else (0, 100, []))
    assert state_of(filled) == whole


@pytest.fixture
def client(filled, store, served, client_of):
    """The service as it is started again."""
    from serving.settings import Settings

    return client_of(Settings(store=store, tracking_uri=served.tracker.uri, worker=False))


def test_a_campaign_is_drafted_once_with_its_job(filled, killed, client, moment):
    killed(CAMPAIGN_DRAFTED[moment], "/v1/campaigns", ASKED)
    there = 0 if moment == "before" else 1
    assert [count(filled, table) for table in (CAMPAIGNS, JOBS, AUDIT)] == [there] * 3
    answer = client.post("/v1/campaigns", json=ASKED)
    assert answer.status_code == 202
    assert [count(filled, table) for table in (CAMPAIGNS, JOBS, AUDIT)] == [1] * 3
    assert client.get(f"/v1/jobs/{answer.json()['job_id']}").json()["kind"] == "plan"


def test_a_plan_is_all_there_or_none_and_is_made_again(
    filled, store, served, client, moment, monkeypatch
):
    job = client.post("/v1/campaigns", json=ASKED).json()["job_id"]
    with filled.writing() as connection:
        assert repository.claim(connection, utc_now())["id"] == job
    environment = {"HOLDFAST_STORE": store, "HOLDFAST_TRACKING_URI": served.tracker.uri}
    command = [sys.executable, "-c", PLANNED[moment] + DO, store, str(job), "1", str(os.getpid())]
    lost = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, check=False
    )
    assert lost.returncode == -signal.SIGKILL, lost.stderr.decode()
    campaign = client.get("/v1/campaigns/winter").json()
    rows = count(filled, ASSIGNMENTS)
    assert (campaign["state"], rows > 0) == (
        ("draft", False) if moment == "before" else ("planned", True)
    )

    monkeypatch.setattr(running, "utc_now", lambda: utc_now() + timedelta(minutes=5))
    assert running.JobRunner(filled, environment).once(threading.Event())
    done = client.get(f"/v1/jobs/{job}").json()
    assert (done["state"], done["attempts"]) == ("succeeded", 2), done
    again = client.get("/v1/campaigns/winter").json()
    assert again["state"] == "planned"
    assert sum(again["counts"][group] for group in ("treatment", "holdout", "none")) == count(
        filled, ASSIGNMENTS
    )
    if moment == "after":
        assert (again, count(filled, ASSIGNMENTS)) == (campaign, rows)
