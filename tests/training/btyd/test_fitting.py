"""Fitting the purchase models: gradients, collapsing, units, known truth, and poor data."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.btyd import BGNBD, MBGNBD, ParetoNBD
from training.btyd.histories import Histories
from training.errors import TrainingError

MODELS = (BGNBD, MBGNBD, ParetoNBD)
TRUTH = (0.6, 15.0, 0.8, 3.0)

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def drawn(model, customers, seed=0, days=300.0, rounded=np.ceil):
    """Histories in days of customers drawn from a model with the parameters `TRUTH`."""
    random = np.random.default_rng(seed)
    first, second, third, fourth = TRUTH
    T = np.floor(random.uniform(1.0, days, customers))
    rate = random.gamma(first, 1 / second, customers)
    leaves, chance = np.full(customers, np.inf), np.zeros(customers)
    if model is ParetoNBD:
        fourth *= second  # a time here, in the others a number
        leaves = random.exponential(1.0, customers) / random.gamma(third, 1 / fourth, customers)
    else:
        chance = random.beta(third, fourth, customers)
    alive = np.ones(customers, dtype=bool)
    if model is MBGNBD:
        alive = random.uniform(size=customers) >= chance
    clock, x, t_x = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    while alive.any():
        clock = clock + random.exponential(1.0, customers) / rate
        alive &= clock <= np.minimum(T, leaves)
        x += alive
        t_x = np.where(alive, clock, t_x)
        alive &= random.uniform(size=customers) >= chance
    return x, rounded(t_x), T


@each_model
@pytest.mark.parametrize("theta", [(0.3, 0.5, 0.8, 2.5), (40.0, 3.0, 0.01, 90.0), (0.02, 9, 7, 1)])
def test_the_gradient_is_that_of_the_likelihood(model, theta):
    rows = Histories.of([0, 1, 5, 400, 2], [0, 1, 2, 3, 0.5], [0.1, 1, 9, 4, 80], [3, 1, 2, 1, 1])
    theta = np.array(theta, dtype=float)
    gradient = model()._log_likelihood(theta, rows)[1]

    for i, value in enumerate(theta):
        step = np.zeros(4)
        step[i] = 1e-5 * value
        up, down = (model()._log_likelihood(theta + s, rows)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / (2 * step[i]), rel=1e-5, abs=1e-6)


@each_model
def test_no_parameters_are_likelier(model):
    data = drawn(model, 2000)
    fitted = model().fit(*data)
    rows = Histories.of(*data)
    best = np.array(list(fitted.parameters.values()))

    assert model()._log_likelihood(best, rows)[0] == pytest.approx(fitted.log_likelihood_, rel=1e-9)
    for shift in np.random.default_rng(1).normal(0.0, 0.05, (50, 4)):
        assert model()._log_likelihood(best * np.exp(shift), rows)[0] < fitted.log_likelihood_


@each_model
def test_collapsing_changes_no_likelihood(model):
    rows = Histories.of(*drawn(model, 3000, days=30.0))
    collapsed = rows.collapsed()

    assert len(collapsed) < 1500
    assert collapsed.total == 3000
    for theta in ((0.3, 2.0, 0.8, 2.5), (4.0, 30.0, 0.1, 9.0)):
        whole, short = (model()._log_likelihood(np.array(theta), r) for r in (rows, collapsed))
        assert short[0] == pytest.approx(whole[0], rel=1e-12)
        assert short[1] == pytest.approx(whole[1], rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(2, 3))), st.randoms())
def test_collapsing_counts_each_history(rows, random):
    rows = [(x, min(x, t_x), T) for x, t_x, T in rows]
    shuffled = random.sample(rows, len(rows))
    columns = list(zip(*shuffled, strict=True)) or [[], [], []]

    short = Histories.of(*columns).collapsed()

    counted = zip(short.frequency, short.recency, short.T, short.weights, strict=True)
    assert list(counted) == [(*row, rows.count(row)) for row in sorted(set(rows))]


@each_model
def test_weights_count_like_repeated_rows(model):
    x, t_x, T = drawn(model, 500)
    weights = np.arange(500) % 4
    repeated = (np.repeat(column, weights) for column in (x, t_x, T))

    weighted = model().fit(x, t_x, T, weights)

    assert weighted.parameters == model().fit(*repeated).parameters


@each_model
def test_the_order_of_customers_does_not_matter(model):
    x, t_x, T = drawn(model, 500)
    order = np.random.default_rng(1).permutation(500)

    shuffled = model().fit(x[order], t_x[order], T[order])

    assert shuffled.parameters == model().fit(x, t_x, T).parameters


@each_model
@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("unit", [1 / 86_400, 7.0, 365.25])
def test_the_unit_of_time_does_not_matter(model, unit, ridge):
    x, t_x, T = drawn(model, 1000)
    fitted, other = model(ridge).fit(x, t_x, T), model(ridge).fit(x, t_x / unit, T / unit)

    scale = np.where(model.scaled, unit, 1.0)
    same = np.array(list(other.parameters.values())) * scale
    assert same == pytest.approx(np.array(list(fitted.parameters.values())), rel=1e-5)
    change = x.sum() * np.log(unit)
    assert other.log_likelihood_ == pytest.approx(fitted.log_likelihood_ + change, abs=1e-5)
    assert other.p_no_purchase(30 / unit, x, t_x / unit, T / unit) == pytest.approx(
        fitted.p_no_purchase(30, x, t_x, T), abs=1e-5
    )


@each_model
def test_known_parameters_are_found_again(model):
    data = drawn(model, 60_000, seed=3, rounded=np.positive)

    fitted = model().fit(*data)

    truth = np.array(TRUTH)
    if model is ParetoNBD:
        truth[3] *= truth[1]
    assert fitted.converged_
    assert fitted.at_bounds_ == ()
    assert np.array(list(fitted.parameters.values())) == pytest.approx(truth, rel=0.15)
    # Twice the difference is chi-squared with 4 degrees of freedom: beyond 20 once in 2,000.
    missed = fitted.log_likelihood_ - model()._log_likelihood(truth, Histories.of(*data))[0]
    assert 0 <= missed < 10


@each_model
def test_a_sample_that_shows_the_way_changes_no_optimum(model, monkeypatch):
    data = drawn(model, 4000)
    monkeypatch.setattr("training.btyd.model.SAMPLES", ())
    direct = model().fit(*data)
    monkeypatch.setattr("training.btyd.model.SAMPLES", (100, 500))
    guided = model().fit(*data)

    found, expected = (np.array(list(m.parameters.values())) for m in (guided, direct))
    assert found == pytest.approx(expected, rel=1e-5)


@each_model
def test_a_start_nearby_ends_at_the_same_optimum(model):
    data = drawn(model, 2000)
    fitted = model().fit(*data)
    start = {name: value * 1.3 for name, value in fitted.parameters.items()}

    again = model().fit(*data, start=start)

    assert list(again.parameters.values()) == pytest.approx(
        list(fitted.parameters.values()), rel=1e-5
    )


@each_model
def test_a_ridge_draws_towards_one_in_units_of_the_mean_time(model):
    x, t_x, T = drawn(model, 500)

    free, held = model().fit(x, t_x, T), model(1e7).fit(x, t_x, T)

    scale = np.where(model.scaled, T.mean(), 1.0)
    assert np.array(list(held.parameters.values())) / scale == pytest.approx(np.ones(4), abs=0.01)
    assert held.log_likelihood_ < free.log_likelihood_


POOR = {
    "one customer": ([3], [7.0], [10.0]),
    "one customer who bought once": ([0], [0.0], [10.0]),
    "all alike": ([2] * 50, [5.0] * 50, [10.0] * 50),
    "nobody came again": ([0] * 5, [0.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]),
    "nobody left": ([5, 4, 3], [10.0] * 3, [10.0] * 3),
    "one of five came again": ([0, 0, 0, 0, 1], [0, 0, 0, 0, 1.0], [10, 20, 30, 40, 50]),
    "no time": ([0, 0], [0.0, 0.0], [0.0, 0.0]),
    "thousands of purchases": ([5000, 4000, 0], [1e4, 9e3, 0.0], [1e4, 1e4, 1e4]),
}
HOPELESS = ("one customer who bought once", "nobody came again", "no time")


@each_model
@pytest.mark.parametrize("case", POOR)
def test_with_a_ridge_poor_data_give_usable_forecasts(model, case):
    fitted = model(1.0).fit(*POOR[case])

    assert fitted.converged_
    assert fitted.at_bounds_ == ()
    assert np.isfinite(fitted.p_no_purchase(30.0, *POOR[case])).all()
    assert np.isfinite(fitted.expected_purchases(30.0, *POOR[case])).all()


@each_model
@pytest.mark.parametrize("case", sorted(set(POOR) - set(HOPELESS)))
def test_without_a_ridge_poor_data_say_what_happened(model, case):
    fitted = model().fit(*POOR[case])

    assert np.isfinite(fitted.p_no_purchase(30.0, *POOR[case])).all()
    assert np.isfinite(fitted.log_likelihood_)
    for name in fitted.at_bounds_:
        assert name in fitted.message_
    if case in ("one customer", "all alike", "nobody left"):
        assert fitted.at_bounds_


@each_model
@pytest.mark.parametrize("case", HOPELESS)
def test_without_a_ridge_nobody_coming_again_is_refused(model, case):
    with pytest.raises(TrainingError, match="frequency must show a repeat purchase; got none"):
        model().fit(*POOR[case])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([], [], []), "frequency must have at least one customer; got none"),
        (([1], [2.0], [3.0], [0.0]), "frequency must have at least one customer; got none"),
        (([1, 2], [2.0], [3.0]), "must have one value per customer; got lengths"),
        (([-1], [0.0], [3.0]), "frequency must be a whole number .* got -1 in row 0"),
        (([1, 1.5], [2.0, 2.0], [3.0, 3.0]), "frequency must be a whole number .* 1.5 in row 1"),
        (([1], [4.0], [3.0]), "recency must be between 0 and T; got 4"),
        (([0], [1.0], [3.0]), "recency must be 0 where frequency is 0; got 1"),
        (([1], [np.nan], [3.0]), "recency must be finite; got nan"),
        (([1], [1.0], [np.inf]), "T must be finite; got inf"),
        (([1], [1.0], [3.0], [-2.0]), "weights must be 0 or more; got -2"),
        (([[1]], [1.0], [3.0]), "frequency must be one column; got shape"),
    ],
)
def test_impossible_histories_are_refused(data, message):
    with pytest.raises(TrainingError, match=message):
        BGNBD().fit(*data)


@pytest.mark.parametrize("ridge", [-1.0, np.nan])
def test_a_ridge_below_zero_is_refused(ridge):
    with pytest.raises(TrainingError, match="ridge must be 0 or more"):
        BGNBD(ridge).fit([1], [1.0], [3.0])


@each_model
def test_parameters_survive_json(model):
    data = drawn(model, 300)
    fitted = model(0.5).fit(*data)

    restored = model.from_parameters(json.loads(json.dumps(fitted.parameters)))

    assert restored.parameters == fitted.parameters
    assert (restored.p_no_purchase(9.0, *data) == fitted.p_no_purchase(9.0, *data)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"r": 1.0, "alpha": 1.0, "a": 1.0}, "parameters must be r, alpha, a, b; got r, alpha, a"),
        ({"r": 1.0, "alpha": 0.0, "a": 1.0, "b": 1.0}, "parameters must be above 0; got 0"),
        ({"r": 1.0, "alpha": np.inf, "a": 1.0, "b": 1.0}, "parameters must be finite; got inf"),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters, message):
    with pytest.raises(TrainingError, match=message):
        BGNBD.from_parameters(parameters)


@pytest.mark.parametrize(("model", "seconds"), [(BGNBD, 3.0), (MBGNBD, 3.0), (ParetoNBD, 20.0)])
def test_a_hundred_thousand_customers_take_seconds(model, seconds):
    data = drawn(model, 100_000)
    begun = time.perf_counter()

    fitted = model().fit(*data)

    assert time.perf_counter() - begun < seconds
    assert fitted.converged_
