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
