import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from training.evaluation import (
    MeanEstimate,
    RetentionCampaign,
    auuc,
    doubly_robust_scores,
    expected_maximum_profit,
    group_effect,
    policy_difference,
    policy_value,
    qini,
    uplift_at,
    uplift_metrics,
    uplift_table,
)

# Treated who responds, untreated who does not, untreated who responds, treated who does not.
OUTCOME, UPLIFT, TREATED = [1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0], [1, 0, 0, 1]

UNHURRIED = settings(deadline=None, max_examples=50)
ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=40
)

# What scikit-uplift 0.5.1 says of `experiment(seed, customers, levels)`: qini_auc_score,
# uplift_auc_score, uplift_at_k by strategy "overall" at 0.1, 0.2 and 0.3.
RECORDED = {
    (0, 400, 0): (
        0.05841723904038783,
        0.0414621683917158,
        (0.13032581453634084, 0.13333333333333336, 0.14249507181075755),
    ),
    (1, 400, 8): (0.07329409479236418, 0.06676520278086685, None),
    (2, 1000, 0): (
        0.06310865920165537,
        0.058111961719722986,
        (0.28835645229087853, 0.23150957213097603, 0.2630577092715539),
    ),
}


def experiment(seed, customers, levels):
    rng = np.random.default_rng(seed)
    uplift = rng.integers(0, levels, customers) / levels if levels else rng.random(customers)
    treated = (rng.random(customers) < 0.4).astype(int)
    outcome = (rng.random(customers) < 0.2 + 0.3 * uplift * treated).astype(int)
    return outcome, uplift, treated


def test_qini_of_a_hand_computed_ranking():
    # The curve is 0, 1, 1, 0.5, 0: area 2.5; at best 0, 1, 1, 1, 0: area 3; by chance 0.
    assert qini(OUTCOME, UPLIFT, TREATED) == pytest.approx(2.5 / 3)


def test_auuc_of_a_hand_computed_ranking():
    # Mean of treated less mean of untreated, times customers: 0, 1, 2, 1.5, 0; nothing is better.
    assert auuc(OUTCOME, UPLIFT, TREATED) == pytest.approx(1.0)
    # Backwards: 0, 0, -2, -1.5, 0, an area of -3.5 of at best 4.5.
    assert auuc(OUTCOME, UPLIFT[::-1], TREATED) == pytest.approx(-3.5 / 4.5)


def test_uplift_at_a_share_compares_those_within_it():
    assert uplift_at(OUTCOME, UPLIFT, TREATED, share=0.75) == pytest.approx(1 - 0.5)


def test_tied_customers_across_the_share_count_in_part():
    # Two thirds of the three tied ones: a treated half of a response beside an untreated none.
    tied = uplift_at([1, 0, 0, 1], [2.0, 2.0, 2.0, 1.0], [1, 1, 0, 0], share=0.5)
    assert tied == pytest.approx(0.5)


def test_uplift_at_a_share_with_one_arm_only_is_not_a_number():
    assert np.isnan(uplift_at(OUTCOME, UPLIFT, TREATED, share=0.25))


def test_the_curve_ends_where_everybody_is_treated():
    table = uplift_table([1, 0, 1, 1], [4.0, 3.0, 2.0, 1.0], [1, 0, 1, 0])
    # Two of two treated responded, one of two untreated.
    assert table["gained"].iloc[-1] == pytest.approx(1000 * (2 - 1) / 2)
    assert table["at_random"].iloc[50] == pytest.approx(250)


@pytest.mark.parametrize("case", RECORDED, ids=str)
def test_metrics_are_those_of_scikit_uplift(case):
    found = uplift_metrics(*experiment(*case))
    qini_score, uplift_auc, at = RECORDED[case]
    assert found["qini"] == pytest.approx(qini_score, abs=1e-12)
    assert found["auuc"] == pytest.approx(uplift_auc, abs=1e-12)
    if at:
        shares = [found[f"uplift_at_{percent}"] for percent in (10, 20, 30)]
        assert shares == pytest.approx(list(at), abs=1e-12)


@UNHURRIED
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_no_metric(rows, random):
    shuffled = random.sample(rows, len(rows))
    own = uplift_metrics(*np.array(rows).T)
    assert uplift_metrics(*np.array(shuffled).T) == pytest.approx(own, nan_ok=True)


@UNHURRIED
@given(ROWS)
def test_a_constant_ranking_has_a_qini_of_nothing(rows):
    outcome, _, treated = np.array(rows).T
    found = qini(outcome, np.zeros(len(rows)), treated)
    assert np.isnan(found) or found == pytest.approx(0, abs=1e-12)


def test_treated_must_be_true_or_false():
    with pytest.raises(ValueError, match="treated must be true or false"):
        qini(OUTCOME, UPLIFT, [0, 1, 2, 0])


def test_scores_mend_the_model_by_the_error_over_the_propensity():
    scores = doubly_robust_scores([1.0, 0.0], [1, 0], [0.25, 0.5], [[0.2, 0.6], [0.2, 0.6]])
    assert scores.tolist() == [[0.2, pytest.approx(0.6 + 0.4 / 0.25)], [pytest.approx(-0.2), 0.6]]


def test_a_policy_is_worth_the_mean_of_the_scores_it_chooses():
    scores = np.array([[0.0, 1.0], [2.0, 5.0], [4.0, 0.0]])
    assert policy_value(scores, [1, 1, 0]).value == pytest.approx(10 / 3)
    assert policy_difference(scores, [1, 1, 0], [0, 0, 0]).value == pytest.approx(4 / 3)


def test_an_estimate_has_the_interval_of_a_mean():
    found = MeanEstimate.of(np.array([1.0, 2.0, 3.0, 4.0]))
    error = stats.sem([1.0, 2.0, 3.0, 4.0])
    assert found.standard_error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx(
        (2.5 - 1.959964 * error, 2.5 + 1.959964 * error)
    )


def test_rows_of_one_customer_count_as_one():
    scores = np.array([1.0, 2.0, 4.0])
    twice = MeanEstimate.of(np.repeat(scores, 2), np.repeat(np.arange(3), 2))
    once = MeanEstimate.of(scores)
    assert (twice.value, twice.customers) == (pytest.approx(once.value), 3)
    assert twice.standard_error == pytest.approx(once.standard_error)


def test_one_customer_has_no_interval():
    found = MeanEstimate.of(np.array([1.0]))
    assert found.value == 1.0
    assert np.isnan(found.low)


def test_scores_are_right_on_average_if_the_model_is_wrong_but_the_propensities_are_right():
    rng = np.random.default_rng(0)
    x = rng.random(100_000)
    chance = 0.2 + 0.6 * x
    arm = (rng.random(len(x)) < chance).astype(int)
    outcome = x + arm * x + rng.normal(0, 0.1, len(x))
    received = np.where(arm == 1, chance, 1 - chance)
    scores = doubly_robust_scores(outcome, arm, received, np.zeros((len(x), 2)))
    effect = group_effect(scores, 1, x > 0.5)
    assert effect.low < 0.75 < effect.high
    assert effect.standard_error < 0.02


def test_scores_are_right_on_average_if_the_propensities_are_wrong_but_the_model_is_right():
    rng = np.random.default_rng(1)
    x = rng.random(100_000)
    arm = (rng.random(len(x)) < 0.2 + 0.6 * x).astype(int)
    outcome = x + arm * x + rng.normal(0, 0.1, len(x))
    scores = doubly_robust_scores(outcome, arm, np.full(len(x), 0.5), np.column_stack([x, 2 * x]))
    effect = group_effect(scores, 1, np.ones(len(x), dtype=bool))
    assert effect.low < 0.5 < effect.high


def test_the_interval_of_a_policy_holds_as_often_as_it_says():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        x = rng.random(500)
        arm = rng.integers(0, 2, 500)
        outcome = (rng.random(500) < 0.2 + 0.4 * x * arm).astype(float)
        expected = np.column_stack([np.full(500, 0.2), 0.2 + 0.3 * x])
        found = policy_value(
            doubly_robust_scores(outcome, arm, np.full(500, 0.5), expected), arm * 0 + 1
        )
        held += found.low <= 0.4 <= found.high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([1.0], [2], [0.5], [[0.1, 0.2]]), "arm must be a whole number from 0 to 1"),
        (([1.0], [1], [0.0], [[0.1, 0.2]]), "propensity must be in"),
        (([1.0], [1], [0.5], [0.1]), "expected must have shape"),
    ],
)
def test_scores_refuse_what_cannot_be(arguments, says):
    with pytest.raises(ValueError, match=says):
        doubly_robust_scores(*arguments)


def slow_expected_maximum_profit(churned, risk, campaign):
    """Integrate over gamma the best profit over all cuts."""
    order = np.argsort(-risk, kind="stable")
    lost = np.append(0, np.cumsum(churned[order])) / len(risk)
    stay = np.append(0, np.cumsum(1 - churned[order])) / len(risk)
    ends = np.append(0, np.flatnonzero(np.append(np.diff(risk[order]) != 0, True)) + 1)
    delta, phi = campaign.offer_cost / campaign.clv, campaign.contact_cost / campaign.clv

    def best(gamma):
        profit = campaign.clv * (
            (gamma * (1 - delta) - phi) * lost[ends] - (delta + phi) * stay[ends]
        )
        return profit.max() * stats.beta.pdf(gamma, campaign.alpha, campaign.beta)

    grid = np.linspace(0, 1, 4001)
    return integrate.simpson([best(gamma) for gamma in grid], x=grid)


@pytest.mark.parametrize("seed", range(3))
def test_expected_maximum_profit_is_the_integral_over_the_best_cuts(seed):
    rng = np.random.default_rng(seed)
    risk = rng.integers(0, 20, 60) / 20
    churned = (rng.random(60) < risk * 0.5).astype(float)
    slow = slow_expected_maximum_profit(churned, risk, RetentionCampaign())
    assert expected_maximum_profit(churned, risk).profit == pytest.approx(slow, abs=1e-4)


def test_a_perfect_forecast_earns_the_mean_save_rate_of_all_churners():
    found = expected_maximum_profit([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.2])
    # Half churn; of each 0.3 (200 - 10) is kept, and the contact costs 1.
    assert found.profit == pytest.approx(0.5 * (0.3 * 190 - 1), abs=1e-3)
    assert found.share == pytest.approx(0.5, abs=1e-3)


def test_nobody_is_contacted_where_nobody_churns():
    found = expected_maximum_profit([0, 0], [0.9, 0.1])
    assert (found.profit, found.share) == (0.0, 0.0)


def test_an_offer_dearer_than_the_customer_is_refused():
    with pytest.raises(ValueError, match="offer_cost must be below clv"):
        RetentionCampaign(clv=5.0)
