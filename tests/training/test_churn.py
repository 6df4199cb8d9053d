import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from training.churn import CANDIDATES, ChurnModel
from training.errors import TrainingError
from training.rules import SIGNALS
from training.snapshots import origin_of_rows, stack


@pytest.fixture(scope="module")
def rows(fitted):
    snapshots = fitted[0].panel.snapshots
    return stack(snapshots), origin_of_rows(snapshots)


@pytest.fixture(scope="module", params=CANDIDATES)
def model(request, rows) -> ChurnModel:
    learn, days = rows
    return ChurnModel(request.param, snapshots=3).fit(learn.X, learn.churned, days)


def test_a_clone_has_the_settings_and_nothing_learnt(model):
    copy = clone(model)

    assert copy.get_params() == {"candidate": model.candidate, "snapshots": 3, "seed": 0}
    assert set(vars(copy)) == set(copy.get_params())


def test_fit_returns_the_model_and_keeps_its_settings(rows):
    learn, days = rows
    model = ChurnModel("past_rate").set_params(snapshots=2, seed=7)

    assert model.fit(learn.X, learn.churned, days) is model
    assert model.get_params() == {"candidate": "past_rate", "snapshots": 2, "seed": 7}
    assert model.classes_.tolist() == [0, 1]


def test_probabilities_are_two_columns_that_add_up_to_one(model, rows):
    both = model.predict_proba(rows[0].X)

    assert both.shape == (len(rows[0]), 2)
    assert ((both > 0) & (both < 1)).all()
    assert both.sum(axis=1) == pytest.approx(1.0)
    assert np.array_equal(model.predict(rows[0].X), both[:, 1] >= 0.5)


def test_predicting_changes_nothing(model, rows):
    table, before = rows[0].X.copy(), model.predict_proba(rows[0].X)
    learnt = dict(vars(model))

    model.predict(table)
    model.contributions(table)

    assert vars(model) == learnt
    pd.testing.assert_frame_equal(table, rows[0].X)
    assert np.array_equal(model.predict_proba(table), before)


def test_columns_are_taken_by_name(model, rows):
    table = rows[0].X.assign(unheard_of=1.0)[["unheard_of", *rows[0].X.columns[::-1]]]

    assert np.array_equal(model.predict_proba(table), model.predict_proba(rows[0].X))


@pytest.mark.parametrize("use", ["predict", "predict_proba", "contributions", "save"])
def test_an_unfitted_model_says_so(use, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(ChurnModel(), use)(tmp_path)


def test_a_loaded_model_says_the_same(model, rows, tmp_path):
    model.save(tmp_path)

    loaded = ChurnModel.load(tmp_path)

    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".txt"}
    assert loaded.get_params() == model.get_params()
    assert loaded.columns_ == model.columns_
    assert np.abs(loaded.predict_proba(rows[0].X) - model.predict_proba(rows[0].X)).max() < 1e-12
    pd.testing.assert_frame_equal(
        loaded.contributions(rows[0].X.head()), model.contributions(rows[0].X.head())
    )


def test_a_model_of_an_unknown_format_is_refused(model, tmp_path):
    model.save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    with pytest.raises(TrainingError, match="format version 99"):
        ChurnModel.load(tmp_path)


def test_contributions_add_up_to_the_logit_but_for_a_constant(model, rows):
    risk = model.predict_proba(rows[0].X)[:, 1]

    constant = logit(risk) - model.contributions(rows[0].X).sum(axis=1)

    assert np.ptp(constant) < 1e-9


def test_the_same_rows_give_the_same_model(rows, tmp_path):
    learn, days = rows
    for name in ("one", "other"):
        ChurnModel("gbdt_level").fit(learn.X, learn.churned, days).save(tmp_path / name)

    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("one", "other")
    )
    assert one == other


def test_only_the_latest_snapshots_are_learnt_from(rows):
    learn, days = rows
    recent = days >= np.unique(days)[-2]
    told = np.where(recent, learn.churned, 1.0 - learn.churned)

    one = ChurnModel("gbdt", snapshots=2).fit(learn.X, told, days)
    other = ChurnModel("gbdt", snapshots=2).fit(learn.X[recent], learn.churned[recent])

    assert np.array_equal(one.predict_proba(learn.X), other.predict_proba(learn.X))


def test_the_level_moves_every_logit_alike_towards_the_season(rows):
    learn, days = rows
    trees = ChurnModel("gbdt", snapshots=3).fit(learn.X, learn.churned, days)
    early = days == days[0]
    emptied = np.where(early, 1.0, learn.churned)

    lifted = trees.levelled(learn.X, emptied, days, at=days[0] + 365.0)

    assert lifted.candidate == "gbdt_level"
    assert lifted.level_ > 0.5
    assert trees.level_ == 0.0
    moved = expit(logit(trees.predict_proba(learn.X)[:, 1]) + lifted.level_)
    assert lifted.predict_proba(learn.X)[:, 1] == pytest.approx(moved, abs=1e-5)


def test_the_shared_trees_make_the_same_levelled_model(rows):
    learn, days = rows
    at = float(days.max()) + 90.0
    alone = ChurnModel("gbdt_level").fit(learn.X, learn.churned, days, at)
    shared = ChurnModel("gbdt").fit(learn.X, learn.churned, days, at)

    shared = shared.levelled(learn.X, learn.churned, days, at)

    assert shared.level_ == alone.level_
    assert np.array_equal(shared.predict_proba(learn.X), alone.predict_proba(learn.X))


def test_an_unknown_candidate_is_refused(rows):
    with pytest.raises(TrainingError, match=r"candidate must be one of .*'gbdt'.*; got 'oracle'"):
        ChurnModel("oracle").fit(rows[0].X, rows[0].churned)


@pytest.mark.parametrize("candidate", ["gbdt", "gbdt_level"])
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_trees_cannot_learn_from_a_single_outcome(rows, candidate, outcome):
    learn, days = rows
    told = np.where(days == days.max(), outcome, learn.churned)

    with pytest.raises(TrainingError, match=rf"0 in some rows and 1 in others.*got \[{outcome}\]"):
        ChurnModel(candidate, snapshots=1).fit(learn.X, told, days)


@pytest.mark.parametrize("candidate", SIGNALS)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_a_single_outcome_a_rule_is_almost_certain_for_everybody(rows, candidate, outcome):
    X = rows[0].X.head(99)

    risk = ChurnModel(candidate).fit(X, np.full(99, outcome)).predict_proba(X)[:, 1]

    assert risk == pytest.approx((99 * outcome + 0.5) / 100)


def test_outcomes_other_than_0_and_1_are_refused(rows):
    with pytest.raises(TrainingError, match=r"churned must be 0 in some rows and 1 in others"):
        ChurnModel().fit(rows[0].X, rows[0].churned * 2)
