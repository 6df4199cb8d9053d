"""Forecasts of the purchase models: against integrals over customers, simulation, and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, gammaln

from training.btyd import BGNBD, MBGNBD, ParetoNBD
from training.btyd.decay import Decay
from training.errors import TrainingError

MODELS = (BGNBD, MBGNBD, ParetoNBD)
PARAMETERS = [(0.3, 5.0, 0.8, 2.5), (2.5, 30.0, 0.4, 12.0), (0.9, 0.7, 3.0, 0.6)]
HISTORIES = [(0, 0.0, 12.0), (1, 3.0, 40.0), (7, 30.0, 38.0), (60, 39.0, 39.0), (3, 0.5, 90.0)]

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
positive = st.floats(-5, 5).map(np.exp)


@st.composite
def histories(draw):
    x = draw(st.one_of(st.integers(0, 5), st.integers(0, 5000)))
    T = draw(st.one_of(st.just(0.0), st.floats(1e-6, 1e5)))
    share = draw(st.one_of(st.just(1.0), st.floats(0, 1)))
    return x, T * share if x else 0.0, T


@st.composite
def models(draw, least=-5, most=5):
    model = draw(st.sampled_from(MODELS))
    size = st.floats(least, most).map(np.exp)
    return model.from_parameters({name: draw(size) for name in model.names})


def customers(model, x, t_x, T):
    """Chances of the history on a fine grid of customers, alive at T and dead, and what follows.

    A trapezoidal rule in the logarithms of the rates, and the logit of the probability to leave.
    """
    first, second, third, fourth = model.parameters.values()
    u = np.linspace(-36.0 / first, 9.0, 1600)[:, None] - np.log(second)
    rate = np.exp(u)
    weight = first * (u + np.log(second)) - second * rate - gammaln(first)
    if isinstance(model, ParetoNBD):
        v = np.linspace(-60.0, 9.0, 1600)[None, :] - np.log(fourth)
        end = np.exp(v)
        weight = weight + third * (v + np.log(fourth)) - fourth * end - gammaln(third)
        weight = np.exp(weight) * rate**x
        alive = weight * np.exp(-(rate + end) * T)
        dead = weight * end / (rate + end) * np.exp(-(rate + end) * t_x)
        dead -= alive * end / (rate + end)
        return rate, end, alive, dead
    v = np.linspace(-60.0, 60.0, 1600)[None, :]
    log_p, log_stay = -np.logaddexp(0.0, -v), -np.logaddexp(0.0, v)
    weight = weight + third * log_p + fourth * log_stay
    weight += gammaln(third + fourth) - gammaln(third) - gammaln(fourth)
    n = x + (type(model) is MBGNBD)
    alive = np.exp(weight + n * log_stay - rate * T) * rate**x
    dead = np.exp(weight + log_p + (n - 1) * log_stay - rate * t_x) * rate**x if n else 0.0 * alive
    return rate, np.exp(log_p), alive, dead


def what_follows(model, rate, leave, t):
    """P(no purchase within t) and expected purchases of customers who are alive."""
    if isinstance(model, ParetoNBD):
        both = rate + leave
        none = leave / both + rate / both * np.exp(-both * t)
        return none, -rate * np.expm1(-leave * t) / leave
    return np.exp(-rate * t), -np.expm1(-rate * leave * t) / leave


@each_model
@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("history", HISTORIES)
def test_forecasts_are_the_means_over_customers(model, parameters, history):
    model = model.from_parameters(dict(zip(model.names, parameters, strict=True)))
    rate, leave, alive, dead = customers(model, *history)
    none, purchases = what_follows(model, rate, leave, 26.0)
    total = (alive + dead).sum()

    assert model.p_alive(*history) == pytest.approx(alive.sum() / total, rel=1e-6)
    assert model.p_no_purchase(26.0, *history) == pytest.approx(
        (dead + alive * none).sum() / total, rel=1e-6
    )
    assert model.expected_purchases(26.0, *history) == pytest.approx(
        (alive * purchases).sum() / total, rel=1e-6
    )


def simulated(model, customers, T, t, seed):
    """Histories up to T, and purchases in the time t after, of customers drawn from a model."""
    random = np.random.default_rng(seed)
    first, second, third, fourth = model.parameters.values()
    rate = random.gamma(first, 1 / second, customers)
    if isinstance(model, ParetoNBD):
        leaves = random.exponential(1.0, customers) / random.gamma(third, 1 / fourth, customers)
        chance = np.zeros(customers)
    else:
        leaves = np.full(customers, np.inf)
        chance = random.beta(third, fourth, customers)
    alive = np.ones(customers, dtype=bool)
    if type(model) is MBGNBD:
        alive = random.uniform(size=customers) >= chance
    clock, x, t_x, later = (np.zeros(customers) for _ in range(4))
    while alive.any():
        clock = clock + random.exponential(1.0, customers) / rate
        alive &= (clock <= T + t) & (clock <= leaves)
        seen = alive & (clock <= T)
        x += seen
        t_x = np.where(seen, clock, t_x)
        later += alive & ~seen
        alive &= random.uniform(size=customers) >= chance
    return x, t_x, later


@each_model
def test_forecasts_come_true_on_simulated_customers(model):
    model = model.from_parameters(dict(zip(model.names, (0.8, 12.0, 0.9, 4.0), strict=True)))
    customers, T, t = 40_000, 40.0, 30.0
    x, t_x, later = simulated(model, customers, T, t, seed=5)
    expected = model.expected_purchases(t, x, t_x, np.full(customers, T))
    none = model.p_no_purchase(t, x, t_x, np.full(customers, T))

    for group in (x == 0, (x > 0) & (t_x < 20), (x > 0) & (t_x >= 20)):
        error = (later - expected)[group]
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(group.sum())
        error = ((later == 0) - none)[group]
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(group.sum())


@given(models(), histories(), st.floats(0, 1e6))
def test_probabilities_agree_with_each_other(model, history, t):
    alive = model.p_alive(*history)
    none = model.p_no_purchase(t, *history)

    assert 0 <= alive <= 1
    assert 1 - alive <= none <= 1
    assert model.expected_purchases(t, *history) >= (1 - none) * (1 - 1e-9) - 1e-12


@given(models(), histories(), st.floats(0, 1e4), st.floats(0, 1e4))
def test_waiting_longer_never_makes_no_purchase_likelier(model, history, t, longer):
    sooner, later = (model.p_no_purchase(time, *history) for time in (t, t + longer))
    few, many = (model.expected_purchases(time, *history) for time in (t, t + longer))

    assert later <= sooner + 1e-9
    assert many >= few * (1 - 1e-9)


@given(models(), histories(), st.floats(0, 1), st.floats(0.01, 1e4))
def test_a_more_recent_purchase_never_raises_the_risk(model, history, share, t):
    x, t_x, T = history
    earlier = x, t_x * share, T

    assert model.p_no_purchase(t, *history) <= model.p_no_purchase(t, *earlier) + 1e-9
    assert model.p_alive(*history) >= model.p_alive(*earlier) - 1e-9


@given(models(-10, 12), histories(), st.sampled_from([0.0, 1e-9, 1.0, 1e6]))
def test_forecasts_are_finite_at_extremes(model, history, t):
    assert np.isfinite(model.p_alive(*history)).all()
    assert np.isfinite(model.p_no_purchase(t, *history)).all()
    assert np.isfinite(model.logit_no_purchase(t, *history)).all()
    assert np.isfinite(model.expected_purchases(t, *history)).all()


@given(models(-3, 3), histories(), st.floats(0.01, 1e4))
def test_the_logit_is_that_of_the_probability(model, history, t):
    score = model.logit_no_purchase(t, *history)

    assert expit(score) == pytest.approx(model.p_no_purchase(t, *history), abs=1e-12)


@each_model
def test_the_logit_tells_apart_what_the_probability_rounds_to_one(model):
    model = model.from_parameters(dict(zip(model.names, (0.5, 10.0, 0.7, 10.0), strict=True)))

    history = [3, 30], [50.0, 50.0], [50.0, 50.0]

    score = model.logit_no_purchase(1e-11, *history)

    chance = model.p_alive(*history) * np.array([3.5, 30.5]) / 60 * 1e-11
    assert score == pytest.approx(-np.log(chance), rel=1e-9)


@each_model
def test_the_logit_ends_at_thirty(model):
    model = model.from_parameters(dict(zip(model.names, (9.0, 1e-3, 1e-3, 1e3), strict=True)))

    score = model.logit_no_purchase([0.0, 1e6], [0, 5000], [0.0, 50.0], [50.0, 50.0])

    assert score[0] == 30
    assert -30 <= score[1] < -10


@each_model
def test_no_time_ahead_means_no_purchase(model):
    model = model.from_parameters(dict.fromkeys(model.names, 1.0))

    assert model.p_no_purchase(0.0, [0, 5], [0.0, 9.0], [9.0, 9.0]).tolist() == [1.0, 1.0]
    assert model.expected_purchases(0.0, [0, 5], [0.0, 9.0], [9.0, 9.0]).tolist() == [0.0, 0.0]


@each_model
def test_in_the_long_run_only_the_dead_do_not_buy(model):
    model = model.from_parameters(dict(zip(model.names, (5.0, 10.0, 0.1, 100.0), strict=True)))
    history = [9, 2], [9.0, 2.0], [20.0, 20.0]

    never = model.p_no_purchase(1e6, *history)

    assert never == pytest.approx(1 - model.p_alive(*history), abs=0.05)


def test_one_time_buyers_are_always_alive_in_bgnbd_only():
    once = [0, 0], [0.0, 0.0], [1.0, 1e5]

    assert BGNBD.from_parameters(dict.fromkeys(BGNBD.names, 1.0)).p_alive(*once).tolist() == [1, 1]
    assert (MBGNBD.from_parameters(dict.fromkeys(MBGNBD.names, 1.0)).p_alive(*once) < 0.6).all()


@each_model
def test_the_time_ahead_may_differ_between_customers(model):
    model = model.from_parameters(dict.fromkeys(model.names, 1.0))
    history = [2, 2], [3.0, 3.0], [9.0, 9.0]

    both = model.expected_purchases([1.0, 50.0], *history)

    assert both[0] == model.expected_purchases(1.0, *history)[0]
    assert both[1] == model.expected_purchases(50.0, *history)[0]


def test_a_negative_time_ahead_is_refused():
    model = BGNBD.from_parameters(dict.fromkeys(BGNBD.names, 1.0))

    with pytest.raises(TrainingError, match="t must be 0 or more; got -1"):
        model.p_no_purchase(-1.0, 2, 3.0, 9.0)


def test_as_many_times_ahead_as_customers_or_one():
    model = BGNBD.from_parameters(dict.fromkeys(BGNBD.names, 1.0))

    with pytest.raises(TrainingError, match="t must be one time, or one per customer; got 3 for 2"):
        model.p_no_purchase([1.0, 2.0, 3.0], [2, 2], [3.0, 3.0], [9.0, 9.0])


@given(positive, positive, positive, positive, st.floats(0.0, 1e6))
def test_equal_powers_of_time_integrate_to_a_power(alpha, k, c, start, width):
    got = Decay(alpha, np.array([k]), alpha, c + 1).over(np.array([start]), np.array([width]))

    closed = -np.expm1(-(k + c) * np.log1p(width / (alpha + start))) * (alpha + start) / (k + c)
    assert np.exp(got.log) == pytest.approx(closed, rel=1e-9)


@each_model
def test_a_model_without_parameters_says_so(model):
    with pytest.raises(TrainingError, match=f"{model.__name__} must be fitted"):
        model().p_alive(2, 3.0, 9.0)


@each_model
def test_no_customers_have_no_forecasts(model):
    model = model.from_parameters(dict.fromkeys(model.names, 1.0))

    assert model.p_no_purchase(9.0, [], [], []).shape == (0,)
    assert model.expected_purchases(9.0, [], [], []).shape == (0,)
