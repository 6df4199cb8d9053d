import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from training.errors import TrainingError
from training.models.baselines import SIGNALS
from training.models.churn import CANDIDATES, EVEN_EVENTS, LOGIT_LIMIT, ChurnModel, shift_to
from training.panel.panel import build_panel
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet, latest
from training.selection.rolling import fit_churn_candidates

GROWN = ("trees", "pool")


@pytest.fixture(scope="module")
def training_set(lesson_of_all) -> TrainingSet:
    return lesson_of_all(3)


@pytest.fixture(scope="module")
def shorter(shop) -> TrainingSet:
    """Of the same table, but labelled over half its horizon."""
    return build_panel(shop.past, 90, shop.config, window_days=45).training_set(3)


@pytest.fixture(scope="module")
def origin(training_set) -> ForecastOrigin:
    latest_one = latest(training_set.snapshots)
    return replace(latest_one, btyd=latest_one.btyd.at_pace(0.2, 90.0))


@pytest.fixture(scope="module", name="X")
def population(origin) -> pd.DataFrame:
    return origin.X


LEARNT = [*product(CANDIDATES, [(90,), (45,)]), ("pool", (90, 45))]


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

    assert copy.get_params() == {"candidate": model.candidate, "horizon_days": 90, "seed": 0}
    assert set(vars(copy)) == set(copy.get_params())


def test_fit_learns_from_snapshots_to_forecast_from_the_last(training_set):
    days = np.concatenate([np.full(len(s), s.as_of) for s in training_set.snapshots])
    model = ChurnModel("pool", seed=7)

    assert model.fit(training_set.frame, training_set.churned, days) is model

    learnt = ChurnModel("pool", seed=7).learn([training_set], latest(training_set.snapshots))
    assert model.get_params() == {"candidate": "pool", "horizon_days": None, "seed": 7}
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


def test_btyd_is_the_outlook_at_its_pace(training_set, origin, X):
    model = ChurnModel("btyd").learn([training_set], origin)

    assert risk(model, X) == pytest.approx(expit(origin.btyd.logit_no_order(X, 90.0)))
    assert (model.weight_, model.shift_, model.trees_) == (1.0, 0.0, [])
    assert origin.btyd.pace == 0.2


@pytest.mark.parametrize("candidate", GROWN)
def test_the_mean_risk_is_that_of_the_outlook_where_it_starts(training_set, origin, X, candidate):
    quick = replace(origin, btyd=origin.btyd.at_pace(0.8, 90.0))

    for here in (origin, quick):
        model = ChurnModel(candidate).learn([training_set], here)
        expected = expit(here.btyd.logit_no_order(X, 90.0)).mean()
        assert risk(model, X).mean() == pytest.approx(expected, abs=1e-9)


def test_a_pool_is_the_weighted_mean_of_logits_on_one_level(training_set, origin, X):
    model = ChurnModel("pool").learn([training_set], origin)
    weight, trees = model.weight_, model.trees_[0]

    mean = weight * origin.btyd.logit_no_order(X, 90.0) + (1 - weight) * trees.raw(X)

    assert logit(risk(model, X)) == pytest.approx(mean + model.shift_)


def test_the_weight_of_trees_grows_with_what_was_there_to_learn_from(training_set, origin):
    few = TrainingSet(
        tuple(
            Snapshot(s.as_of, s.X[:80], s.churned[:80], s.spend[:80], s.btyd)
            for s in training_set.snapshots
        ),
        90.0,
    )
    rare, common = (ChurnModel("pool").learn([one], origin) for one in (few, training_set))

    assert rare.trees_[0].events < common.trees_[0].events
    assert rare.weight_ > common.weight_
    for model in (rare, common):
        events = model.trees_[0].events
        assert model.weight_ == pytest.approx(1 / (1 + (events / EVEN_EVENTS) ** 0.5))


def test_the_shared_trees_make_the_same_models(training_set, shorter, origin, X, shop):
    shared = fit_churn_candidates([training_set, shorter], origin, shop.config)

    assert tuple(shared) == CANDIDATES
    for candidate, model in shared.items():
        alone = ChurnModel(candidate).learn([training_set, shorter], origin)
        assert model.candidate == candidate
        assert np.array_equal(risk(model, X), risk(alone, X))
        assert model.basis() == alone.basis()


def test_what_a_rule_learnt_over_a_shorter_window_is_carried_over_by_the_outlook(
    shorter, origin, X
):
    model = ChurnModel("past_rate", horizon_days=90).learn([shorter], origin)

    over_45 = logit(model.rule_.predict(X))
    longer = origin.btyd.logit_no_order(X, 90.0) - origin.btyd.logit_no_order(X, 45.0)

    assert logit(risk(model, X)) == pytest.approx(over_45 + longer)
    assert (longer < 0).all()


def test_what_trees_learnt_over_a_shorter_window_is_carried_as_the_departure_from_the_outlook(
    shorter, origin, X
):
    model = ChurnModel("trees", horizon_days=90).learn([shorter], origin)

    departure = model.trees_[0].raw(X) - origin.btyd.logit_no_order(X, 45.0)

    expected = origin.btyd.logit_no_order(X, 90.0) + departure + model.shift_
    assert logit(risk(model, X)) == pytest.approx(expected)


def test_trees_of_two_windows_weigh_the_same(training_set, shorter, origin, X):
    pool = ChurnModel("pool").learn([training_set, shorter], origin)
    longer, half = pool.trees_
    btyd = origin.btyd.logit_no_order

    departures = [longer.raw(X) - btyd(X, 90.0), half.raw(X) - btyd(X, 45.0)]

    assert (longer.window_days, half.window_days) == (90.0, 45.0)
    share = 1 - pool.weight_
    expected = btyd(X, 90.0) + share * np.mean(departures, axis=0) + pool.shift_
    assert logit(risk(pool, X)) == pytest.approx(expected)


def test_contributions_add_up_to_the_logit_but_for_a_constant(model, X):
    said = logit(risk(model, X))
    within = np.abs(said) < LOGIT_LIMIT - 0.01

    constant = (said - model.contributions(X).sum(axis=1))[within]

    assert within.mean() > 0.95
    assert np.ptp(constant) < 1e-7


def test_contributions_are_of_what_a_model_looks_at(training_set, origin, X):
    btyd = {"frequency", "days_since_last_order", "T"}
    btyd, rule, trees = (
        ChurnModel(candidate).learn([training_set], origin)
        for candidate in ("btyd", "past_rate", "trees")
    )

    assert set(btyd.contributions(X)) == btyd
    added = rule.contributions(X)
    assert set(added.columns[(added != 0).any()]) == {"purchase_days"}
    assert set(trees.contributions(X)) == btyd | set(trees.trees_[0].columns)


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
    assert set(one) == {"model.json", "trees_90d.txt", "trees_45d.txt"}


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
    with pytest.raises(TrainingError, match=r"churned must be 0 or 1; got 2\.0"):
        ChurnModel().fit(training_set.frame, training_set.churned * 2)


@pytest.mark.parametrize("candidate", GROWN)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_a_single_outcome_no_trees_grow_and_the_outlook_stands_alone(X, candidate, outcome):
    model = ChurnModel(candidate).fit(X, np.full(len(X), outcome))

    assert model.trees_ == []
    assert model.basis().startswith("MBG/NBD")
    assert risk(model, X) == pytest.approx(expit(model.btyd_.logit_no_order(X, 90.0)))


@pytest.mark.parametrize("candidate", SIGNALS)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_a_single_outcome_a_rule_is_almost_certain_for_everybody(X, candidate, outcome):
    some = X.head(99)

    found = risk(ChurnModel(candidate).fit(some, np.full(99, outcome)), some)

    assert found == pytest.approx((99 * outcome + 0.5) / 100)


@pytest.mark.parametrize("mean", [0.001, 0.4, 0.999])
def test_a_shift_makes_the_mean_probability(mean):
    score = np.linspace(-5, 8, 1000)

    assert expit(score + shift_to(score, mean)).mean() == pytest.approx(mean, abs=1e-9)
