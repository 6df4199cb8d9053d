from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from training.models.churn import ChurnModel
from training.models.pool import EVEN_EVENTS, shift_to
from training.panel.snapshot import Snapshot, TrainingSet, latest

GROWN = ("trees", "pool")


def risk(model: ChurnModel, X: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(X)[:, 1]


def test_btyd_is_mbg_nbd_at_its_pace(training_set, origin, X):
    model = ChurnModel("btyd").learn([training_set], origin)

    assert risk(model, X) == pytest.approx(expit(origin.btyd.logit_no_order(X, 90.0)))
    carry = model.fitted_.carry
    assert (carry.btyd, carry.windows, carry.share) == (origin.btyd, (), 0.0)
    assert origin.btyd.pace == 0.2


@pytest.mark.parametrize("candidate", GROWN)
def test_the_mean_risk_is_that_of_mbg_nbd_where_it_starts(training_set, origin, X, candidate):
    quick = replace(origin, btyd=origin.btyd.at_pace(0.8, 90.0))

    for here in (origin, quick):
        model = ChurnModel(candidate).learn([training_set], here)
        expected = expit(here.btyd.logit_no_order(X, 90.0)).mean()
        assert risk(model, X).mean() == pytest.approx(expected, abs=1e-9)


def test_a_pool_is_the_weighted_mean_of_logits_on_one_level(training_set, origin, X):
    model = ChurnModel("pool").learn([training_set], origin)
    pool = model.fitted_
    weight, (trees,) = pool.btyd_weight, pool.trees

    mean = weight * origin.btyd.logit_no_order(X, 90.0) + (1 - weight) * trees.raw(X)

    assert logit(risk(model, X)) == pytest.approx(mean + pool.shift)


def test_the_weight_of_trees_grows_with_what_was_there_to_learn_from(training_set, origin):
    few = TrainingSet(
        tuple(
            Snapshot(s.as_of, s.X[:80], s.churned[:80], s.spend[:80], s.btyd)
            for s in training_set.snapshots
        ),
        90.0,
    )
    rare, common = (ChurnModel("pool").learn([s], origin).fitted_ for s in (few, training_set))

    assert rare.trees[0].events < common.trees[0].events
    assert rare.btyd_weight > common.btyd_weight
    for pool in (rare, common):
        events = pool.trees[0].events
        assert pool.btyd_weight == pytest.approx(1 / (1 + (events / EVEN_EVENTS) ** 0.5))


def test_trees_of_two_windows_weigh_the_same(training_set, shorter, origin, X):
    model = ChurnModel("pool").learn([training_set, shorter], origin)
    pool = model.fitted_
    longer, half = pool.trees
    btyd = origin.btyd.logit_no_order

    departures = [longer.raw(X) - btyd(X, 90.0), half.raw(X) - btyd(X, 45.0)]

    assert (longer.window_days, half.window_days) == (90.0, 45.0)
    share = 1 - pool.btyd_weight
    expected = btyd(X, 90.0) + share * np.mean(departures, axis=0) + pool.shift
    assert logit(risk(model, X)) == pytest.approx(expected)


@pytest.mark.parametrize("candidate", GROWN)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_a_single_outcome_no_trees_grow_and_mbg_nbd_stands_alone(X, candidate, outcome):
    training_set = TrainingSet.of(X, np.full(len(X), outcome))
    model = ChurnModel(candidate).learn([training_set], latest(training_set.snapshots))

    assert model.fitted_.trees == ()
    assert model.basis().startswith("MBG/NBD")
    assert risk(model, X) == pytest.approx(expit(model.btyd_.logit_no_order(X, 90.0)))


@pytest.mark.parametrize("mean", [0.001, 0.4, 0.999])
def test_a_shift_makes_the_mean_probability(mean):
    score = np.linspace(-5, 8, 1000)

    assert expit(score + shift_to(score, mean)).mean() == pytest.approx(mean, abs=1e-9)
