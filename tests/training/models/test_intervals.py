import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import TrainingError
from training.evaluation import FloatArray, coverage, interval_score
from training.models import intervals
from training.models.intervals import SpendIntervals

# A busy machine must not fail a law.
UNHURRIED = settings(deadline=None, max_examples=50)
NONE = np.array([])
# The ratio is its own probability up to 0.9, so that quantiles can be read off.
EVEN = SpendIntervals((0.0,), (tuple(intervals.PROBABILITIES),))

BUYERS = st.lists(
    st.tuples(st.floats(0.01, 1e5), st.one_of(st.just(0.0), st.floats(0.01, 1e6))), max_size=60
)
CUSTOMERS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), min_size=1, max_size=20)


def columns(rows: list[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def shop(buyers: int, deviation: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Forecasts, and spend that scatters about them lognormally."""
    generator = np.random.default_rng(seed)
    expected = 100 * np.exp(0.5 * generator.standard_normal(buyers))
    noise = deviation * generator.standard_normal(buyers) - deviation**2 / 2
    return expected, expected * np.exp(noise)


def test_an_interval_given_an_order_runs_from_the_10th_to_the_90th_percentile():
    low, high = EVEN.interval_if_active(np.array([10.0, 200.0]))
    assert low == pytest.approx([1.0, 20.0])
    assert high == pytest.approx([9.0, 180.0])


@pytest.mark.parametrize(
    ("p_active", "low", "high"),
    [(1.0, 10, 90), (0.95, 100 / 19, 1700 / 19), (0.9, 0, 800 / 9), (0.5, 0, 80), (0.1, 0, 0)],
)
def test_an_interval_of_all_customers_counts_the_chance_of_no_order(p_active, low, high):
    found = EVEN.interval(np.array([100.0]), np.array([p_active]))
    assert [float(end[0]) for end in found] == pytest.approx([low, high], abs=1e-9)


def test_a_customer_who_never_orders_is_sure_to_spend_nothing():
    low, high = EVEN.interval(np.array([100.0, 0.0]), np.array([0.0, 0.0]))
    assert low.tolist() == high.tolist() == [0.0, 0.0]


def test_quantiles_between_two_bins_are_interpolated_and_beyond_them_constant():
    narrow, wide = (tuple(width * intervals.PROBABILITIES) for width in (1, 3))
    found = SpendIntervals((np.log(10.0), np.log(1000.0)), (narrow, wide))
    _, high = found.interval_if_active(np.array([1.0, 10.0, 100.0, 1000.0, 10000.0]))
    assert high == pytest.approx([0.9, 9.0, 180.0, 2700.0, 27000.0])


@pytest.mark.parametrize("deviation", [0.4, 0.8, 1.2])
def test_intervals_cover_four_in_five_of_other_customers_and_beat_a_constant_interval(deviation):
    found = SpendIntervals.of(*shop(4000, deviation, seed=1))
    expected, spent = shop(4000, deviation, seed=2)
    low, high = found.interval_if_active(expected)
    # What a whole window may be off by makes them wider than the scatter of customers alone.
    assert 0.79 < coverage(spent, low, high) < 0.85
    constant = np.quantile(shop(4000, deviation, seed=1)[1], [0.1, 0.9])
    flat = interval_score(spent, *(np.full(4000, end) for end in constant))
    assert interval_score(spent, low, high) < flat


def test_intervals_cover_four_in_five_at_every_chance_of_an_order():
    expected, spent = shop(20000, 0.8, seed=3)
    p_active = np.repeat([0.92, 0.95, 0.98, 1.0], 5000)
    orders = np.random.default_rng(4).random(20000) < p_active
    found = SpendIntervals.of(*shop(4000, 0.8, seed=5))
    low, high = found.interval(expected, p_active)
    for chance in np.unique(p_active):
        of_chance = p_active == chance
        outcome = np.where(orders, spent, 0.0)[of_chance]
        assert 0.78 < coverage(outcome, low[of_chance], high[of_chance]) < 0.86


def test_heavy_buyers_who_scatter_less_get_narrower_intervals():
    light, light_spend = shop(1000, 1.0, seed=6)
    heavy, heavy_spend = shop(1000, 0.2, seed=7)
    expected = np.append(light, 100 * heavy)
    found = SpendIntervals.of(expected, np.append(light_spend, 100 * heavy_spend))
    low, high = found.interval_if_active(np.array([100.0, 10000.0]))
    wide, narrow = high / low
    assert narrow < 2.5 < 6 < wide


def test_a_forecast_that_was_too_low_for_everybody_does_not_move_the_intervals():
    spent = shop(4000, 0.8, seed=8)[1]
    usual = SpendIntervals.of(np.full(4000, 100.0), spent).interval_if_active(np.array([100.0]))
    found = SpendIntervals.of(np.full(4000, 50.0), spent).interval_if_active(np.array([100.0]))
    assert np.array(found) == pytest.approx(np.array(usual), rel=0.05)


def test_few_buyers_hardly_move_the_usual_interval_and_many_do():
    usual = SpendIntervals.of(NONE, NONE).interval_if_active(np.array([100.0]))
    few, many = (
        SpendIntervals.of(*shop(buyers, 0.1, seed=9)).interval_if_active(np.array([100.0]))
        for buyers in (3, 3000)
    )
    assert float(few[1][0] - few[0][0]) == pytest.approx(float(usual[1][0] - usual[0][0]), rel=0.3)
    assert many[1] - many[0] < 0.4 * (usual[1] - usual[0])


def test_without_buyers_the_interval_is_that_of_a_lognormal_of_mean_one():
    low, high = SpendIntervals.of(NONE, NONE).interval_if_active(np.array([1.0]))
    # exp(-0.32 -+ 1.2816 * sqrt(0.8 ** 2 + 0.15 ** 2))
    assert low == pytest.approx([0.2558], rel=0.06)
    assert high == pytest.approx([2.061], rel=0.06)


def test_equal_forecasts_share_one_bin_whatever_their_order():
    spent = shop(1000, 0.8, seed=10)[1]
    found = SpendIntervals.of(np.full(1000, 50.0), spent)
    assert len(found.centres) == 1
    assert found == SpendIntervals.of(np.full(1000, 50.0), np.sort(spent))


def test_the_order_of_buyers_changes_nothing():
    expected, spent = shop(700, 0.8, seed=11)
    shuffled = np.random.default_rng(12).permutation(700)
    found = SpendIntervals.of(expected[shuffled], spent[shuffled])
    known = SpendIntervals.of(expected, spent)
    assert found.centres == pytest.approx(known.centres)
    assert np.array(found.quantiles) == pytest.approx(np.array(known.quantiles))


def test_buyers_who_sent_everything_back_pull_the_lower_end_to_zero():
    expected, spent = shop(1000, 0.5, seed=13)
    spent[::5] = 0.0
    low, high = SpendIntervals.of(expected, spent).interval_if_active(np.array([100.0]))
    assert low == pytest.approx([0.0])
    assert high > 100


@UNHURRIED
@given(BUYERS, CUSTOMERS, st.floats(0.001, 1000))
def test_intervals_are_ordered_finite_and_follow_the_currency(buyers, customers, rate):
    expected, spent = columns(buyers)
    if_active, p_active = columns(customers)
    found = SpendIntervals.of(expected, spent)
    low, high = found.interval(if_active, p_active)
    given_order = found.interval_if_active(if_active)
    assert np.isfinite(high).all()
    assert ((low >= 0) & (low <= high)).all()
    assert (low <= given_order[0] + 1e-9).all()
    assert (high <= given_order[1] + 1e-9).all()
    converted = SpendIntervals.of(expected * rate, spent * rate).interval(
        if_active * rate, p_active
    )
    assert converted[0] == pytest.approx(low * rate, rel=1e-6, abs=1e-9)
    assert converted[1] == pytest.approx(high * rate, rel=1e-6, abs=1e-9)


@UNHURRIED
@given(CUSTOMERS)
def test_a_likelier_order_never_lowers_an_end_of_the_interval(customers):
    if_active, p_active = columns(customers)
    found = SpendIntervals.of(*shop(300, 0.8, seed=14))
    low, high = found.interval(if_active, p_active)
    likelier = found.interval(if_active, np.minimum(p_active + 0.05, 1.0))
    assert (likelier[0] >= low - 1e-9).all()
    assert (likelier[1] >= high - 1e-9).all()


def test_it_survives_json_and_holds_no_rows():
    found = SpendIntervals.of(*shop(5000, 0.8, seed=15))
    text = json.dumps(found.as_dict())
    assert SpendIntervals.from_dict(json.loads(text)) == found
    assert len(found.centres) == intervals.MOST_BINS
    assert len(text) < 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0]), r"spend must be as long as if_active \(1\); got 2"),
        (([0.0], [1.0]), r"if_active must be above 0; got 0\.0\. Floor the forecast"),
        (([1.0], [-2.0]), r"spend must be 0 or more; got -2\.0\. Clip totals at 0"),
        (([np.nan], [1.0]), "if_active must be finite; got nan"),
        (([1.0], [np.inf]), "spend must be finite; got inf"),
    ],
)
def test_unusable_buyers_are_refused_with_the_reason(arguments, message):
    with pytest.raises(TrainingError, match=message):
        SpendIntervals.of(*(np.array(column) for column in arguments))
