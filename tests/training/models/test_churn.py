import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from training.errors import TrainingError
from training.models.baselines import SIGNALS
from training.models.candidates import CHURN
from training.models.churn import ChurnModel
from training.models.pool import LOGIT_LIMIT
from training.panel.snapshot import TrainingSet, latest
from training.selection.rolling import fit_churn_candidates

LEARNT = [*product(CHURN, [(90,), (45,)]), ("pool", (90, 45))]


@pytest.fixture(scope="module", params=LEARNT, ids=lambda p: f"{p[0]} over {p[1]}")
def model(request, training_set, shorter, origin) -> ChurnModel:
    """Of 90 days, learnt over as many, or over half of them, or over both."""
    candidate, windows = request.param
    training_sets = [{90: training_set, 45: shorter}[window] for window in windows]
    return ChurnModel(candidate, horizon_days=90).learn(training_sets, origin)


def risk(model: ChurnModel, X: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(X)[:, 1]


def test_a_clone_has_the_settings_and_nothing_learnt(model):
    copy = clone(model)

    assert copy.get_params() == {
        "candidate": model.candidate,
        "horizon_days": 90,
        "seed": 0,
        "boosting": None,
    }
    assert set(vars(copy)) == set(copy.get_params())


def test_fit_learns_from_snapshots_to_forecast_from_the_last(training_set):
    days = np.concatenate([np.full(len(s), s.as_of) for s in training_set.snapshots])
    model = ChurnModel("pool", seed=7)

    assert model.fit(training_set.frame, training_set.churned, days) is model

    learnt = ChurnModel("pool", seed=7).learn([training_set], latest(training_set.snapshots))
    assert model.get_params() == {
        "candidate": "pool",
        "horizon_days": None,
        "seed": 7,
        "boosting": None,
    }
    assert model.classes_.tolist() == [0, 1]
    assert model.horizon_ == 90.0
    assert risk(model, training_set.frame) == pytest.approx(
        risk(learnt, training_set.frame), abs=1e-12
    )


def test_probabilities_are_two_columns_that_add_up_to_one(model, X):
    both = model.predict_proba(X)

    assert both.shape == (len(X), 2)
    assert ((both > 0) & (both < 1)).all()
    assert both.sum(axis=1) == pytest.approx(1.0)
    assert np.array_equal(model.predict(X), both[:, 1] >= 0.5)


def test_predicting_changes_nothing(model, X):
    table, before = X.copy(), model.predict_proba(X)
    learnt = dict(vars(model))

    model.predict(table)
    model.contributions(table)
    model.curve(table).median_days(90.0)

    assert vars(model) == learnt
    pd.testing.assert_frame_equal(table, X)
    assert np.array_equal(model.predict_proba(table), before)


def test_columns_are_taken_by_name(model, X):
    table = X.assign(unheard_of=1.0)[["unheard_of", *X.columns[::-1]]]

    assert np.array_equal(model.predict_proba(table), model.predict_proba(X))


def test_a_customer_alone_gets_the_number_of_the_crowd(model, X):
    together = risk(model, X)

    alone = [risk(model, X.iloc[[row]])[0] for row in (0, 7, len(X) - 1)]

    assert alone == pytest.approx(together[[0, 7, -1]], abs=1e-14)


def test_the_curve_is_the_risk_at_the_horizon(model, X):
    assert model.curve(X).no_order(90.0) == pytest.approx(risk(model, X), abs=1e-12)


def test_the_shared_trees_make_the_same_models(training_set, shorter, origin, X, shop):
    shared = fit_churn_candidates([training_set, shorter], origin, shop.config)

    assert tuple(shared) == tuple(CHURN)
    assert shared["pool"].fitted_.trees is shared["trees"].fitted_.trees
    for candidate, model in shared.items():
        alone = ChurnModel(candidate).learn([training_set, shorter], origin)
        assert model.candidate == candidate
        assert np.array_equal(risk(model, X), risk(alone, X))
        assert model.basis() == alone.basis()


def test_contributions_add_up_to_the_logit_but_for_a_constant(model, X):
    said = logit(risk(model, X))
    within = np.abs(said) < LOGIT_LIMIT - 0.01

    constant = (said - model.contributions(X).sum(axis=1))[within]

    assert within.mean() > 0.95
    assert np.ptp(constant) < 1e-7


def test_contributions_are_of_what_a_model_looks_at(training_set, origin, X):
    inputs = {"frequency", "days_since_last_order", "T"}
    btyd, rule, trees = (
        ChurnModel(candidate).learn([training_set], origin)
        for candidate in ("btyd", "past_rate", "trees")
    )

    assert set(btyd.contributions(X)) == inputs
    added = rule.contributions(X)
    assert set(added.columns[(added != 0).any()]) == {"purchase_days"}
    assert set(trees.contributions(X)) == inputs | set(trees.fitted_.trees[0].columns)


def test_a_longer_silence_adds_to_the_risk(training_set, origin, X):
    btyd = ChurnModel("btyd").learn([training_set], origin)
    regular = X[X["frequency"] >= 3]

    added = btyd.contributions(regular)["days_since_last_order"]

    silent = regular["days_since_last_order"]
    assert added[silent > silent.median()].mean() > added[silent <= silent.median()].mean() + 1


@pytest.mark.parametrize(
    ("candidate", "windows", "words"),
    [
        ("btyd", [90], "MBG/NBD, pace of the season 1.22"),
        ("past_rate", [90], "rule on outcomes over 90 days"),
        ("past_rate", [45], "rule on outcomes over 45 days, carried over to 90 days by MBG/NBD"),
        ("trees", [90], "trees on outcomes over 90 days (100%) and MBG/NBD (0%), pace"),
        ("pool", [45], "days (49%), carried over to 90 days by MBG/NBD and MBG/NBD (51%), pace"),
        ("pool", [90, 45], "trees on outcomes over 90 and 45 days (5"),
    ],
)
def test_it_says_what_its_risk_rests_on(training_set, shorter, origin, candidate, windows, words):
    training_sets = [{90: training_set, 45: shorter}[window] for window in windows]

    assert words in ChurnModel(candidate, horizon_days=90).learn(training_sets, origin).basis()


def test_a_loaded_model_says_the_same(model, X, tmp_path):
    model.save(tmp_path)

    loaded = ChurnModel.load(tmp_path)

    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".txt"}
    assert loaded.get_params() == model.get_params()
    assert loaded.columns_ == model.columns_
    assert loaded.basis() == model.basis()
    assert np.abs(loaded.predict_proba(X) - model.predict_proba(X)).max() < 1e-12
    some = X.head()
    pd.testing.assert_frame_equal(loaded.contributions(some), model.contributions(some), rtol=1e-9)
    assert loaded.curve(X).p_alive() == pytest.approx(model.curve(X).p_alive(), abs=1e-12)


def test_the_same_rows_give_the_same_model(training_set, shorter, origin, tmp_path):
    for name in ("one", "other"):
        ChurnModel("pool").learn([training_set, shorter], origin).save(tmp_path / name)

    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("one", "other")
    )
    assert one == other
    assert set(one) == {"digests.json", "model.json", "trees_90d.txt", "trees_45d.txt"}


def test_a_model_of_an_unknown_format_is_refused(training_set, origin, tmp_path):
    ChurnModel("btyd").learn([training_set], origin).save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}))

    with pytest.raises(TrainingError, match="format version 99"):
        ChurnModel.load(tmp_path)


@pytest.mark.parametrize("use", ["predict", "predict_proba", "contributions", "save"])
def test_an_unfitted_model_says_so(use, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(ChurnModel(), use)(tmp_path)


def test_an_unknown_candidate_is_refused(training_set):
    with pytest.raises(TrainingError, match=r"candidate must be one of .*'pool'.*; got 'oracle'"):
        ChurnModel("oracle").fit(training_set.frame, training_set.churned)


def test_outcomes_other_than_0_and_1_are_refused(training_set):
    with pytest.raises(TrainingError, match=r"y must be 0 or 1, and .* got \[0\.0, 2\.0\]"):
        ChurnModel().fit(training_set.frame, training_set.churned * 2)


@pytest.mark.parametrize("candidate", SIGNALS)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_a_single_outcome_a_rule_is_almost_certain_for_everybody(X, candidate, outcome):
    some = X.head(99)
    training_set = TrainingSet.of(some, np.full(99, outcome))
    model = ChurnModel(candidate).learn([training_set], latest(training_set.snapshots))

    found = risk(model, some)

    assert found == pytest.approx((99 * outcome + 0.5) / 100)
