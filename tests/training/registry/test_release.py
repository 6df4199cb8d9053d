"""The models in force are one release: whoever reads it sees all of a change or nothing of it."""

import shutil
import threading
from pathlib import Path

import pandas as pd
import pytest

from training.errors import TrainingError
from training.models import artifact
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles

NAMES = ("churn-risk", "clv-forecast", "offer-uplift")


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    """A store with three versions of three models; nothing is in force."""
    place, table = tmp_path_factory.mktemp("store"), pd.DataFrame({"x": [1.0]})
    found, folder = Tracker(f"sqlite:///{place / 'mlflow.db'}"), place / "model"
    artifact.write(folder, {"kind": "churn"})
    with found.start_run("training", {}) as run:
        for name in NAMES:
            for _ in range(3):
                found.register(run, name, ModelFiles(folder, table, table))
    return place / "mlflow.db"


@pytest.fixture
def tracker(database, tmp_path) -> Tracker:
    """The store, of the test's own."""
    return Tracker(f"sqlite:///{shutil.copy(database, tmp_path)}")


def test_nothing_is_in_force_before_the_first_release(tracker):
    assert tracker.champions() == {}
    assert tracker.champion("churn-risk") is None


def test_of_an_empty_store_nothing_is_in_force(tmp_path):
    assert Tracker(f"sqlite:///{tmp_path / 'none.db'}").champions() == {}


def test_a_release_names_the_versions_that_belong_together(tracker):
    made = tracker.release({"churn-risk": 2, "clv-forecast": 1})

    assert [(v.name, v.version, v.aliases) for v in made] == [
        ("churn-risk", 2, ("champion",)),
        ("clv-forecast", 1, ("champion",)),
    ]
    assert tracker.champions() == {"churn-risk": 2, "clv-forecast": 1}


def test_what_a_release_does_not_name_stays_in_force(tracker):
    tracker.release({"churn-risk": 2, "clv-forecast": 1})
    tracker.promote("clv-forecast", 3)
    tracker.promote("offer-uplift", 1)

    assert tracker.champions() == {"churn-risk": 2, "clv-forecast": 3, "offer-uplift": 1}
    assert tracker.champion("churn-risk").version == 2


def test_the_aliases_follow_for_others_to_read(tracker):
    tracker.release({"churn-risk": 2, "clv-forecast": 1})
    client = tracker._client()

    found = {name: client.get_registered_model(name).aliases for name in NAMES[:2]}

    assert int(found["churn-risk"]["champion"]) == 2
    assert int(found["clv-forecast"]["champion"]) == 1


def test_an_alias_that_is_moved_by_hand_changes_nothing(tracker):
    tracker.release({"churn-risk": 2, "clv-forecast": 1})
    tracker._client().set_registered_model_alias("churn-risk", "champion", "3")

    assert tracker.champions()["churn-risk"] == 2
    shown = {v.version: v.aliases for v in tracker.versions("churn-risk")}
    assert shown == {3: ("challenger",), 2: ("champion",), 1: ()}


def test_where_no_release_was_made_the_aliases_say_it(tracker):
    tracker._client().set_registered_model_alias("churn-risk", "champion", "1")

    assert tracker.champions() == {"churn-risk": 1}


def test_a_version_that_is_not_there_is_refused_and_nothing_changes(tracker):
    tracker.release({"churn-risk": 2, "clv-forecast": 1})

    with pytest.raises(TrainingError, match="version must be one of clv-forecast"):
        tracker.release({"churn-risk": 3, "clv-forecast": 9})
    assert tracker.champions() == {"churn-risk": 2, "clv-forecast": 1}


def test_readers_never_see_a_pair_that_nobody_chose(tracker):
    tracker.release({"churn-risk": 1, "clv-forecast": 1})
    done, seen, errors = threading.Event(), set(), []

    def read():
        try:
            while not done.is_set():
                found = tracker.champions()
                seen.add((found["churn-risk"], found["clv-forecast"]))
        except Exception as error:  # A thread's error would be lost.
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(8):
        version = number % 3 + 1
        tracker.release({"churn-risk": version, "clv-forecast": version})
    done.set()
    for reader in readers:
        reader.join()

    assert errors == []
    assert seen <= {(1, 1), (2, 2), (3, 3)}
    assert len(seen) > 1
