"""Imports: what comes in is what was read, once, and only when all of it is there."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pandas as pd
import polars as pl
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.history.opening import open_tables
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.table import feature_table
from serving.clock import utc_now
from serving.errors import ServingError
from serving.imports import service
from serving.imports.service import import_history
from training.champions import load_scorer
from training.config import TrainingConfig
from training.pipeline import train
from training.registry.tracking import Tracker

TIMES = ("2025-03-01", "2025-08-15T12:30", "2026-01-01")
KILLED = """
import os, signal, sys
from features.intake.mapping import Mapping
from features.history.opening import open_tables
from serving.imports import service
from serving.store.database import Database

service.CHUNK = 500
def tell(what):
    if what.startswith("writing feedback"):
        os.kill(os.getpid(), signal.SIGKILL)
mapping = Mapping.read(sys.argv[1] + "/history.toml")
service.import_history(Database.at(sys.argv[2]), *open_tables(sys.argv[1], mapping), tell)
"""
ORDERS = pl.DataFrame(
    {"order_id": ["1", "2"], "customer_id": ["a", "b"], "amount": [10.0, 20.0]}
).with_columns(pl.Series("ordered_at", ["2024-01-01", "2024-02-01"]))


def bring(database, frame, mapping=Mapping()):  # noqa: B008  # frozen
    return import_history(database, take_in({"orders": frame}, mapping), mapping)


def bring_shop(database, served):
    return import_history(database, *open_tables(served.folder, mapping_of(served)))


def mapping_of(served):
    return Mapping.read(served.folder / "history.toml")


@pytest.fixture
def an_hour_later(monkeypatch):
    monkeypatch.setattr(service, "utc_now", lambda: utc_now() + timedelta(hours=1))


def test_features_and_scores_from_the_store_are_those_of_the_files(database, store, served):
    bring_shop(database, served)
    found, scorer = History.open(store), served.scorer
    for as_of in TIMES:
        query = feature_table(served.history, as_of, 90)
        pd.testing.assert_frame_equal(feature_table(found, as_of, 90), query, check_exact=True)
        left, right = (
            scorer.score(history, as_of, reasons_for=20) for history in (found, served.history)
        )
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_a_model_trained_on_the_store_is_that_of_the_files(database, store, served, tmp_path):
    bring_shop(database, served)
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    config = TrainingConfig(horizon_days=90, snapshots=3, origins=2)
    train(History.open(store), TIMES[-1], config, tracker)
    assert tracker.champions().keys() == served.tracker.champions().keys()
    scores = load_scorer(tracker).score(served.history, TIMES[-1], reasons_for=20)
    pd.testing.assert_frame_equal(scores, pd.read_parquet(served.scores), rtol=1e-9, atol=1e-9)


def test_what_is_there_is_not_added_again(database, served):
    first, again = bring_shop(database, served), bring_shop(database, served)
    assert again.known == first.added
    assert set(again.added.values()) == {0}


def test_a_later_export_adds_what_is_new(database, store):
    bring(database, ORDERS)
    more = pl.concat([ORDERS, ORDERS.head(1).with_columns(order_id=pl.lit("3"))])
    assert bring(database, more).added == {"orders": 1}
    assert feature_table(History.open(store), "2024-03-01", 30)["orders"].to_dict() == {
        "a": 2,
        "b": 1,
    }


def test_an_import_that_was_killed_goes_on(database, store, served, an_hour_later):
    bring(database, ORDERS.with_columns(currency=pl.lit("EUR")), mapping_of(served))
    run = [sys.executable, "-c", KILLED, str(served.folder), store]
    killed = subprocess.run(run, env={**os.environ}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    seen = History.open(store).orders.collect()
    assert sorted(seen["customer_id"].to_list()) == ["a", "b"]

    found = bring_shop(database, served)
    assert found.resumed == found.added["orders"] > 0
    orders = History.open(store).orders.collect()
    assert len(orders) == len(served.history.orders.collect()) + 2


def test_one_that_was_killed_makes_way_for_another(database, store, served, an_hour_later):
    run = [sys.executable, "-c", KILLED, str(served.folder), store]
    assert subprocess.run(run, check=False).returncode == -signal.SIGKILL
    bring(database, ORDERS.with_columns(currency=pl.lit("EUR")), mapping_of(served))
    assert len(History.open(store).orders.collect()) == 2


def test_two_imports_do_not_meet(database, store, served):
    run = [sys.executable, "-c", KILLED, str(served.folder), store]
    assert subprocess.run(run, check=False).returncode == -signal.SIGKILL
    with pytest.raises(ServingError, match="another import is at work"):
        bring(database, ORDERS)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Mapping(timezone="Europe/Paris", currency="EUR"), "timezone must be UTC"),
        (Mapping(currency="USD"), "currency must be EUR"),
        (Mapping(currency="EUR", scales={"nps": (1.0, 10.0)}), "scales of feedback must be"),
    ],
)
def test_a_history_of_another_kind_is_refused(database, other, told):
    bring(database, ORDERS, Mapping(currency="EUR"))
    with pytest.raises(HistoryError, match=told):
        bring(database, ORDERS, other)


def test_a_store_keeps_how_it_is_read(database, store):
    bring(database, ORDERS, Mapping(timezone="Europe/Paris", currency="EUR", shop="us"))
    found = History.open(store).mapping
    assert (found.timezone, found.currency, found.shop) == ("Europe/Paris", "EUR", "us")
    with pytest.raises(HistoryError, match="must be opened without a mapping"):
        History.open(store, Mapping(timezone="UTC", currency="USD"))


def test_an_empty_store_has_no_orders(database, store):
    with pytest.raises(HistoryError, match="orders has no rows"):
        History.open(store)
