"""Services as processes of the command line, and a store for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from holdfast.cli import app
from serving.store.database import Database
from serving.store.migrating import ready
from tests.serving.conftest import fill
from tests.serving.running.begun import Begun, until


@pytest.fixture(scope="session")
def full_store(served, tmp_path_factory) -> str:
    """The URL of a store with the shop's history, and the batch's scores in force."""
    url = f"sqlite:///{tmp_path_factory.mktemp('full') / 'store.db'}"
    database = ready(Database.at(url))
    fill(database, served)
    database.close()
    return url


def end_all(place: str) -> None:
    """End the processes whose folder for temporary files it is: children that were left behind."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if place.encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


@pytest.fixture(scope="session")
def begin(served, tmp_path_factory) -> Callable[..., Any]:
    """Run `holdfast serve` with arguments and variables until it is left."""

    @contextmanager
    def begun(*arguments: object, servers: int = 1, **variables: str) -> Iterator[Begun]:
        log = tmp_path_factory.mktemp("begun") / "log"
        command = [sys.executable, "-m", "holdfast", "serve", "--port", "0"]
        own = {"MLFLOW_TRACKING_URI": served.tracker.uri, "TMPDIR": str(log.parent)}
        environment = {**os.environ, **own, **variables}
        with (
            log.open("w") as file,
            subprocess.Popen(
                [*command, *map(str, arguments)], env=environment, stdout=file, stderr=file
            ) as process,
        ):
            found = Begun(process, log)

            def is_there() -> bool:
                assert process.poll() is None, log.read_text()
                return len(found.told("Application startup complete")) >= servers

            try:
                until(is_there)
                yield found
            finally:
                process.kill()
                process.wait()
                end_all(str(log.parent))

    return begun


@pytest.fixture
def holdfast_of() -> Callable[..., Result]:
    """Run the command line in this process."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])
