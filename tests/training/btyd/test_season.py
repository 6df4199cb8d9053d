import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from training.btyd.population import PopulationModel
from training.btyd.season import SPREADS, SeasonalLevel, observed_pace, youth

LAWS = settings(deadline=None, max_examples=30)
MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 30.0, 1.0)
KINDS = pd.DataFrame(
    {
        "frequency": [0.0, 0.0, 2.0, 6.0, 12.0],
        "recency": [0.0, 0.0, 90.0, 350.0, 200.0],
        "T": [30.0, 400.0, 120.0, 380.0, 390.0],
    }
)


def shop(customers: int) -> pd.DataFrame:
    return KINDS.loc[np.resize(KINDS.index, customers)]


def risk_at(pace: float, X: pd.DataFrame, days: float = 90.0) -> np.ndarray:
    return expit(MBG_NBD.at_pace(pace, days).logit_no_order(X, days))


SQUARED = np.square(SPREADS)


@pytest.mark.parametrize(
    ("at", "related"),
    [
        (100.0, 1.0),
        (100.0 + 182.5, 0.5),
        (100.0 + 365.0, 1.0),
        (100.0 + 730.0, 1.0),
        (100.0 + 410.0, 0.5 + 0.5 * np.exp(-0.5)),
    ],
    ids=["then", "half a year on", "a year on", "two years on", "six weeks past the season"],
)
def test_one_snapshot_by_hand(at, related):
    """It is normal with a known variance for every spread, which are averaged by its density."""
    level = SeasonalLevel.of([(100.0, 0.6, 0.01)])
    variance = SQUARED + 0.01
    density = np.exp(-0.5 * 0.6**2 / variance) / np.sqrt(variance)

    each = 0.6 * SQUARED * related / variance

    expected = np.average(each, weights=density)
    assert level.forecast(at, 20.0) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("years", "sign"), [(1.0, 1), (1.5, -1), (2.0, 1), (2.5, -1), (1.25, 0)])
def test_the_season_of_an_earlier_year_comes_back(years, sign):
    """Of two opposite ones the sum says how much is constant, and the difference what is not."""
    level = SeasonalLevel.of([(0.0, 0.6, 0.01), (182.5, -0.6, 0.01)])
    of_difference, of_sum = SQUARED / 2 + 0.01, 1.5 * SQUARED + 0.01
    density = np.exp(-(0.6**2) / of_difference) / np.sqrt(of_difference * of_sum)

    found = level.forecast(365.0 * years, 20.0)

    by_hand = np.average(sign * 0.6 * SQUARED / 2 / of_difference, weights=density)
    assert found == pytest.approx(by_hand, abs=0.002)
    assert abs(by_hand) > 0.25 or sign == 0


def test_neighbours_are_wrong_together():
    """Two snapshots of one window say little more than one; of two, much more."""
    one, near, far = (
        SeasonalLevel.of([(day, 0.4, 0.1) for day in days])
        for days in ([0.0], [0.0, 1.0], [0.0, 365.0])
    )

    found = [level.forecast(0.0, 90.0) for level in (one, near, far)]

    assert 0 < found[0] < found[1] < found[2]
    assert found[1] - found[0] < 0.5 * (found[2] - found[0])


def test_an_uncertain_snapshot_counts_less():
    either = [(0.0, 0.4, 0.01), (0.0, -0.4, 1.0)]

    assert SeasonalLevel.of(either).forecast(90.0, 90.0) > 0.1
    assert SeasonalLevel.of([(d, r, 1.01 - v) for d, r, v in either]).forecast(90.0, 90.0) < -0.1


def test_the_less_a_snapshot_knows_the_less_is_expected_of_it():
    found = [SeasonalLevel.of([(0.0, 0.4, v)]).forecast(0.0, 90.0) for v in (0.0, 0.04, 1.0, 1e6)]

    assert found[0] == pytest.approx(0.4)
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.0, abs=1e-6)


def test_without_a_snapshot_the_level_is_the_usual_one():
    assert SeasonalLevel.of([]).forecast(20_000.0, 90.0) == 0.0


@LAWS
@given(
    st.lists(
        st.tuples(st.integers(0, 1500), st.floats(-1.5, 1.5), st.floats(1e-3, 1.0)),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_snapshots_changes_nothing(observed, random):
    shuffled = random.sample(observed, len(observed))

    assert SeasonalLevel.of(shuffled).forecast(1600.0, 90.0) == SeasonalLevel.of(observed).forecast(
        1600.0, 90.0
    )


@LAWS
@given(st.floats(-0.8, 0.8), st.sampled_from([30.0, 90.0]))
def test_the_observed_pace_is_that_at_which_the_outcome_was_to_be_expected(pace, days):
    X = shop(20_000)
    outcome = risk_at(pace, X, days)

    found, _ = observed_pace(MBG_NBD, X, outcome, days)

    assert found == pytest.approx(pace, abs=2e-3)


def test_a_pace_of_its_own_does_not_matter_to_what_is_observed():
    X, outcome = shop(100), np.resize([1.0, 1.0, 0.0], 100)

    own = observed_pace(MBG_NBD.at_pace(0.7, 30.0), X, outcome, 90.0)

    assert own == observed_pace(MBG_NBD, X, outcome, 90.0)


@pytest.mark.parametrize("customers", [1, 5, 5000])
@pytest.mark.parametrize("churned", [0.0, 1.0])
def test_where_nobody_or_everybody_ordered_the_pace_is_finite(customers, churned):
    found, variance = observed_pace(MBG_NBD, shop(customers), np.full(customers, churned), 90.0)

    assert np.sign(found) == (1 if churned == 0 else -1)
    assert abs(found) <= 1.5
    assert np.isfinite(variance)
    assert variance > 0
    if customers == 5000:
        assert abs(found) == 1.5


def test_the_error_of_a_pace_is_that_of_counting_and_of_a_young_shop():
    few, many = shop(500), shop(2000)

    errors = [observed_pace(MBG_NBD, X, risk_at(0.0, X), 90.0)[1] - youth(X) for X in (few, many)]

    assert errors[0] == pytest.approx(4 * errors[1], rel=1e-6)
    p = risk_at(0.0, few)
    slope = (risk_at(-0.1, few).mean() - risk_at(0.1, few).mean()) / 0.2
    assert errors[0] == pytest.approx((p * (1 - p)).mean() / 500 / slope**2)


def test_a_young_shop_is_hardly_known():
    young, old = (pd.DataFrame({"T": np.full(9, age)}) for age in (100.0, 1000.0))

    assert (youth(young), youth(old)) == (pytest.approx(0.25), pytest.approx(0.0025))
    assert np.isfinite(youth(pd.DataFrame({"T": [0.0]})))
