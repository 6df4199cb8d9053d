"""A small simulated shop with trained models and the batch's scores, and the service over them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from features.history.history import History
from features.history.opening import open_tables
from features.intake.mapping import Mapping
from serving.app import create_app
from serving.imports.service import import_history
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.settings import Settings
from serving.store.database import Database
from serving.store.migrating import ready
from simulation import SimulatedShop, simulate
from training.champions import load_scorer
from training.config import TrainingConfig
from training.pipeline import train
from training.registry.tracking import Tracker
from training.scoring.scorer import Scorer

AS_OF = "2026-01-01"
# Of a service whose clock was set: just after the batch.
NOW = datetime(2026, 1, 1, 0, 5)
RUN = "from serving.server import serve; from serving.settings import Settings; serve(Settings())"
SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
Document = dict[str, Any]


@dataclass(frozen=True)
class ServedShop:
    """A shop, its champions, and the batch's scores as a file."""

    shop: SimulatedShop
    folder: Path
    tracker: Tracker
    scores: Path

    @property
    def history(self) -> History:
        return History.open(self.folder)

    @property
    def scorer(self) -> Scorer:
        return load_scorer(self.tracker)

    @property
    def settings(self) -> Settings:
        return Settings(scores=self.scores, tracking_uri=self.tracker.uri, reload_seconds=0.5)

    @property
    def batch(self) -> pd.DataFrame:
        return pd.read_parquet(self.scores).set_index("customer_id")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedShop:
    place = tmp_path_factory.mktemp("served")
    shop = simulate(customers=600, days=900, seed=3)
    shop.write(place / "shop")
    tracker = Tracker(f"sqlite:///{place / 'mlflow.db'}")
    history = History.open(place / "shop")
    train(history, AS_OF, TrainingConfig(horizon_days=90, snapshots=3, origins=2), tracker)
    scores = place / "scores.parquet"
    load_scorer(tracker).score(history, AS_OF, reasons_for=20).to_parquet(scores)
    return ServedShop(shop, place / "shop", tracker, scores)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Gives a URL of an empty place on a PostgreSQL server each time."""
    server = sa.create_engine(SERVER, connect_args={"connect_timeout": 3})
    places: list[str] = []
    try:
        with server.connect():
            pass
    except sa.exc.OperationalError:
        pytest.skip("no PostgreSQL at 127.0.0.1:5432, database test")

    def place() -> str:
        places.append(f"holdfast_{uuid.uuid4().hex}")
        with server.begin() as connection:
            connection.execute(sa.schema.CreateSchema(places[-1]))
        return f"{SERVER}?options=-csearch_path%3D{places[-1]}"

    yield place
    for name in places:  # One by one: the server has room for the locks of some only.
        with server.begin() as connection:
            connection.execute(sa.schema.DropSchema(name, cascade=True))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that is not there yet, on either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("postgres")()
    return url


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    """An empty store."""
    found = ready(Database.at(store))
    yield found
    found.close()


def fill(database: Database, served: ServedShop) -> None:
    """Import the shop's history, and put the batch's scores in force."""
    mapping = Mapping.read(served.folder / "history.toml")
    import_history(database, *open_tables(served.folder, mapping))
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows, run.terms)


@pytest.fixture
def filled(database: Database, served: ServedShop) -> Database:
    """A store with the shop's history, and the batch's scores in force."""
    fill(database, served)
    return database


@pytest.fixture(scope="session")
def made_full(served: ServedShop) -> Callable[[str], Database]:
    """Make a store at a URL, with the shop's history and scores."""

    def made(url: str) -> Database:
        database = ready(Database.at(url))
        fill(database, served)
        return database

    return made


@pytest.fixture
def service(
    client_of: Callable[[Settings], TestClient], filled: Database, store: str, served: ServedShop
) -> TestClient:
    """A running service whose clock began just after the batch."""
    settings = Settings(store=store, tracking_uri=served.tracker.uri, clock_start=NOW)
    return client_of(settings)


@pytest.fixture
def client_of() -> Iterator[Callable[[Settings], TestClient]]:
    """Start a service with given settings; it is stopped after the test."""
    started: list[TestClient] = []

    def start(settings: Settings) -> TestClient:
        client = TestClient(create_app(settings), "http://127.0.0.1", raise_server_exceptions=False)
        started.append(client)
        client.__enter__()
        return client

    yield start
    for client in started:
        client.__exit__()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object], object], None]:
    """Wait until something is what it should become; the service looks again by itself."""

    def wait(found: Callable[[], object], expected: object) -> None:
        patience = time.monotonic() + 30
        while (now := found()) != expected and time.monotonic() < patience:
            time.sleep(0.02)
        assert now == expected

    return wait


@pytest.fixture(scope="session")
def client(served: ServedShop) -> Iterator[TestClient]:
    with TestClient(create_app(served.settings), "http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="session")
def address(served: ServedShop) -> Iterator[str]:
    """Where a process of its own answers, set up by the environment alone."""
    with running(served, HOLDFAST_SCORES=str(served.scores)) as address:
        yield address


@pytest.fixture(scope="session")
def store_address(
    served: ServedShop, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a process answers from a store: in SQLite, or as HOLDFAST_FUZZ_STORE says."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    if os.environ.get("HOLDFAST_FUZZ_STORE") == "postgresql":
        url = request.getfixturevalue("postgres")()
    database = ready(Database.at(url))
    fill(database, served)
    database.close()
    clock = NOW.isoformat()
    # Made-up jobs are asked for, and not done.
    settings = {"HOLDFAST_STORE": url, "HOLDFAST_CLOCK_START": clock, "HOLDFAST_WORKER": "false"}
    with running(served, **settings) as address:
        yield address


@dataclass(frozen=True)
class Server:
    """A process that serves, where it answers, and what it said."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running(served: ServedShop, **settings: str) -> Iterator[str]:
    """The address of a process with settings."""
    with begun(served, RUN, **settings) as server:
        yield server.address


@contextmanager
def begun(served: ServedShop, code: str, **settings: str) -> Iterator[Server]:
    """A process with settings that runs some code which serves."""
    environment = {
        **os.environ,
        **settings,
        "HOLDFAST_TRACKING_URI": served.tracker.uri,
        "HOLDFAST_PORT": "0",
    }
    command = [sys.executable, "-c", code]
    log_file = served.folder / f"serve-{uuid.uuid4().hex}.log"
    with (
        log_file.open("w+") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield Server(_listening(process, log_file), process, log_file)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(served: ServedShop) -> Iterator[Callable[..., Server]]:
    """Starts processes that serve, the clock just after the batch; they end with the
    last test of the file.

    `first` is code that is run before: what is exchanged in it stands for a fault.
    """
    with ExitStack() as stack:

        def start(first: str = "", **settings: str) -> Server:
            own = {
                "HOLDFAST_CLOCK_START": NOW.isoformat(),
                "HOLDFAST_REQUESTS_PER_MINUTE": "9999999",
            }
            code = f"{first}\n{RUN}"
            return stack.enter_context(begun(served, code, **{**own, **settings}))

        yield start


@pytest.fixture(scope="session")
def request_of(served: ServedShop) -> Callable[[str], Document]:
    """The whole shop as a request, JSON-ready."""
    tables = {
        "orders": _by_customer(served.shop.orders),
        "feedback": _by_customer(served.shop.feedback),
        "offers": _by_customer(served.shop.offers),
    }
    channels = dict(served.shop.customers.select("customer_id", "channel").iter_rows())
    customers = [
        {
            "customer_id": customer_id,
            **{table: rows.get(customer_id, []) for table, rows in tables.items()},
            "attributes": {"channel": channel},
        }
        for customer_id, channel in channels.items()
    ]
    return lambda as_of: {"as_of": as_of, "customers": customers}


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that uvicorn says it took."""
    patience = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < patience:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
        time.sleep(0.1)
    pytest.fail(f"the service did not start: {log.read_text()}")


def _by_customer(table: pl.DataFrame) -> dict[str, list[Document]]:
    times = pl.selectors.datetime().dt.to_string("iso:strict")
    rows: dict[str, list[Document]] = {}
    for row in table.with_columns(times).iter_rows(named=True):
        rows.setdefault(row.pop("customer_id"), []).append(row)
    return rows
