import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from training.registry import store
from training.registry.store import TrackingError


def write(uri: str, value: int) -> None:
    with closing(sqlite3.connect(store.database_path(uri))) as database:
        database.execute(f"CREATE TABLE answer AS SELECT {value} AS value")


def read(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT value FROM answer").fetchone()[0]


def test_the_default_is_a_database_in_mlruns_where_we_are(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    assert store.tracking_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert list(tmp_path.iterdir()) == []


def test_the_environment_overrides_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///demo/runs.db?timeout=30")
    monkeypatch.chdir(tmp_path)

    assert store.tracking_uri() == f"sqlite:///{tmp_path}/demo/runs.db?timeout=30"


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:5000", "postgresql://u:p@host/runs", "databricks"]
)
def test_other_addresses_are_taken_as_they_are(uri):
    assert store.absolute(uri) == uri
    assert store.database_path(uri) is None


@pytest.mark.parametrize(
    "uri", ["file:./mlruns", "file:///data/mlruns", "./mlruns", "mlruns", "C:\\mlruns", "sqlite://"]
)
def test_folders_and_memory_are_refused_with_an_address_to_use(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(TrackingError, match=r"use sqlite:///.*/mlruns/mlflow\.db") as caught:
        store.absolute(uri)
    assert uri in str(caught.value)


@pytest.mark.parametrize("name", ["plain", "with space", "100%", "50%20off", "a#b", "über"])
def test_any_folder_comes_back_from_its_address(name, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)

    uri = store.tracking_uri()

    assert store.database_path(uri) == tmp_path / name / "mlruns" / "mlflow.db"
    assert store.absolute(uri) == uri


def test_passwords_are_not_shown():
    assert store.shown("postgresql://me:secret@host/runs") == "postgresql://me:***@host/runs"
    assert store.shown("http://host:5000") == "http://host:5000"


def test_a_database_is_made_with_its_folder_and_nothing_else(tmp_path):
    database = tmp_path / "mlruns" / "mlflow.db"

    store.make_database(database, lambda uri: write(uri, 42))

    assert read(database) == 42
    assert list(database.parent.iterdir()) == [database]


def test_a_database_made_meanwhile_by_another_process_stays(tmp_path):
    database = tmp_path / "mlflow.db"

    def overtaken(uri: str) -> None:
        write(f"sqlite:///{database}", 42)
        write(uri, 43)

    store.make_database(database, overtaken)

    assert read(database) == 42
    assert list(tmp_path.iterdir()) == [database]


def test_an_interrupted_making_leaves_no_database(tmp_path):
    def interrupted(uri: str) -> None:
        write(uri, 42)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make_database(tmp_path / "mlflow.db", interrupted)

    assert list(tmp_path.iterdir()) == []
