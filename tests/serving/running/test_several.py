"""Several processes over one store: each answers, they count together, and none is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from serving.errors import ServingError
from serving.jobs.schemas import ImportJob, ScoreJob
from serving.jobs.service import ask, cancel, one
from serving.processes import Turn, together
from serving.settings import settings_of
from serving.store.database import Database
from tests.serving.running.begun import lives, until

NOW = "2026-01-01T00:05:00"
ANSWERED = 'holdfast_requests_total{method="GET",route="/healthz",status="200"}'


@pytest.fixture(scope="module")
def pair(begin, full_store):
    """Two server processes, all settings given as arguments or in the environment."""
    variables = {"HOLDFAST_CLOCK_START": NOW, "HOLDFAST_RELOAD_SECONDS": "1"}
    with begin("--store", full_store, "--workers", 2, servers=2, **variables) as pair:
        yield pair


@contextmanager
def only(pid, pair):
    """Have one server process answer; the others stand still."""
    others = [other for other in pair.servers if other != pid]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def answered(pair):
    (found,) = re.findall(rf"^{re.escape(ANSWERED)} (.+)$", pair.read("/metrics"), re.M)
    return float(found)


def test_each_of_them_answers_from_the_store(pair, served):
    assert len(pair.servers) == 2
    for pid in pair.servers:
        with only(pid, pair):
            ready = json.loads(pair.read("/readyz"))
            assert ready["scores"]["customers"] == len(served.batch)
            assert ready["clock_start"] == NOW


def test_their_figures_add_up_whoever_is_asked(pair):
    pair.read("/healthz")
    before = answered(pair)
    for pid in pair.servers:
        with only(pid, pair):
            for _ in range(3):
                pair.read("/healthz")
            assert "holdfast_customers_scored " in pair.read("/metrics")
    told = []
    for pid in pair.servers:
        with only(pid, pair):
            told.append(answered(pair))
    assert told == [before + 6] * 2


def test_all_that_they_log_is_json(pair):
    for pid in pair.servers:
        with only(pid, pair):
            pair.read("/healthz")
    assert {"request", "Application startup complete."} <= {line["event"] for line in pair.lines}
    assert not any("color_message" in line for line in pair.lines)


def test_only_one_of_them_does_jobs(pair, full_store):
    database = Database.at(full_store)
    asked = (ImportJob(kind="import", history="/nowhere"), ScoreJob(kind="score"))
    first, second = (ask(database, job, "a test").id for job in asked)
    seen = []

    def has_begun_the_second():
        seen.append([one(database, job).state for job in (first, second)])
        return seen[-1][1] == "running"

    until(has_begun_the_second)
    cancel(database, second, "a test")
    database.close()
    assert seen[-1][0] == "failed"


def test_another_takes_the_place_of_one_that_is_killed(pair):
    lost, stays = pair.servers
    counted = answered(pair)
    os.kill(lost, signal.SIGKILL)
    assert json.loads(pair.read("/healthz")) == {"status": "alive"}
    until(lambda: len(pair.told("Application startup complete")) == 3)
    (new,) = set(pair.servers) - {stays}
    with only(new, pair):
        pair.read("/healthz")
        assert answered(pair) == counted + 2  # What was counted stays counted.


def test_told_to_stop_all_of_them_end(pair):
    servers = pair.servers  # The last test of this pair.
    pair.process.send_signal(signal.SIGTERM)
    assert pair.process.wait(timeout=30) == 0
    assert len(servers) == 2 and not any(map(lives, servers))


def test_without_their_parent_they_end(begin, full_store):
    with begin("--store", full_store, "--workers", 2, servers=0) as pair:
        until(lambda: len(pair.children) == 3)  # With one of multiprocessing's own.
        children = pair.children
        time.sleep(3)  # Until they look after their parent.
        pair.process.kill()
        until(lambda: not any(map(lives, children)))


def test_where_none_can_begin_the_service_ends_with_an_error(tmp_path):
    code = (
        "import uvicorn, serving.server as server; from serving.settings import Settings\n"
        "server._config = lambda *_: uvicorn.Config('nothing_there:app', workers=2, port=0)\n"
        "if __name__ == '__main__': server.serve(Settings())"
    )
    (tmp_path / "serve.py").write_text(code)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    command = [sys.executable, tmp_path / "serve.py"]
    environment = {**os.environ, "HOLDFAST_STORE": url, "HOLDFAST_WORKERS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "ServingError: a process of the service must be able to begin" in done.stderr


def test_the_turn_of_a_process_that_is_killed_is_anothers():
    code = (
        "import time; from serving.processes import Turn; turn = Turn()\n"
        "print(turn.take(), flush=True); time.sleep(60)"
    )
    with together():
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "True\n"
            turn = Turn()
            assert not turn.take()
            other.kill()
            other.wait()
            assert turn.take()
            turn.end()


@pytest.mark.parametrize("workers", [0, 65])
def test_there_are_1_to_64_of_them(workers):
    with pytest.raises(ServingError, match=r"workers must be at (least 1|most 64); got"):
        settings_of({"store": "sqlite:///x.db", "workers": workers})


def test_a_file_of_scores_is_served_by_one(holdfast_of, served):
    told = holdfast_of("serve", "--scores", served.scores, "--workers", 2)
    assert (
        told.exit_code == 2
        and "workers must be 1 where a file of scores is served; got 2" in told.stderr
    )
