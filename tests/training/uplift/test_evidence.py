from math import hypot

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from training.errors import TrainingError
from training.evaluation import doubly_robust_scores
from training.uplift import UpliftModel
from training.uplift.calibration import (
    BETWEEN_OFFERS,
    BETWEEN_SHOPS,
    USUAL_EFFECT,
    Calibration,
    believed,
)
from training.uplift.crossfit import RICHER, STEADY, LearnerSetting, OutOfFold
from training.uplift.evidence import Evidence, group_effects, harmed, with_edges
from training.uplift.experiment import Experiment, folds_of
from training.uplift.policies import compare_policies, ranking_curve, ranking_metrics
from training.uplift.selection import (
    ENOUGH,
    SURE,
    compare_candidates,
    money_gains,
    ranking_gains,
)


def experiment(rows, seed=0, customer=None):
    rng = np.random.default_rng(seed)
    X = rng.random((rows, 3))
    arm = rng.integers(0, 2, rows)
    effect = np.where(X[:, 0] < 0.3, -0.15, 0.2 * X[:, 0])
    outcome = (rng.random(rows) < 0.3 + effect * arm).astype(float)
    who = np.arange(rows) if customer is None else customer
    return Experiment(X, outcome, arm, np.full(rows, 0.5), who, 1), effect


def test_group_intervals_hold_the_true_effect_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for seed in range(150):
        rows, effect = experiment(600, seed)
        # A crude model of what follows, and a noisy guess of the effect, of 3 folds.
        expected = np.column_stack([np.full(600, 0.3), np.full(600, 0.36)])
        guess = effect + rng.normal(0, 0.1, 600)
        fold = folds_of(rows, 3, seed)
        evidence = Evidence(("gift",), rows.scores(expected), guess[:, None], fold, np.arange(600))
        table = group_effects(evidence)
        for group, low, high in zip(table["group"], table["low"], table["high"], strict=True):
            mine = np.zeros(600, dtype=bool)
            for number in range(3):
                place = np.flatnonzero(fold == number)
                order = np.argsort(guess[place], kind="stable")
                mine[place[order][(group - 1) * 40 : group * 40]] = True
            held.append(low <= effect[mine].mean() <= high)
    assert len(held) == 750
    assert 0.93 <= np.mean(held) <= 0.97


def test_intervals_of_a_fitted_model_hold_too():
    held = []
    for seed in range(6):
        rows, effect = experiment(1200, 100 + seed)
        X = pd.DataFrame(rows.X, columns=["a", "b", "c"])
        offer = np.where(rows.arm == 1, "gift", "none")
        model = UpliftModel("dr_stumps", folds=3).fit(X, rows.outcome, offer, rows.propensity)
        predicted, fold = model.evidence_.effects[:, 0], model.evidence_.fold
        group = np.zeros(1200)
        for number in range(3):
            rank = pd.Series(predicted[fold == number]).rank().to_numpy()
            doubled = (2 * rank).astype(int)
            group[fold == number] = (doubled - 1) * 5 // (2 * len(rank)) + 1
        for row in model.effects_.itertuples():
            held.append(row.low <= effect[group == row.group].mean() <= row.high)
    assert len(held) >= 18
    assert np.mean(held) >= 0.85


def test_sleeping_dogs_are_found_and_left_alone():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"gap": rng.random(4000), "other": rng.random(4000)})
    sleeping = (X["gap"] < 0.3).to_numpy()
    offer = rng.choice(["none", "gift"], 4000)
    effect = np.where(sleeping, -0.25, 0.15)
    outcome = rng.random(4000) < 0.4 + effect * (offer == "gift")
    model = UpliftModel("dr_stumps").fit(X, outcome, offer)
    alone = model.leave_alone(X)["gift"].to_numpy()
    assert alone.dtype == bool
    assert alone[sleeping].mean() > 0.6
    # The fifth with the second lowest predictions is half sleeping dogs.
    assert alone[~sleeping].mean() < 0.2
    assert model.effects_["effect"].iloc[0] == pytest.approx(-0.25, abs=0.1)


def test_nobody_is_left_alone_where_an_offer_helps_all():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"gap": rng.random(1500)})
    offer = rng.choice(["none", "gift"], 1500)
    outcome = rng.random(1500) < 0.3 + 0.2 * (offer == "gift")
    model = UpliftModel("dr_stumps", folds=2).fit(X, outcome, offer)
    assert not model.leave_alone(X).any(axis=None)
    assert model.calibration_["gift"].mean == pytest.approx(0.2, abs=0.08)


def test_customers_join_the_group_that_their_prediction_reaches():
    table = pd.DataFrame({"offer": "gift", "group": [1, 2], "high": [-0.1, 0.3]})
    edged = with_edges(table, pd.DataFrame({"gift": [-0.2, -0.1, 0.1, 0.2] + [0.3] * 6}))
    # Six of ten are tied in the middle of a higher group, so none is in the second.
    assert edged["from_uplift"].tolist() == [-0.2, 0.1]
    found = harmed(edged, pd.Series([-0.5, 0.0, 0.1, 0.4]))
    assert found.tolist() == [True, True, False, False]


def test_calibration_keeps_the_share_of_differences_that_is_real():
    predicted = np.array([-2.0, -1.0, 1.0, 2.0])
    found = Calibration.of(3.0 + 0.5 * predicted, predicted, 2, 1e9)
    assert (found.mean, found.slope) == (pytest.approx(3.0), pytest.approx(0.5))
    assert found.apply(np.array([2.0])) == pytest.approx([4.0])


@pytest.mark.parametrize(("true_slope", "kept"), [(-1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (3.0, 3.0)])
def test_differences_are_held_back_or_stretched_as_far_as_they_are_known(true_slope, kept):
    predicted = np.array([-2.0, -1.0, 1.0, 2.0])
    found = Calibration.of(3.0 + true_slope * predicted, predicted, 2, 1e9)
    assert found.slope == pytest.approx(kept)


def test_a_timid_learner_is_stretched_the_more_the_surer_that_is():
    rng = np.random.default_rng(1)
    slopes = []
    for rows in (500, 5000, 200_000):
        predicted = rng.normal(0, 0.1, rows)
        found = Calibration.of(2.0 * predicted + rng.normal(0, 1, rows), predicted, 10**6, 1.0)
        slopes.append(found.slope)
    assert slopes[0] < slopes[1] < slopes[2]
    assert slopes[2] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("offered", "usual"), [(130, 1 / 11), (1300, 0.5), (11_700, 0.9)])
def test_a_slope_that_is_hardly_known_is_what_is_usual_of_so_many_customers(offered, usual):
    rng = np.random.default_rng(0)
    found = Calibration.of(rng.normal(0, 1, 500), rng.normal(0, 0.01, 500), offered, 1.0)
    assert found.slope_error > 3
    assert found.slope == pytest.approx(usual, abs=0.1)


def calibrated_mean(z, error_by_scale):
    """How far from the usual effect a mean goes that was seen so many standard errors from it.

    As a share of the way, and its doubt in those errors.
    """
    spread = 1.0 / (hypot(BETWEEN_SHOPS, BETWEEN_OFFERS) * error_by_scale)
    usual = USUAL_EFFECT * spread
    change = usual + z + np.array([1.0, -1.0])
    found = Calibration.of(change, np.array([0.3, 0.3]), 1, spread)
    assert found.mean_seen == pytest.approx(usual + z)
    return (found.mean - usual) / z, found.mean_doubt


def test_a_mean_is_believed_as_far_as_it_is_known():
    # The standard error is 1. Hardly known beside what is usual: that; surely known: as seen.
    assert calibrated_mean(1.0, 4.0)[0] < 0.15
    assert 0.3 < calibrated_mean(1.0, 1.0)[0] < 0.6
    assert calibrated_mean(1.0, 0.1)[0] > 0.97
    shares = [calibrated_mean(z, 1.0)[0] for z in (1.0, 3.0, 8.0)]
    assert shares == sorted(shares) and shares[-1] > 0.9
    assert calibrated_mean(1.0, 0.1)[1] == pytest.approx(1.0, abs=0.05)


def test_what_is_believed_is_bayes_rule():
    """By brute force on a fine grid, for errors far below and far above the prior's scale."""
    for scale, error, seen in [(0.1, 0.03, 0.5), (0.1, 0.1, -0.2), (0.1, 2.0, 3.0)]:
        at = np.linspace(-30, 30, 600_001)
        weight = stats.t.pdf(at / scale, 3) * stats.norm.pdf((at - seen) / error)
        weight /= weight.sum()
        low, high = np.interp((0.05, 0.95), np.cumsum(weight), at)
        mean, doubt = believed(0.0, scale, seen, error)
        assert mean == pytest.approx(float(weight @ at), rel=1e-3)
        assert doubt == pytest.approx((high - low) / (2 * 1.645), rel=0.02)


def test_equal_predictions_calibrate_to_the_mean_effect():
    found = Calibration.of(np.array([0.5, 0.5]), np.array([0.3, 0.3]), 1, 1.0)
    assert found.apply(np.array([0.3, 9.0])).tolist() == [0.5, 0.5]


def test_the_gain_of_a_ranking_by_hand():
    # Places 2/3 and 1/3 less a half, times changes of 1 and -1: a sixth each.
    scores = np.array([[0.0, 1.0], [0.0, -1.0]])
    gains = ranking_gains(scores, np.array([[0.9], [0.1]]), np.zeros(2, dtype=np.int64))
    assert gains == pytest.approx([1 / 6, 1 / 6])


def test_equal_predictions_gain_nothing():
    rows, _ = experiment(200)
    scores = rows.scores(np.full((200, 2), 0.3))
    gains = ranking_gains(scores, np.zeros((200, 1)), np.zeros(200, dtype=np.int64))
    assert gains.mean() == pytest.approx(0, abs=1e-12)


def out_of_fold(effects, rows, fold):
    scores = rows.scores(np.full((len(rows), 2), 0.3))
    offered = (int((rows.arm == 1).sum()),)
    return OutOfFold(scores, effects, fold, offered, float(rows.outcome.std()))


def test_a_much_better_learner_beats_a_steadier_one_and_a_tie_does_not():
    rows, effect = experiment(4000)
    steady, good, same = LearnerSetting("dr", 25), LearnerSetting("x", 50), LearnerSetting("t", 100)
    noise = np.random.default_rng(0).random((4000, 1))
    effects = {steady: noise, good: effect[:, None], same: effect[:, None] + 1e-3 * noise}
    found = out_of_fold(effects, rows, folds_of(rows, 2, 0))
    chosen, table = compare_candidates(found, [steady, good, same])
    assert chosen == good
    assert table["chosen"].tolist() == [False, True, False]
    assert table["ahead"].iloc[1] > SURE * table["ahead_standard_error"].iloc[1]


def test_among_the_steady_one_standard_error_is_enough():
    rows, effect = experiment(3000)
    rng = np.random.default_rng(4)
    guesses = [effect + rng.normal(0, noise, 3000) for noise in (0.3, 0.1)]
    fold = folds_of(rows, 2, 0)

    def chosen(*candidates):
        effects = {c: g[:, None] for c, g in zip(candidates, guesses, strict=True)}
        return compare_candidates(out_of_fold(effects, rows, fold), candidates)

    _, table = chosen(*STEADY)
    z = float(table["ahead"].iloc[1] / table["ahead_standard_error"].iloc[1])
    assert ENOUGH < z < SURE
    assert table["chosen"].tolist() == [False, True]
    _, table = chosen(*RICHER[:2])
    assert table["chosen"].tolist() == [True, False]


def test_the_gain_in_money_is_highest_for_the_true_effects():
    rows, effect = experiment(20_000)
    true, double, none = (LearnerSetting("t", rounds) for rounds in (1, 2, 3))
    effects = {true: effect[:, None], double: -effect[:, None], none: 0 * effect[:, None]}
    found = out_of_fold(effects, rows, folds_of(rows, 5, 0))
    gains = {c: money_gains(found, c).mean() for c in effects}
    # The true effects gain half of their mean square, the mean effect alone half of its square.
    assert gains[true] == pytest.approx((effect**2).mean() / 2, rel=0.2)
    assert gains[none] == pytest.approx(effect.mean() ** 2 / 2, abs=6e-4)
    assert gains[double] == pytest.approx(gains[none], abs=1e-3)


def test_folds_spread_arms_and_outcomes_and_part_no_customer():
    rows, _ = experiment(300, customer=np.arange(300) // 3)
    fold = folds_of(rows, 5, 0)
    assert pd.Series(fold).groupby(rows.customer).nunique().max() == 1
    assert set(fold) == set(range(5))
    alone, _ = experiment(1000)
    shares = pd.Series(alone.outcome).groupby([alone.arm, folds_of(alone, 5, 0)]).sum()
    assert (shares.groupby(level=0).max() - shares.groupby(level=0).min()).max() <= 1


def evidence_of(rows, effect, offers=("gift",)):
    scores = rows.scores(np.full((len(rows), 2), 0.3))
    if len(offers) == 2:
        scores = np.column_stack([scores, scores[:, 0]])
        effect = np.column_stack([effect, np.zeros(len(rows))])
    effects = effect.reshape(len(rows), -1)
    return Evidence(offers, scores, effects, folds_of(rows, 2, 0), rows.customer)


def test_ranking_by_true_uplift_is_ahead_of_every_other_policy():
    rows, effect = experiment(6000)
    risk = np.random.default_rng(1).random(6000)
    table = compare_policies(evidence_of(rows, effect), {"risk": risk}, share=0.3)
    others = table[table["policy"].isin(["risk", "random", "treat_none"])]
    assert (others["ahead_low"] > 0).all()
    assert (table["low"] <= table["value"]).all()


def test_a_share_at_random_is_worth_that_share_of_treating_all():
    rows, effect = experiment(500)
    table = compare_policies(evidence_of(rows, effect), {}, share=0.2).set_index("policy")["value"]
    expected = 0.8 * table["treat_none"] + 0.2 * table["treat_all"]
    assert table["random"] == pytest.approx(expected)


def test_a_ranking_that_ties_all_is_worth_as_much_as_chance():
    rows, effect = experiment(500)
    table = compare_policies(evidence_of(rows, effect), {"flat": np.ones(500)})
    value = table.set_index("policy")["value"]
    assert value["flat"] == pytest.approx(value["random"])


def test_several_offers_are_compared_by_each_customers_own_best():
    rows, effect = experiment(6000)
    table = compare_policies(evidence_of(rows, effect, ("gift", "idle")), {}, share=0.99)
    best = table[table["offer"] == "best offer"].set_index("policy")
    assert table["offer"].unique().tolist() == ["gift", "idle", "best offer"]
    # Sleeping dogs get the idle offer instead of the gift.
    assert best.loc["treat_all", "ahead_low"] > 0


def test_a_ranking_of_other_rows_is_refused():
    rows, effect = experiment(100)
    with pytest.raises(TrainingError, match="risk must have a value for each of 100 rows"):
        compare_policies(evidence_of(rows, effect), {"risk": [1.0]})


def test_ranking_metrics_have_intervals_around_them():
    rows, effect = experiment(3000)
    offer = np.where(rows.arm == 1, "gift", "none")
    table = ranking_metrics(evidence_of(rows, effect), rows.outcome, offer)
    assert table["metric"].tolist() == [
        "qini", "auuc", "uplift_at_10", "uplift_at_20", "uplift_at_30",
    ]  # fmt: skip
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert table["low"].iloc[0] > 0
    curve = ranking_curve(evidence_of(rows, effect), "gift", rows.outcome, offer)
    assert curve["gained"].iloc[50] > curve["at_random"].iloc[50]
    assert curve["gained"].between(curve["low"], curve["high"]).all()
    assert (curve["high"] - curve["low"]).iloc[[0, 50]].gt(0).tolist() == [False, True]


def test_rows_of_another_offer_count_only_by_what_is_expected():
    rows, _ = experiment(6)
    arm = np.array([0, 1, -1, 0, 1, -1])
    mixed = Experiment(rows.X, rows.outcome, arm, rows.propensity, rows.customer, 1)
    expected = np.full((6, 2), 0.25)
    scores = mixed.scores(expected)
    assert scores[arm < 0].tolist() == [[0.25, 0.25]] * 2
    known = doubly_robust_scores(rows.outcome[:2], [0, 1], [0.5, 0.5], expected[:2])
    np.testing.assert_allclose(scores[:2], known)
