import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from training.level import Shifts, mean_shift

ONE_DAY = np.zeros(1000)


@given(st.floats(-4, 4), st.floats(0.02, 0.98))
def test_the_shift_makes_the_mean_risk_the_churn_rate(centre, rate):
    score = centre + np.linspace(-1, 1, 20_000)
    outcome = (np.arange(20_000) < 20_000 * rate).astype(float)

    assert expit(score + mean_shift(score, outcome)).mean() == pytest.approx(rate, abs=1e-4)


def test_a_forecast_that_was_right_needs_no_shift():
    score = np.full(1000, logit(0.3))

    assert mean_shift(score, np.repeat([1.0, 0.0], [300, 700])) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("everybody", [0.0, 1.0])
def test_one_outcome_only_gives_a_finite_shift(everybody):
    shift = mean_shift(np.zeros(99), np.full(99, everybody))

    assert expit(shift) == pytest.approx((99 * everybody + 0.5) / 100)


def test_every_snapshot_has_its_own_shift():
    days = np.repeat([0.0, 30.0], 1000)
    outcome = np.concatenate([np.repeat([1.0, 0.0], [500, 500]), np.repeat([1.0, 0.0], [700, 300])])

    shifts = Shifts.of(np.full(2000, 0.5), outcome, days)

    assert shifts.days.tolist() == [0.0, 30.0]
    assert shifts.shifts == pytest.approx([0.0, logit(0.7)], abs=0.01)


def test_few_customers_are_hardly_certain():
    few = Shifts.of(np.full(4, 0.5), np.ones(4), np.zeros(4))
    many = Shifts.of(np.full(4000, 0.5), np.ones(4000), np.zeros(4000))

    assert few.certainty == pytest.approx([1 / 11])
    assert many.certainty == pytest.approx([1000 / 1010])


@pytest.mark.parametrize("years", [1, 2, 3])
def test_the_same_season_of_an_earlier_year_decides(years):
    shifts = Shifts(np.array([0.0, 182.0]), np.array([0.6, -0.6]), np.ones(2))

    assert shifts.in_season(365.0 * years) == pytest.approx(0.6 / 1.5)
    assert shifts.in_season(365.0 * years + 182.0) == pytest.approx(-0.6 / 1.5)


def test_without_a_snapshot_of_the_season_there_is_no_shift():
    shifts = Shifts(np.array([0.0, 30.0]), np.array([0.6, 0.6]), np.ones(2))

    assert shifts.in_season(200.0) == pytest.approx(0.0, abs=1e-3)


def test_an_uncertain_shift_counts_less():
    shifts = Shifts(np.array([0.0, 0.0]), np.array([0.4, -4.0]), np.array([1.0, 0.1]))

    assert shifts.in_season(365.0) == pytest.approx((0.4 - 0.4) / 1.6, abs=1e-9)
