import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from offers.measurement.comparison import FEWEST, Estimate, difference, mean

LAWS = settings(deadline=None, max_examples=30)


def campaign(seed: int = 0, treated: int = 300, held_out: int = 60):
    """Outcomes that follow two forecasts, more closely when treated."""
    random = np.random.default_rng(seed)
    made = random.permutation(np.arange(treated + held_out) < treated)
    forecasts = np.column_stack([random.random(len(made)), random.lognormal(3, 1, len(made))])
    noise = random.standard_t(5, len(made)) * 5
    outcome = forecasts[:, 1] * (0.8 + 0.4 * made) - 10 * forecasts[:, 0] + noise + 3 * made
    return outcome, made, forecasts


def without(forecasts: np.ndarray) -> np.ndarray:
    return forecasts[:, :0]


def by_regression(outcome, made, forecasts) -> tuple[float, float]:
    """Coefficient of the arm and its HC2 error, from the regression itself."""
    design = np.column_stack([np.ones(len(made)), made, forecasts])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ outcome
    hat = np.diag(design @ bread @ design.T)
    scaled = (outcome - design @ beta) ** 2 / (1 - hat)
    cover = bread @ (design.T * scaled) @ design @ bread
    return beta[1], math.sqrt(cover[1, 1])


def test_the_difference_of_two_small_tables_is_that_of_their_means():
    outcome = np.array([3.0, 5.0] * 10 + [1.0, 3.0] * 10)
    made = np.arange(40) < 20

    found = difference(outcome, made, np.empty((40, 0)))

    # Each arm has the variance 20/19; its mean, 1/19.
    assert found.value == 2.0
    assert found.standard_error == pytest.approx(math.sqrt(2 / 19))
    assert found.interval()[1] == pytest.approx(2 + 2.0244 * math.sqrt(2 / 19), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_without_forecasts_it_is_the_test_of_welch(seed):
    outcome, made, forecasts = campaign(seed)

    found = difference(outcome, made, without(forecasts))

    welch = stats.ttest_ind(outcome[made], outcome[~made], equal_var=False)
    assert found.interval() == pytest.approx(tuple(welch.confidence_interval()))


@pytest.mark.parametrize("seed", range(3))
def test_with_forecasts_it_is_the_regression_on_arm_and_forecasts(seed):
    outcome, made, forecasts = campaign(seed)

    found = difference(outcome, made, forecasts)

    assert (found.value, found.standard_error) == pytest.approx(
        by_regression(outcome, made, forecasts)
    )


def test_a_forecast_that_says_it_all_leaves_no_doubt():
    _, made, forecasts = campaign()
    outcome = 2 * forecasts[:, 1] + 7 * made

    found = difference(outcome, made, forecasts)

    assert found.value == pytest.approx(7)
    assert found.standard_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("added", [np.full(360, 0.3), None])
def test_forecasts_that_are_constant_or_say_the_same_twice_change_nothing(added):
    outcome, made, forecasts = campaign()
    more = np.column_stack([forecasts, 2 * forecasts[:, 1] if added is None else added])

    one, other = difference(outcome, made, forecasts), difference(outcome, made, more)

    assert other.interval() == pytest.approx(one.interval())
    assert other.freedoms == pytest.approx(one.freedoms)


@pytest.mark.parametrize("treated", [0, 1, FEWEST - 1, 40 - FEWEST + 1, 40])
def test_an_arm_of_few_customers_has_no_interval(treated):
    outcome, made = np.arange(40.0), np.arange(40) < treated

    found = difference(outcome, made, np.empty((40, 0)))

    assert np.isnan([found.standard_error, *found.interval()]).all()
    assert np.isnan(found.value) == (treated in (0, 40))


def test_the_mean_of_equal_amounts_is_certain():
    assert mean(np.full(30, 0.1)).interval() == (0.1, 0.1)
    assert math.isnan(mean(np.full(3, 0.1)).interval()[0])
    assert math.isnan(mean(np.array([])).value)


def test_a_total_adds_values_and_variances():
    one, other = Estimate(2.0, (1.0,), (10.0,)), Estimate(5.0, (0.5,), (20.0,))

    found = Estimate.total([one.times(2), other.times(-4)])

    assert found.value == -16.0
    assert found.standard_error == math.sqrt(4 * 1 + 16 * 0.5)


@LAWS
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_the_order_of_rows_do_not_matter(seed, unit, shift):
    outcome, made, forecasts = campaign(seed)
    order = np.random.default_rng(seed).permutation(len(made))

    found = difference(
        unit * outcome[order] + shift, made[order], forecasts[order] * [shift + 60, unit]
    )

    expected = difference(outcome, made, forecasts).times(unit)
    assert found.value == pytest.approx(expected.value, rel=1e-6, abs=1e-6)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-6)


@LAWS
@given(st.integers(0, 1000))
def test_swapping_the_arms_swaps_the_sign(seed):
    outcome, made, forecasts = campaign(seed)

    low, high = difference(outcome, made, forecasts).interval()

    swapped = difference(outcome, ~made, forecasts).interval()
    assert swapped == pytest.approx((-high, -low))
