import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from training.churn import ChurnModel
from training.clv import CANDIDATES, CLVModel
from training.errors import TrainingError
from training.snapshots import origin_of_rows, stack


@pytest.fixture(scope="module")
def rows(fitted):
    snapshots = fitted[0].panel.snapshots
    return stack(snapshots), origin_of_rows(snapshots)


@pytest.fixture(scope="module")
def activity(rows) -> ChurnModel:
    learn, days = rows
    return ChurnModel("past_rate").fit(learn.X, learn.churned, days)


@pytest.fixture(scope="module", params=CANDIDATES)
def model(request, rows, activity) -> CLVModel:
    learn, days = rows
    return CLVModel(request.param, activity, 3).fit(learn.X, learn.spend, learn.churned, days)


def test_a_clone_has_the_settings_and_nothing_learnt(model):
    copy = clone(model)

    assert (copy.candidate, copy.snapshots, copy.seed) == (model.candidate, 3, 0)
    assert not [name for name in vars(copy) if name.endswith("_")]
    assert not hasattr(copy.activity, "columns_")


def test_a_clone_fits_its_own_activity(model, rows):
    learn, days = rows

    copy = clone(model).fit(learn.X, learn.spend, learn.churned, days)

    assert np.allclose(copy.predict(learn.X), model.predict(learn.X), rtol=1e-9)


def test_a_fitted_activity_is_used_as_it_is(model, activity):
    assert model.activity_ is activity


def test_an_activity_that_is_not_fitted_is_fitted_as_a_copy(rows):
    learn, days = rows
    blank = ChurnModel("past_rate", snapshots=1)

    model = CLVModel("average", blank).fit(learn.X, learn.spend, learn.churned, days)

    assert not hasattr(blank, "columns_")
    expected = ChurnModel("past_rate", snapshots=1).fit(learn.X, learn.churned, days)
    assert np.array_equal(model.predict_active(learn.X), expected.predict_proba(learn.X)[:, 0])


def test_without_an_activity_trees_are_fitted(rows):
    learn, days = rows

    model = CLVModel("average").fit(learn.X, learn.spend, days=days)

    assert model.activity is None
    expected = ChurnModel("gbdt").fit(learn.X, learn.spend == 0, days)
    assert np.array_equal(model.predict_active(learn.X), expected.predict_proba(learn.X)[:, 0])


def test_fit_returns_the_model(rows, activity):
    learn, days = rows
    model = CLVModel("average", activity)

    assert model.fit(learn.X, learn.spend, learn.churned, days) is model


def test_a_forecast_is_the_chance_of_an_order_times_the_spend_if_there_is(model, rows, activity):
    X = rows[0].X

    clv = model.predict(X)

    assert np.array_equal(clv, activity.predict_proba(X)[:, 0] * model.predict_if_active(X))
    assert np.isfinite(clv).all()
    assert (clv > 0).all()


def test_on_average_those_who_order_spend_what_is_forecast(model, rows):
    learn, days = rows
    active = (days >= np.unique(days)[-3]) & (learn.churned == 0)

    forecast = model.predict_if_active(learn.X[active])

    assert forecast.sum() == pytest.approx(learn.spend[active].sum(), rel=0.05)


def test_the_past_rate_forecasts_by_hand():
    X = pd.DataFrame(
        {"purchase_days": [1.0, 4.0], "spend": [20.0, 160.0], "age_over_horizon": [1.0, 1.0]}
    )
    rate = np.array([0.5, 2.0])
    # A purchase day is worth 180 / 5 = 36 here, which counts as three days of everybody's own.
    by_hand = rate / (1 - np.exp(-rate)) * (X["spend"] + 3 * 36.0) / (X["purchase_days"] + 3)

    model = CLVModel("past_rate").fit_if_active(X, [2 * by_hand[0], 2 * by_hand[1]], [0, 0])

    assert model.predict_if_active(X) == pytest.approx(2 * by_hand.to_numpy())


def test_the_average_is_that_of_those_who_ordered():
    X = pd.DataFrame(
        {"purchase_days": [1.0] * 3, "spend": [9.0] * 3, "age_over_horizon": [1.0] * 3}
    )

    model = CLVModel("average").fit_if_active(X, [10.0, 0.0, 0.0], [0, 0, 1])

    assert model.predict_if_active(X).tolist() == [5.0, 5.0, 5.0]


def test_trees_follow_a_customer_larger_than_any_seen(rows, activity):
    learn, days = rows
    model = CLVModel("gbdt", activity).fit(learn.X, learn.spend, learn.churned, days)
    largest = learn.X.nlargest(1, "spend")
    money = [
        c for c in largest if c.startswith(("spend", "aov", "order_amount", "first_day", "last"))
    ]
    larger = largest.assign(**{c: 10 * largest[c] for c in money if not c.endswith("aov")})

    grown = model.predict_if_active(larger)[0] / model.predict_if_active(largest)[0]

    assert grown > 5


def test_predicting_changes_nothing(model, rows):
    table, before = rows[0].X.copy(), model.predict(rows[0].X)
    learnt = dict(vars(model))

    again = model.predict(table)

    assert vars(model) == learnt
    pd.testing.assert_frame_equal(table, rows[0].X)
    assert np.array_equal(again, before)


def test_a_loaded_model_says_the_same(model, rows, tmp_path):
    model.save(tmp_path)

    loaded = CLVModel.load(tmp_path)

    assert {path.suffix for path in tmp_path.rglob("*.*")} <= {".json", ".txt"}
    assert loaded.columns_ == model.columns_
    difference = np.abs(loaded.predict(rows[0].X) / model.predict(rows[0].X) - 1)
    assert difference.max() < 1e-12


@pytest.mark.parametrize("part", [".", "activity"])
def test_a_model_of_an_unknown_format_is_refused(model, tmp_path, part):
    model.save(tmp_path)
    path = tmp_path / part / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    with pytest.raises(TrainingError, match="format version 99"):
        CLVModel.load(tmp_path)


@pytest.mark.parametrize("use", ["predict", "predict_active", "predict_if_active", "save"])
def test_an_unfitted_model_says_so(use, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(CLVModel(), use)(tmp_path)


def test_a_model_of_spend_only_cannot_be_used_as_a_whole(rows, tmp_path):
    learn, days = rows
    model = CLVModel("average").fit_if_active(learn.X, learn.spend, learn.churned, days)

    with pytest.raises(NotFittedError):
        model.predict(learn.X)
    with pytest.raises(NotFittedError):
        model.save(tmp_path)


def test_only_the_latest_snapshots_are_learnt_from(rows):
    learn, days = rows
    recent = days == days.max()
    told = np.where(recent, learn.spend, 1e6)

    model = CLVModel("average", snapshots=1).fit_if_active(learn.X, told, learn.churned, days)

    expected = learn.spend[recent & (learn.churned == 0)].mean()
    assert model.predict_if_active(learn.X)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("candidate", "spend", "message"),
    [
        ("oracle", 1.0, r"candidate must be one of .*'past_rate'.*; got 'oracle'"),
        ("average", -1.0, r"spend must be 0 or more; got -1\.0\. Clip"),
        ("average", 0.0, "spend must be positive for some customer"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(rows, candidate, spend, message):
    with pytest.raises(TrainingError, match=message):
        CLVModel(candidate).fit(rows[0].X, np.full(len(rows[0]), spend), rows[0].churned)
