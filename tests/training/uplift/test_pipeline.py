import mlflow
import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.table import feature_table
from simulation import simulate
from training.champions import UPLIFT, load_uplift
from training.errors import TrainingError
from training.loading import load_any
from training.registry.tracking import Tracker
from training.uplift.pipeline import train_uplift

AS_OF = "2025-10-01"


@pytest.fixture(scope="module")
def made():
    return simulate(customers=7000, days=800, seed=2)


@pytest.fixture(scope="module")
def history(made):
    return History(made.orders, made.feedback, made.offers, made.customers)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    return Tracker(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db")


@pytest.fixture(scope="module")
def training(history, tracker):
    return train_uplift(history, AS_OF, 90, tracker)


@pytest.fixture(scope="module")
def table(history, training):
    return training.scorer.table(history.upto(AS_OF)).iloc[:200]


def test_the_version_is_champion_and_scores_as_it_did(training, tracker, table):
    standing = tracker.champion(UPLIFT)
    assert standing is not None and standing.version == training.version.version
    loaded = load_uplift(tracker)
    assert loaded is not None and loaded.definition == training.scorer.definition
    pd.testing.assert_frame_equal(loaded.uplift(table), training.scorer.uplift(table))
    pd.testing.assert_frame_equal(loaded.harmed(table), training.scorer.harmed(table))


def test_the_registered_model_runs_in_mlflow(training, tracker, table):
    folder = tracker.folder(training.version).parents[1]
    found = mlflow.pyfunc.load_model(str(folder)).predict(table)
    pd.testing.assert_frame_equal(found, training.scorer.predict_frame(table))
    assert list(found) == ["uplift_discount_10", "uplift_points", "uplift_service_recovery"]


def test_the_artifact_is_plain_files_without_customers(training, tracker, history):
    folder = tracker.folder(training.version)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".txt"}
    text = "".join(path.read_text() for path in files)
    ids = history.orders.select("customer_id").unique().collect()["customer_id"].to_list()
    assert not any(customer in text for customer in ids)
    assert load_any(folder).definition == training.scorer.definition


def test_the_run_holds_figures_tables_and_metrics_with_intervals(training, tracker):
    client = mlflow.MlflowClient(tracker.uri)
    files = {file.path for file in client.list_artifacts(training.run_id)}
    assert files >= {"policies.csv", "effects.csv", "learners.csv", "overlap.csv", "metrics.csv"}
    offers = [offer for offer, tested in training.scorer.model.tested_.items() if tested]
    kinds, endings = ("uplift", "effects"), ("png", "svg")
    assert files >= {f"{k}_{o}.{end}" for o in offers for k in kinds for end in endings} and offers
    metrics = client.get_run(training.run_id).data.metrics
    offer = offers[0]
    low, value, high = (metrics[f"qini{end}_{offer}"] for end in ("_low", "", "_high"))
    assert low <= value <= high


def test_policies_are_compared_with_those_that_marketing_lives_by(training):
    found = training.policies
    assert set(found["policy"]) == {"uplift", "risk", "clv", "random", "treat_all", "treat_none"}
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()


def test_nothing_recorded_at_or_after_as_of_changes_what_is_learnt(
    training, history, table, tmp_path
):
    again = Tracker(f"sqlite:///{tmp_path}/mlflow.db")
    other = train_uplift(history.upto(AS_OF), AS_OF, 90, again)
    pd.testing.assert_frame_equal(other.scorer.uplift(table), training.scorer.uplift(table))


def test_propensities_are_estimated_where_none_were_logged(made, tmp_path):
    few = made.customers["customer_id"].to_list()[:1500]
    offers = made.offers.to_pandas().assign(propensity=np.nan)
    history = History(made.orders, offers=offers, customers=made.customers).of_customers(few)
    found = train_uplift(history, AS_OF, 90, Tracker(f"sqlite:///{tmp_path}/mlflow.db"))
    assert found.scorer.model.propensity_source_ == "shares"
    # So few say too little of any offer.
    assert not any(found.scorer.model.tested_.values()) and found.scorer.model.learner_ == "none"
    assert found.scorer.uplift(feature_table(history, AS_OF, 90)).empty


def test_a_history_without_offers_is_refused(made, tmp_path):
    tracker = Tracker(f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(TrainingError, match="must have a table offers"):
        train_uplift(History(made.orders), AS_OF, 90, tracker)
