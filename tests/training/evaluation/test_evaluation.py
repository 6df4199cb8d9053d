import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn import metrics

from training import evaluation

Floats = NDArray[np.float64]

CHURNED = np.array([True, False, True, False, False])
RISK = np.array([0.9, 0.6, 0.6, 0.3, 0.2])
SPEND = np.array([0.0, 10.0, 0.0, 30.0])
FORECAST = np.array([4.0, 9.0, 1.0, 16.0])

# A busy machine must not fail a law.
UNHURRIED = settings(deadline=None, max_examples=50)

# Few distinct values, so that ties are common.
RISKS = st.integers(0, 20).map(lambda step: step / 20)
MONEY = st.integers(0, 12).map(lambda step: step * 2.5)


def outcomes(
    first: st.SearchStrategy[float], second: st.SearchStrategy[float]
) -> st.SearchStrategy[tuple[Floats, ...]]:
    rows = st.lists(st.tuples(first, second), min_size=1, max_size=40)
    return rows.map(lambda pairs: tuple(np.array(column) for column in zip(*pairs, strict=True)))


CHURN = outcomes(st.sampled_from([0.0, 1.0]), RISKS)
VALUE = outcomes(MONEY, MONEY)


def test_auc_counts_a_tie_as_half():
    assert evaluation.auc(CHURNED, RISK) == pytest.approx(5.5 / 6)


def test_average_precision_of_a_hand_computed_example():
    assert evaluation.average_precision(CHURNED, RISK) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_log_loss_of_a_hand_computed_example():
    expected = -math.log(0.9 * 0.4 * 0.6 * 0.7 * 0.8) / 5
    assert evaluation.log_loss(CHURNED, RISK) == pytest.approx(expected)


def test_brier_of_a_hand_computed_example():
    assert evaluation.brier(CHURNED, RISK) == pytest.approx((0.01 + 0.36 + 0.16 + 0.09 + 0.04) / 5)


def test_ece_weights_each_group_of_equal_risk_by_its_customers():
    churned = [1, 1, 0, 0, 0, 0]
    risk = [0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert evaluation.ece(churned, risk) == pytest.approx(0.0 * 4 / 6 + 0.25 * 2 / 6)


def test_skill_is_the_share_of_the_base_rates_log_loss_avoided():
    expected = 1 - math.log(0.8) / math.log(0.5)
    assert evaluation.skill([1, 0], [0.8, 0.2], base_rate=0.5) == pytest.approx(expected)


def test_skill_of_the_base_rate_itself_is_zero():
    assert evaluation.skill(CHURNED, np.full(5, 0.3), base_rate=0.3) == 0


@pytest.mark.parametrize("base_rate", [0, 1])
def test_skill_is_undefined_against_a_certainty(base_rate):
    assert math.isnan(evaluation.skill(CHURNED, RISK, base_rate))


def test_errors_in_currency_of_a_hand_computed_example():
    assert evaluation.mae(SPEND, FORECAST) == pytest.approx((4 + 1 + 1 + 14) / 4)
    assert evaluation.mae_over_mean_spend(SPEND, FORECAST) == pytest.approx(5 / 10)
    assert evaluation.rmse(SPEND, FORECAST) == pytest.approx(math.sqrt((16 + 1 + 1 + 196) / 4))
    assert evaluation.total_bias(SPEND, FORECAST) == pytest.approx(30 / 40 - 1)


def test_forecasting_nothing_has_an_mae_of_the_mean_spend():
    assert evaluation.mae_over_mean_spend(SPEND, np.zeros(4)) == 1


def test_spearman_gives_ties_their_mean_rank():
    # Ranks of spend 1.5, 3, 1.5, 4 and of forecast 2, 3, 1, 4, both around 2.5.
    assert evaluation.spearman(SPEND, FORECAST) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_normalised_gini_of_a_hand_computed_example():
    # Ranks around their mean: by forecast -0.5, -1.5, 0.5, 1.5, by spend -1, 0.5, -1, 1.5.
    found = evaluation.normalised_gini(SPEND, [2.0, 1.0, 3.0, 4.0])
    assert found == pytest.approx((10 * -1.5 + 30 * 1.5) / (10 * 0.5 + 30 * 1.5))


def test_normalised_gini_of_the_reverse_ranking_is_minus_one():
    assert evaluation.normalised_gini([1.0, 2.0, 5.0], [3.0, 2.0, 1.0]) == -1


def test_tweedie_deviance_of_a_hand_computed_example():
    # Power 1.5: 4 (sqrt(m) - 2 sqrt(y) + y / sqrt(m)).
    first, second = 4 * math.sqrt(4), 4 * (5 - 2 * 4 + 16 / 5)
    found = evaluation.tweedie_deviance([0.0, 16.0], [4.0, 25.0])
    assert found == pytest.approx((first + second) / 2)


def test_tweedie_deviance_floors_forecasts_at_a_hundredth_of_mean_spend():
    spend = [0.0, 200.0]
    expected = metrics.mean_tweedie_deviance(spend, [1.0, 1.0], power=1.5)
    assert evaluation.tweedie_deviance(spend, [0.0, 0.5]) == pytest.approx(expected)


def test_top_20_capture_is_what_the_highest_fifth_of_forecasts_spent():
    spend = [40.0, 10.0, 0.0, 0.0, 50.0]
    assert evaluation.top_20_capture(spend, [9.0, 8.0, 1.0, 2.0, 3.0]) == pytest.approx(0.4)


def test_top_20_capture_counts_a_fraction_of_the_customer_on_the_boundary():
    assert evaluation.top_20_capture(SPEND, FORECAST) == pytest.approx(0.8 * 30 / 40)


def test_top_20_capture_shares_the_boundary_among_equal_forecasts():
    assert evaluation.top_20_capture([0.0, 30.0, 0.0, 0.0, 10.0], np.ones(5)) == pytest.approx(0.2)


def test_decile_mape_of_a_hand_computed_example():
    found = evaluation.decile_mape([1.0, 2.0, 10.0], [2.0, 3.0, 5.0])
    assert found == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_decile_mape_joins_a_decile_without_spend_to_the_next_higher_one():
    # By forecast: 1 -> 0, 4 -> 0 and 9 -> 10 are one group of three, 16 -> 30 stands alone.
    assert evaluation.decile_mape(SPEND, FORECAST) == pytest.approx((3 * 4 / 10 + 14 / 30) / 4)


def test_decile_mape_joins_a_top_decile_without_spend_to_the_next_lower_one():
    assert evaluation.decile_mape([4.0, 6.0, 0.0], [4.0, 5.0, 7.0]) == pytest.approx(
        (0 + 2 * 1) / 3
    )


def test_churn_metrics_come_in_a_fixed_order():
    found = evaluation.churn_metrics(CHURNED, RISK, base_rate=0.4)
    names = "auc average_precision log_loss brier ece skill mean_risk churn_rate"
    assert list(found) == names.split()
    assert found["mean_risk"] == pytest.approx(0.52)
    assert found["churn_rate"] == pytest.approx(0.4)


def test_value_metrics_come_in_a_fixed_order():
    names = (
        "mae mae_over_mean_spend rmse total_bias spearman normalised_gini tweedie_deviance "
        "top_20_capture decile_mape"
    )
    assert list(evaluation.value_metrics(SPEND, FORECAST)) == names.split()


@pytest.mark.parametrize("everybody", [0, 1])
def test_only_ranking_is_undefined_where_all_customers_share_one_fate(everybody):
    found = evaluation.churn_metrics(np.full(5, everybody), RISK, base_rate=0.5)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"auc", "average_precision"}


def test_only_absolute_errors_are_defined_where_nobody_spent():
    found = evaluation.value_metrics(np.zeros(4), FORECAST)
    assert {name for name, value in found.items() if not math.isnan(value)} == {"mae", "rmse"}


def test_spearman_of_a_constant_forecast_is_undefined():
    assert math.isnan(evaluation.spearman(SPEND, np.ones(4)))


@pytest.mark.parametrize(
    ("churned", "risk", "message"),
    [
        ([1, 0], [0.5, 1.2], r"churn_risk must be between 0 and 1; got 1.2 at position 1"),
        ([1, 0], [-0.1, 0.5], r"churn_risk must be between 0 and 1; got -0.1 at position 0"),
        ([1, 0], [0.5, math.nan], r"churn_risk must be finite; got nan at position 1"),
        ([1, 0], [0.5], r"churn_risk must be as long as churned \(2\); got 1"),
        ([1, 0.5], [0.5, 0.5], r"churned must be true or false \(1 or 0\); got 0.5 at position 1"),
        ([None, 1], [0.5, 0.5], r"churned must be finite; got nan"),
        ([], [], r"churned must hold at least one customer; got none"),
        ([[1, 0]], [[0.5, 0.5]], r"churned must be one-dimensional; got shape \(1, 2\)"),
        (["yes", "no"], [0.5, 0.5], r"churned must be numbers; got something else"),
    ],
)
def test_unusable_churn_input_is_refused_with_the_reason(churned, risk, message):
    with pytest.raises(ValueError, match=message):
        evaluation.churn_metrics(churned, risk, base_rate=0.5)


@pytest.mark.parametrize(
    ("spend", "forecast", "message"),
    [
        ([-3.0, 1.0], [1.0, 1.0], r"spend must be 0 or more; got -3.0 at position 0"),
        ([3.0, 1.0], [1.0, -1.0], r"forecast must be 0 or more; got -1.0 at position 1"),
        ([3.0, math.inf], [1.0, 1.0], r"spend must be finite; got inf at position 1"),
        ([3.0, 1.0], [1.0, 1.0, 1.0], r"forecast must be as long as spend \(2\); got 3"),
    ],
)
def test_unusable_value_input_is_refused_with_the_reason(spend, forecast, message):
    with pytest.raises(ValueError, match=message):
        evaluation.value_metrics(spend, forecast)


@pytest.mark.parametrize("base_rate", [-0.1, 1.1, math.nan])
def test_a_base_rate_that_is_no_share_is_refused(base_rate):
    with pytest.raises(ValueError, match="base_rate must be between 0 and 1"):
        evaluation.churn_metrics(CHURNED, RISK, base_rate)


def test_the_arrays_given_are_left_untouched():
    spend, forecast = SPEND.copy(), FORECAST.copy()
    evaluation.value_metrics(spend, forecast)
    np.testing.assert_array_equal(spend, SPEND)
    np.testing.assert_array_equal(forecast, FORECAST)


def test_calibration_table_splits_customers_into_groups_of_equal_size():
    table = evaluation.calibration_table([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.8, 0.9], bins=3)
    assert table["customers"].tolist() == [2, 2, 2]
    assert table["lowest_risk"].tolist() == [0.1, 0.3, 0.8]
    assert table["highest_risk"].tolist() == [0.2, 0.4, 0.9]
    assert table["mean_risk"].tolist() == pytest.approx([0.15, 0.35, 0.85])
    assert table["churn_rate"].tolist() == [0.0, 0.5, 1.0]


def test_calibration_interval_is_wilsons():
    # Agresti & Coull (1998): 0 of 10 has the Wilson interval [0, z^2 / (10 + z^2)], z = 1.96.
    row = evaluation.calibration_table(np.zeros(10), np.full(10, 0.2)).iloc[0]
    assert row["churn_rate_low"] == 0
    assert row["churn_rate_high"] == pytest.approx(1.959964**2 / (10 + 1.959964**2), abs=1e-6)


def test_customers_of_equal_risk_stay_in_one_bin():
    table = evaluation.calibration_table([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.9], bins=4)
    assert table["customers"].tolist() == [3, 1]


@pytest.mark.parametrize("bins", [0, -1])
def test_a_table_without_bins_is_refused(bins):
    with pytest.raises(ValueError, match=f"bins must be at least 1; got {bins}"):
        evaluation.calibration_table(CHURNED, RISK, bins)


def test_gain_table_follows_the_customers_in_order_of_score():
    table = evaluation.gain_table([10.0, 0.0, 30.0, 0.0], [4.0, 3.0, 2.0, 1.0]).iloc[::25]
    assert table["share_of_customers"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert table["captured"].tolist() == [0, 0.25, 0.25, 1, 1]
    assert table["captured_at_best"].tolist() == [0, 0.75, 1, 1, 1]


def test_gain_table_without_an_outcome_is_undefined():
    table = evaluation.gain_table(np.zeros(3), [1.0, 2.0, 3.0])
    assert table[["captured", "captured_at_best"]].isna().all(axis=None)


def test_gain_table_refuses_a_negative_outcome():
    with pytest.raises(ValueError, match=r"outcome must be 0 or more; got -1.0 at position 1"):
        evaluation.gain_table([1.0, -1.0], [1.0, 2.0])


def test_decile_table_numbers_deciles_from_the_lowest_forecast():
    table = evaluation.decile_table(np.arange(20.0)[::-1], np.arange(20.0))
    assert table["decile"].tolist() == list(range(1, 11))
    assert table["customers"].tolist() == [2] * 10
    assert table["mean_forecast"].iloc[[0, -1]].tolist() == [0.5, 18.5]
    assert table["mean_spend"].iloc[[0, -1]].tolist() == [18.5, 0.5]


def test_equal_forecasts_stand_in_the_decile_of_their_middle():
    table = evaluation.decile_table(np.ones(10), [0, 0, 0, 0, 0, 6, 7, 8, 9, 10])
    expected = pd.DataFrame({"decile": [3, 6, 7, 8, 9, 10], "customers": [5, 1, 1, 1, 1, 1]})
    pd.testing.assert_frame_equal(table[["decile", "customers"]], expected)


@UNHURRIED
@given(CHURN, st.randoms())
def test_row_order_changes_no_churn_metric(rows, random):
    order = random.sample(range(len(rows[0])), len(rows[0]))
    expected = evaluation.churn_metrics(*rows, base_rate=0.3)
    shuffled = (column[order] for column in rows)
    assert evaluation.churn_metrics(*shuffled, base_rate=0.3) == pytest.approx(
        expected, nan_ok=True
    )


@UNHURRIED
@given(VALUE, st.randoms())
def test_row_order_changes_no_value_metric(rows, random):
    order = random.sample(range(len(rows[0])), len(rows[0]))
    expected = evaluation.value_metrics(*rows)
    shuffled = (column[order] for column in rows)
    assert evaluation.value_metrics(*shuffled) == pytest.approx(expected, nan_ok=True)


@UNHURRIED
@given(CHURN)
def test_auc_does_not_change_under_a_rising_map_of_the_risk(rows):
    churned, risk = rows
    expected = evaluation.auc(churned, risk)
    assert evaluation.auc(churned, 0.1 + risk**3 / 2) == pytest.approx(expected, nan_ok=True)


@UNHURRIED
@given(CHURN)
def test_auc_of_the_reversed_risk_is_its_complement(rows):
    churned, risk = rows
    expected = 1 - evaluation.auc(churned, risk)
    assert evaluation.auc(churned, 1 - risk) == pytest.approx(expected, nan_ok=True)


@UNHURRIED
@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 1.0])))
def test_the_truth_itself_is_a_perfect_forecast(churned):
    found = evaluation.churn_metrics(churned, churned, base_rate=0.5)
    assert [found[name] for name in ("log_loss", "brier", "ece")] == pytest.approx([0, 0, 0])
    assert found["skill"] == pytest.approx(1)


@UNHURRIED
@given(VALUE)
def test_gini_of_the_perfect_ranking_is_one(rows):
    spend, _ = rows
    expected = 1 if len(set(spend)) > 1 else math.nan
    assert evaluation.normalised_gini(spend, spend) == pytest.approx(expected, nan_ok=True)


@UNHURRIED
@given(VALUE)
def test_gini_of_a_constant_forecast_is_zero(rows):
    spend, _ = rows
    expected = 0 if len(set(spend)) > 1 else math.nan
    found = evaluation.normalised_gini(spend, np.ones_like(spend))
    assert found == pytest.approx(expected, nan_ok=True)


@UNHURRIED
@given(VALUE, st.floats(0.1, 10))
def test_scaling_the_forecast_scales_the_total_and_keeps_the_ranking(rows, factor):
    spend, forecast = rows
    before = evaluation.value_metrics(spend, forecast)
    after = evaluation.value_metrics(spend, forecast * factor)
    expected = factor * (before["total_bias"] + 1) - 1
    assert after["total_bias"] == pytest.approx(expected, nan_ok=True)
    for name in ("spearman", "normalised_gini", "top_20_capture"):
        assert after[name] == pytest.approx(before[name], nan_ok=True)


@UNHURRIED
@given(VALUE, st.floats(0.01, 100))
def test_another_currency_changes_only_the_metrics_in_currency(rows, rate):
    before = evaluation.value_metrics(*rows)
    after = evaluation.value_metrics(*(column * rate for column in rows))
    powers = {"mae": 1, "rmse": 1, "tweedie_deviance": 2 - evaluation.TWEEDIE_POWER}
    expected = {name: value * rate ** powers.get(name, 0) for name, value in before.items()}
    assert after == pytest.approx(expected, nan_ok=True, abs=1e-9)


@UNHURRIED
@given(VALUE)
def test_no_ranking_captures_more_than_the_best(rows):
    table = evaluation.gain_table(*rows)
    if rows[0].any():
        assert (table["captured"] <= table["captured_at_best"] + 1e-12).all()
        assert (table["captured"].diff().dropna() >= -1e-12).all()
        assert table["captured"].iloc[[0, -1]].tolist() == [0, 1]


@UNHURRIED
@given(CHURN, st.integers(1, 15))
def test_calibration_table_accounts_for_every_customer(rows, bins):
    churned, risk = rows
    table = evaluation.calibration_table(churned, risk, bins)
    assert len(table) <= bins
    assert table["customers"].sum() == len(churned)
    assert table["customers"] @ table["churn_rate"] == pytest.approx(churned.sum())
    assert (table["highest_risk"].shift().iloc[1:] < table["lowest_risk"].iloc[1:]).all()
    assert (table["churn_rate"] >= table["churn_rate_low"] - 1e-12).all()
    assert (table["churn_rate"] <= table["churn_rate_high"] + 1e-12).all()


@UNHURRIED
@given(st.integers(1, 200), st.integers(1, 12))
def test_bins_of_distinct_risks_differ_by_at_most_one_customer(customers, bins):
    risk = np.linspace(0, 1, customers)
    sizes = evaluation.calibration_table(np.zeros(customers), risk, bins)["customers"]
    assert len(sizes) == min(customers, bins)
    assert sizes.max() - sizes.min() <= 1


@UNHURRIED
@given(VALUE)
def test_decile_table_keeps_both_totals(rows):
    spend, forecast = rows
    table = evaluation.decile_table(spend, forecast)
    assert table["customers"] @ table["mean_spend"] == pytest.approx(spend.sum())
    assert table["customers"] @ table["mean_forecast"] == pytest.approx(forecast.sum())


@UNHURRIED
@given(VALUE)
def test_a_perfect_forecast_has_no_decile_error(rows):
    spend, _ = rows
    expected = 0 if spend.any() else math.nan
    assert evaluation.decile_mape(spend, spend) == pytest.approx(expected, nan_ok=True)


def slow_auc(churned: Floats, risk: Floats) -> float:
    pairs = list(product(risk[churned == 1], risk[churned == 0]))
    return sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs) if pairs else math.nan


def slow_gini(spend: Floats, forecast: Floats) -> float:
    """Over all pairs: spend that the forecast puts in the right order, less the wrong."""
    customers = range(len(spend))

    def ordered(score: Floats) -> float:
        return sum(
            (spend[i] - spend[j]) * np.sign(score[i] - score[j])
            for i in customers
            for j in customers
        )

    best = ordered(spend)
    return ordered(forecast) / best if best else math.nan


def slow_capture(spend: Floats, forecast: Floats) -> float:
    """Walk down the ranking, one group of equal forecasts at a time."""
    room, held = 0.2 * len(spend), 0.0
    for score in sorted(set(forecast), reverse=True):
        group = [s for s, f in zip(spend, forecast, strict=True) if f == score]
        held += sum(group) * min(1, room / len(group))
        room = max(0, room - len(group))
    return held / sum(spend) if sum(spend) else math.nan


def slow_ece(churned: Floats, risk: Floats) -> float:
    """Assign each customer to a bin by counting the customers below and level with it."""
    bins: dict[int, list[tuple[float, float]]] = {}
    for outcome, own in zip(churned, risk, strict=True):
        below, level = sum(risk < own), sum(risk == own)
        place = int((2 * below + level) * 10 // (2 * len(risk)))
        bins.setdefault(place, []).append((own, outcome))
    return sum(abs(sum(p - y for p, y in members)) for members in bins.values()) / len(risk)


@pytest.mark.parametrize(
    ("metric", "oracle"), [(evaluation.auc, slow_auc), (evaluation.ece, slow_ece)]
)
@UNHURRIED
@given(rows=CHURN)
def test_churn_metric_agrees_with_a_slow_computation(metric, oracle, rows):
    assert metric(*rows) == pytest.approx(oracle(*rows), nan_ok=True, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [(evaluation.normalised_gini, slow_gini), (evaluation.top_20_capture, slow_capture)],
)
@UNHURRIED
@given(rows=VALUE)
def test_value_metric_agrees_with_a_slow_computation(metric, oracle, rows):
    assert metric(*rows) == pytest.approx(oracle(*rows), nan_ok=True, abs=1e-12)


@UNHURRIED
@given(CHURN)
def test_gini_of_a_yes_or_no_outcome_is_twice_the_auc_less_one(rows):
    churned, risk = rows
    expected = 2 * evaluation.auc(churned, risk) - 1
    found = evaluation.normalised_gini(churned, risk)
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-12)


@UNHURRIED
@given(VALUE)
def test_tweedie_deviance_is_scikit_learns_where_no_forecast_is_floored(rows):
    spend, forecast = rows[0] + 1, rows[1] + 1
    expected = metrics.mean_tweedie_deviance(spend, forecast, power=1.5)
    assert evaluation.tweedie_deviance(spend, forecast) == pytest.approx(expected)


def mean_forecast(_: Floats, forecast: Floats) -> float:
    return float(forecast.mean())


def test_a_constant_difference_has_an_interval_of_no_width():
    b = np.array([1.0, 5.0, 9.0, 13.0])
    found = evaluation.paired_bootstrap(mean_forecast, b, b + 2, b, seed=1, rounds=50)
    assert found == evaluation.PairedDifference(difference=2, low=2, high=2, rounds=50)


def test_bootstrap_interval_matches_the_normal_one_for_a_mean():
    generator = np.random.default_rng(3)
    spend, a, b = generator.gamma(2, 10, size=(3, 2000))
    found = evaluation.paired_bootstrap(evaluation.mae, spend, a, b, seed=4)
    each = np.abs(spend - a) - np.abs(spend - b)
    width = 1.96 * each.std() / math.sqrt(2000)
    assert found.difference == pytest.approx(each.mean())
    assert found.low == pytest.approx(each.mean() - width, abs=0.1 * width)
    assert found.high == pytest.approx(each.mean() + width, abs=0.1 * width)


def test_bootstrap_repeats_itself_for_a_seed_and_only_for_it():
    def run(seed: int) -> evaluation.PairedDifference:
        return evaluation.paired_bootstrap(
            evaluation.brier, CHURNED, RISK, RISK**2, seed=seed, rounds=30
        )

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_swapping_the_forecasts_mirrors_the_interval():
    def run(a: Floats, b: Floats) -> evaluation.PairedDifference:
        return evaluation.paired_bootstrap(evaluation.brier, CHURNED, a, b, seed=5, rounds=99)

    found, mirrored = run(RISK, RISK**2), run(RISK**2, RISK)
    assert (found.difference, found.low, found.high) == pytest.approx(
        (-mirrored.difference, -mirrored.high, -mirrored.low)
    )


def test_bootstrap_counts_only_rounds_in_which_the_metric_exists():
    generator = np.random.default_rng(6)
    resamples = [generator.integers(5, size=5) for _ in range(40)]
    both_classes = sum(0 < CHURNED[rows].sum() < 5 for rows in resamples)
    found = evaluation.paired_bootstrap(
        evaluation.auc, CHURNED, RISK, RISK[::-1], seed=6, rounds=40
    )
    assert found.rounds == both_classes < 40
    assert found.low <= found.difference <= found.high


def test_bootstrap_of_an_undefined_metric_is_undefined():
    found = evaluation.paired_bootstrap(evaluation.auc, np.zeros(5), RISK, RISK, seed=7, rounds=9)
    assert [found.difference, found.low, found.high] == pytest.approx([math.nan] * 3, nan_ok=True)
    assert found.rounds == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"b": RISK[:3]}, r"b must be as long as truth \(5\); got 3"),
        ({"a": np.full(5, math.nan)}, r"a must be finite; got nan at position 0"),
        ({"rounds": 0}, r"rounds must be at least 1; got 0"),
    ],
)
def test_unusable_bootstrap_input_is_refused_with_the_reason(changed, message):
    usable = {"metric": evaluation.brier, "truth": CHURNED, "a": RISK, "b": RISK, "seed": 0}
    with pytest.raises(ValueError, match=message):
        evaluation.paired_bootstrap(**{**usable, **changed})


def test_coverage_counts_the_ends_of_an_interval():
    outcome = [0.0, 5.0, 10.0, 10.1]
    assert evaluation.coverage(outcome, [0.0] * 4, [10.0] * 4) == 0.75
    assert evaluation.coverage([0.0, 0.1], [0.0, 0.0], [0.0, 0.0]) == 0.5


def test_interval_score_is_width_plus_ten_times_the_miss_at_80_percent():
    outcome, low, high = [15.0, 1.0, 22.0], [10.0, 2.0, 10.0], [20.0, 20.0, 20.0]
    assert evaluation.interval_score(outcome, low, high) == pytest.approx(
        ((10) + (18 + 10 * 1) + (10 + 10 * 2)) / 3
    )


def test_the_central_quantiles_have_the_best_interval_score():
    outcome = np.random.default_rng(8).gamma(2, 10, size=4000)

    def score(below: float, above: float) -> float:
        ends = np.quantile(outcome, [below, above])
        return evaluation.interval_score(outcome, *(np.full(4000, end) for end in ends))

    others = [score(0.05, 0.95), score(0.2, 0.8), score(0.0, 0.8), score(0.2, 1.0)]
    assert score(0.1, 0.9) < min(others)


def test_coverage_by_decile_keeps_ties_together_and_averages_to_coverage():
    generator = np.random.default_rng(9)
    forecast = np.append(np.zeros(250), generator.gamma(2, 10, size=750))
    outcome = forecast * generator.gamma(2, 0.5, size=1000)
    low, high = 0.2 * forecast, 1.5 * forecast
    table = evaluation.coverage_by_decile(outcome, forecast, low, high)
    assert table["decile"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert table["customers"].iloc[0] == 250
    assert table.iloc[0][["coverage", "mean_low", "mean_high"]].tolist() == [1.0, 0.0, 0.0]
    mean = np.average(table["coverage"], weights=table["customers"])
    assert mean == pytest.approx(evaluation.coverage(outcome, low, high))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"high": [9.0]}, r"high must be as long as outcome \(2\); got 1"),
        ({"low": [0.0, 10.0]}, r"high must be at least low; got 9\.0 at position 1"),
        ({"outcome": [1.0, math.nan]}, r"outcome must be finite; got nan at position 1"),
        ({"level": 80}, r"level must be between 0 and 1; got 80\. Use 0\.8"),
    ],
)
def test_unusable_intervals_are_refused_with_the_reason(changed, message):
    usable = {"outcome": [1.0, 2.0], "low": [0.0, 0.0], "high": [9.0, 9.0], "level": 0.8}
    with pytest.raises(ValueError, match=message):
        evaluation.interval_score(**{**usable, **changed})


@UNHURRIED
@given(CHURN)
def test_what_customers_add_to_the_log_loss_is_its_mean(rows):
    churned, risk = rows

    losses = evaluation.log_losses(churned, risk)

    assert losses.shape == churned.shape
    assert losses.mean() == pytest.approx(evaluation.log_loss(churned, risk))


@UNHURRIED
@given(VALUE)
def test_what_customers_add_to_the_tweedie_deviance_is_its_mean(rows):
    spend, forecast = rows
    assume(spend.any())

    losses = evaluation.tweedie_losses(spend, forecast)

    assert losses.mean() == pytest.approx(evaluation.tweedie_deviance(spend, forecast))


def test_losses_by_hand():
    assert evaluation.log_losses([1.0, 0.0], [0.5, 0.2]) == pytest.approx(
        [math.log(2), -math.log(0.8)]
    )
    assert evaluation.log_losses([1.0], [0.0])[0] == pytest.approx(-math.log(2.0**-52))
    assert evaluation.tweedie_losses([16.0, 0.0], [4.0, 9.0]) == pytest.approx([8.0, 12.0])


def test_a_clustered_bootstrap_draws_all_rows_of_a_customer_together():
    """One row each is as sure as ten rows of each that say the same."""
    once = pd.Series(np.random.default_rng(0).normal(0.1, 1.0, 300), [f"c{i}" for i in range(300)])
    again = pd.concat([once] * 10)

    few, many = (evaluation.clustered_bootstrap([d], seed=1) for d in (once, again))
    naive = evaluation.clustered_bootstrap([again.reset_index(drop=True)], seed=1)

    assert few.difference == pytest.approx(once.mean())
    assert (many.low, many.high) == pytest.approx((few.low, few.high))
    assert naive.high - naive.low < 0.5 * (many.high - many.low)


def test_its_interval_is_that_of_the_normal_law():
    difference = pd.Series(np.random.default_rng(0).normal(0.1, 1.0, 1000))

    found = evaluation.clustered_bootstrap([difference], seed=1)

    error = difference.std() / 1000**0.5
    assert found.low == pytest.approx(difference.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(difference.mean() + 1.96 * error, abs=0.2 * error)


def test_beyond_2000_customers_groups_of_them_say_much_the_same():
    difference = pd.Series(np.random.default_rng(0).normal(0.1, 1.0, 20_000))

    found = evaluation.clustered_bootstrap([difference], seed=1)

    error = difference.std() / 20_000**0.5
    assert found.difference == pytest.approx(difference.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_it_is_the_same_for_the_same_seed_in_any_order_of_rows():
    rows = pd.Series([0.1, -0.4, 0.7, 0.2], ["a", "b", "a", "c"])

    one, other = (evaluation.clustered_bootstrap([d], seed=3) for d in (rows, rows[::-1]))

    assert (one.low, one.high) == pytest.approx((other.low, other.high))
    assert one.rounds == 1000
