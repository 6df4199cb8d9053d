import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from training.errors import TrainingError
from training.models.candidates import SPEND
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin, latest


@pytest.fixture(scope="module")
def origin(training_set) -> ForecastOrigin:
    return latest(training_set.snapshots)


@pytest.fixture(scope="module")
def activity(training_set, origin) -> ChurnModel:
    return ChurnModel("btyd").learn([training_set], origin)


@pytest.fixture(scope="module", params=SPEND)
def model(request, training_set, origin, activity) -> CLVModel:
    return CLVModel(request.param).learn(training_set, origin, activity)


def test_a_clone_has_the_settings_and_nothing_learnt(model):
    copy = clone(model.set_params(value=Value(0.5, 0.1)))
    model.set_params(value=None)

    assert copy.get_params() == {
        "candidate": model.candidate, "horizon_days": None, "value": Value(0.5, 0.1), "seed": 0,
    }  # fmt: skip
    assert set(vars(copy)) == set(copy.get_params())


def test_fit_learns_from_snapshots_and_an_activity_of_its_own(training_set, origin, X):
    days = np.concatenate([np.full(len(s), s.as_of) for s in training_set.snapshots])
    model = CLVModel("btyd")

    assert model.fit(training_set.frame, training_set.spend, training_set.churned, days) is model

    learnt = CLVModel("btyd").learn(training_set, origin)
    risk = ChurnModel().learn([training_set], origin).predict_proba(X)[:, 1]
    assert model.predict_if_active(X) == pytest.approx(learnt.predict_if_active(X))
    assert model.predict_active(X) == pytest.approx(1 - risk)


def test_who_spent_nothing_did_not_order_unless_it_is_said(X):
    spend = np.resize([0.0, 30.0, 0.0, 10.0], len(X))

    assert CLVModel("average").fit(X, spend).predict_if_active(X)[0] == pytest.approx(20.0)
    churned = np.resize([1, 0, 0, 0], len(X))
    given = CLVModel("average").fit(X, spend, churned)
    assert given.predict_if_active(X)[0] == pytest.approx(spend[churned == 0].mean())


def test_a_forecast_is_the_chance_of_an_order_times_the_spend_if_there_is(model, activity, X):
    clv = model.predict(X)

    assert model.activity_ is activity
    assert np.array_equal(clv, model.predict_active(X) * model.predict_if_active(X))
    assert model.predict_active(X) == pytest.approx(activity.predict_proba(X)[:, 0], abs=1e-12)
    assert np.isfinite(clv).all()
    assert (clv > 0).all()
    assert (model.orders_if_active(X) >= 1).all()


def test_a_curve_gives_the_chance_in_the_window_of_clv(training_set, origin, activity, X):
    month = CLVModel("btyd", horizon_days=30).learn(training_set, origin, activity)

    assert month.predict_active(X) == pytest.approx(1 - activity.curve(X).no_order(30.0))
    assert (month.predict_active(X) < 1 - activity.curve(X).no_order(90.0)).all()


def test_it_rests_on_its_candidate_and_on_the_chance_of_an_order(model, activity):
    assert model.basis() == f"spend if there is an order by {model.candidate}; {activity.basis()}"


def test_a_customer_alone_gets_the_number_of_the_crowd(model, X):
    together = model.predict(X)

    alone = [model.predict(X.iloc[[row]])[0] for row in (0, 7, len(X) - 1)]

    assert alone == pytest.approx(together[[0, 7, -1]], rel=1e-12)


def test_predicting_changes_nothing(model, X):
    table, before = X.copy(), model.predict(X)
    learnt = dict(vars(model))

    again = model.predict(table)

    assert vars(model) == learnt
    pd.testing.assert_frame_equal(table, X)
    assert np.array_equal(again, before)


@pytest.mark.parametrize("value", [None, Value(0.4, 0.1)])
def test_a_loaded_model_says_the_same(training_set, origin, activity, X, tmp_path, value):
    for candidate in SPEND:
        model = CLVModel(candidate, 180, value, seed=7).learn(training_set, origin, activity)
        model.save(tmp_path / candidate)

        loaded = CLVModel.load(tmp_path / candidate)

        assert {path.suffix for path in tmp_path.rglob("*.*")} <= {".json", ".txt"}
        assert loaded.get_params() == model.get_params()
        assert loaded.columns_ == model.columns_
        assert loaded.intervals_ == model.intervals_
        assert loaded.predict(X) == pytest.approx(model.predict(X), rel=1e-12)
        assert loaded.orders_if_active(X) == pytest.approx(model.orders_if_active(X), rel=1e-12)


@pytest.mark.parametrize("part", [".", "activity"])
def test_a_model_of_an_unknown_format_is_refused(model, tmp_path, part):
    model.save(tmp_path)
    path = tmp_path / part / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    with pytest.raises(TrainingError, match="format version 99"):
        CLVModel.load(tmp_path)


@pytest.mark.parametrize(
    "use", ["predict", "predict_active", "predict_if_active", "orders_if_active", "save"]
)
def test_an_unfitted_model_says_so(use, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(CLVModel(), use)(tmp_path)


def test_a_model_of_spend_only_cannot_be_used_as_a_whole(training_set, origin, X, tmp_path):
    model = CLVModel("average").learn(training_set, origin)

    with pytest.raises(NotFittedError):
        model.predict(X)
    with pytest.raises(NotFittedError):
        model.save(tmp_path)


@pytest.mark.parametrize(
    ("candidate", "spend", "message"),
    [
        ("oracle", 1.0, r"candidate must be one of .*'past_rate'.*; got 'oracle'"),
        ("average", -1.0, r"spend must be 0 or more; got -1\.0\. Clip"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(training_set, origin, candidate, spend, message):
    told = replace(
        training_set,
        snapshots=tuple(replace(s, spend=np.full(len(s), spend)) for s in training_set.snapshots),
    )

    with pytest.raises(TrainingError, match=message):
        CLVModel(candidate).learn(told, origin)


def test_spend_below_nothing_is_refused_before_anything_is_made_of_it(X):
    with pytest.raises(TrainingError, match=r"spend must be 0 or more; got -5"):
        CLVModel("btyd").fit(X, np.resize([-5.0, 5.0], len(X)))
