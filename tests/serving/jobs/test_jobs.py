"""Jobs: done once, in a process of their own, and begun again when that was lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from serving.clock import utc_now
from serving.http.problems import ProblemError
from serving.jobs import repository, service
from serving.jobs.running import JobRunner
from serving.jobs.schemas import ImportJob, ScoreJob, TrainJob
from serving.repeated import Repeatable
from serving.settings import Settings

AS_OF = "2026-01-01"
LOST = """
import os, signal, sys, threading
from serving.jobs import running
from serving.store.database import Database

began = running._stop
class Dying(threading.Event):
    def wait(self, timeout=None):
        os.kill(os.getpid(), signal.SIGKILL)
environment = {"HOLDFAST_STORE": sys.argv[1], "HOLDFAST_TRACKING_URI": sys.argv[2]}
running.JobRunner(Database.at(sys.argv[1]), environment).once(Dying())
"""


@pytest.fixture
def runner(filled, store, served):
    environment = {"HOLDFAST_STORE": store, "HOLDFAST_TRACKING_URI": served.tracker.uri}
    return JobRunner(filled, environment)


def ask(database, job, key=None):
    return service.ask(database, job, "a test", Repeatable(key))


def test_a_job_publishes_the_batchs_scores(filled, runner, client_of, store, served):
    job = ask(filled, ScoreJob(kind="score", as_of=AS_OF, reasons=20))
    assert runner.once(threading.Event())
    done = service.one(filled, job.id)
    assert (done.state, done.error) == ("succeeded", None)
    assert done.result["customers"] == len(served.batch)
    client = client_of(Settings(store=store, tracking_uri=served.tracker.uri, worker=False))
    who = served.batch.index[0]
    row = client.get(f"/v1/customers/{who}").json()["customer"]
    assert row["churn_risk"] == served.batch.loc[who, "churn_risk"]


def test_what_a_job_cannot_do_is_its_error(filled, runner):
    job = ask(filled, ImportJob(kind="import", history="/nowhere"))
    assert runner.once(threading.Event())
    done = service.one(filled, job.id)
    assert (done.state, done.result) == ("failed", None)
    assert "history /nowhere does not exist" in done.error


def test_one_of_a_kind_at_a_time(filled):
    first = ask(filled, ScoreJob(kind="score"))
    with pytest.raises(ProblemError) as caught:
        ask(filled, ScoreJob(kind="score", as_of=AS_OF))
    assert caught.value.status_code == 409 and f"Job {first.id}" in caught.value.detail
    assert ask(filled, TrainJob(kind="train")).id != first.id


def test_a_request_with_a_key_is_done_once(filled):
    first = ask(filled, ScoreJob(kind="score"), "k1")
    assert ask(filled, ScoreJob(kind="score"), "k1").id == first.id
    with pytest.raises(ProblemError, match="stands for another request"):
        ask(filled, TrainJob(kind="train"), "k1")


def test_a_job_that_waits_is_called_off_at_once(filled, runner):
    job = ask(filled, ScoreJob(kind="score"))
    assert service.cancel(filled, job.id, "a test").state == "cancelled"
    assert not runner.once(threading.Event())


def test_a_job_that_runs_is_called_off_soon(filled, runner):
    job = ask(filled, TrainJob(kind="train", as_of=AS_OF))
    doing = threading.Thread(target=runner.once, args=(threading.Event(),))
    doing.start()
    patience = time.monotonic() + 20
    while service.one(filled, job.id).state == "queued" and time.monotonic() < patience:
        time.sleep(0.05)
    service.cancel(filled, job.id, "a test")
    doing.join(15)
    assert not doing.is_alive()
    assert service.one(filled, job.id).state == "cancelled"


def test_a_job_whose_process_was_lost_is_begun_again(filled, runner, store, served, monkeypatch):
    job = ask(filled, ScoreJob(kind="score", as_of=AS_OF))
    command = [sys.executable, "-c", LOST, store, served.tracker.uri]
    lost = subprocess.run(command, env={**os.environ}, capture_output=True, check=False)
    assert lost.returncode == -signal.SIGKILL, lost.stderr.decode()
    assert service.one(filled, job.id).state == "running"
    assert not runner.once(threading.Event())  # Its lease is not over.

    monkeypatch.setattr("serving.jobs.running.utc_now", lambda: utc_now() + timedelta(minutes=5))
    assert runner.once(threading.Event())
    done = service.one(filled, job.id)
    assert (done.state, done.attempts) == ("succeeded", 2)


def test_a_job_is_not_begun_for_ever(filled, monkeypatch):
    job = ask(filled, ScoreJob(kind="score"))
    now = utc_now()
    for attempt in range(repository.ATTEMPTS):
        with filled.writing() as connection:
            assert repository.claim(connection, now + timedelta(hours=attempt))["id"] == job.id
    with filled.writing() as connection:
        assert repository.claim(connection, now + timedelta(days=1)) is None
    assert "was lost 3 times" in service.one(filled, job.id).error


def test_who_stops_leaves_the_job_to_others(filled, runner):
    job = ask(filled, TrainJob(kind="train", as_of=AS_OF))
    stopped = threading.Event()
    doing = threading.Thread(target=runner.once, args=(stopped,))
    doing.start()
    patience = time.monotonic() + 20
    while service.one(filled, job.id).state == "queued" and time.monotonic() < patience:
        time.sleep(0.05)
    stopped.set()
    doing.join(15)
    found = service.one(filled, job.id)
    assert (found.state, found.attempts) == ("queued", 0)


def test_two_processes_never_take_one_job(filled):
    ask(filled, ScoreJob(kind="score"))
    taken = []

    def take():
        with filled.writing(alone="jobs") as connection:
            taken.append(repository.claim(connection, utc_now()))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(job is not None for job in taken) == 1


def test_jobs_over_http(client_of, filled, store, served):
    client = client_of(Settings(store=store, tracking_uri=served.tracker.uri, worker=False))
    answer = client.post("/v1/jobs", json={"job": {"kind": "score"}})
    assert answer.status_code == 202
    place = answer.headers["location"]
    assert client.get(place).json() == answer.json()
    assert client.post("/v1/jobs", json={"job": {"kind": "score"}}).status_code == 409
    assert client.post(f"{place}/cancel").json()["state"] == "cancelled"
    assert [job["id"] for job in client.get("/v1/jobs").json()["jobs"]] == [answer.json()["id"]]
    assert client.get("/v1/jobs/999").status_code == 404
    assert client.post("/v1/jobs", json={"job": {"kind": "erase"}}).status_code == 422
