import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest


@pytest.fixture
def service(holdfast, shop, trained, tmp_path):
    """A running `holdfast serve` on a free port, and its address."""
    scores = tmp_path / "scores.parquet"
    holdfast("score", shop, "--as-of", "2026-03-01", "--out", scores, uri=trained.uri)
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast", "serve", "--scores", str(scores), "--port", "0"],
        env={**os.environ, "MLFLOW_TRACKING_URI": trained.uri},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = (re.search(r"running on (http://127\.0\.0\.1:\d+)", line) for line in process.stderr)
    yield process, next(found.group(1) for found in said if found)
    process.kill()
    process.wait()
    process.stderr.close()


def test_serve_answers_with_the_scores_until_it_is_interrupted(service):
    process, address = service
    with urllib.request.urlopen(f"{address}/v1/customers?limit=1") as answer:
        assert len(json.load(answer)["customers"]) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def refused(holdfast, *words):
    told = holdfast("serve", *words)
    assert told.exit_code == 2
    return told.stderr


def test_settings_may_lie_in_a_file_and_in_the_environment(holdfast, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("serving.server.serve", seen.append)
    path = tmp_path / "service.toml"
    path.write_text('store = "sqlite:///x.db"\nport = 9000\nhost = "localhost"')
    monkeypatch.setenv("HOLDFAST_PORT", "9001")
    monkeypatch.setenv("HOLDFAST_SCORES", "scores.csv")
    monkeypatch.setenv("HOLDFAST_STORE", "sqlite:///y.db")
    assert holdfast("serve", "--settings", path, "--store", "sqlite:///z.db").exit_code == 0
    (found,) = seen
    assert (found.store, found.scores) == ("sqlite:///z.db", None)
    assert (found.host, found.port) == ("localhost", 9001)


def test_settings_that_are_wrong_are_told_by_the_file(holdfast, tmp_path):
    path = tmp_path / "service.toml"
    path.write_text("prot = 9000")
    told = refused(holdfast, "--settings", path)
    assert "service.toml" in told and "prot is not known here" in told


def test_a_source_of_scores_is_asked_for(holdfast):
    assert "either scores or store must be given" in refused(holdfast)


def test_a_worker_asks_for_a_store(holdfast):
    told = holdfast("worker")
    assert told.exit_code == 2 and "store must be given" in told.stderr
