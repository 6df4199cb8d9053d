import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.btyd import GammaGamma
from training.btyd.gamma_gamma import _log_likelihood
from training.errors import TrainingError

PUBLISHED = {"p": 6.25, "q": 3.74, "v": 15.44}
sizes = st.floats(-7, 7).map(np.exp)


def drawn(customers, seed=0):
    """Orders and their mean value of customers drawn with the published parameters."""
    random = np.random.default_rng(seed)
    x = 1.0 + random.geometric(0.4, customers)
    scale = random.gamma(PUBLISHED["q"], 1 / PUBLISHED["v"], customers)
    return x, random.gamma(PUBLISHED["p"] * x) / scale / x


def test_the_published_means_of_cdnow_customers():
    """From the spreadsheet that comes with the paper's data."""
    model = GammaGamma.from_parameters(PUBLISHED)

    means = model.expected_spend([2, 1, 0, 7], [22.35, 11.77, 0.0, 73.74])

    assert means == pytest.approx([24.65, 18.91, 35.17, 71.46], abs=0.05)


@pytest.mark.parametrize("theta", [(6.25, 3.74, 15.44), (0.1, 1.2, 900.0), (800.0, 60.0, 0.01)])
def test_the_gradient_is_that_of_the_likelihood(theta):
    x, z, w = np.array([1.0, 2.0, 3000.0]), np.array([9.0, 0.01, 40.0]), np.array([1.0, 2.0, 3.0])
    theta = np.array(theta)
    gradient = _log_likelihood(theta, x, z, w)[1]

    for i, value in enumerate(theta):
        step = np.zeros(3)
        step[i] = 1e-5 * value
        up, down = (_log_likelihood(theta + s, x, z, w)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / (2 * step[i]), rel=1e-5)


def test_known_parameters_are_found_again():
    fitted = GammaGamma().fit(*drawn(50_000))

    assert fitted.converged_
    assert fitted.parameters == pytest.approx(PUBLISHED, rel=0.05)


def test_the_currency_does_not_matter():
    x, z = drawn(1000)
    fitted, other = GammaGamma(1.0).fit(x, z), GammaGamma(1.0).fit(x, z * 5000)

    assert other.parameters["v"] == pytest.approx(fitted.parameters["v"] * 5000, rel=1e-6)
    assert other.expected_spend(x, z * 5000) == pytest.approx(fitted.expected_spend(x, z) * 5000)


def test_customers_without_an_order_teach_nothing():
    x, z = drawn(500)

    more = GammaGamma().fit(np.append(x, [0, 0]), np.append(z, [np.nan, 0.0]))

    assert more.parameters == GammaGamma().fit(x, z).parameters


def test_weights_count_like_repeated_rows():
    x, z = drawn(300)
    weights = np.arange(300) % 3

    weighted = GammaGamma().fit(x, z, weights)

    repeated = GammaGamma().fit(np.repeat(x, weights), np.repeat(z, weights))
    assert weighted.parameters == pytest.approx(repeated.parameters, rel=1e-6)


def test_a_start_nearby_ends_at_the_same_optimum():
    data = drawn(500)
    fitted = GammaGamma().fit(*data)

    again = GammaGamma().fit(*data, start={"p": 7.0, "q": 3.0, "v": 20.0})

    assert again.parameters == pytest.approx(fitted.parameters, rel=1e-5)


def test_all_spending_the_same_ends_at_a_bound_and_expects_that():
    fitted = GammaGamma().fit([1, 2, 3], [20.0, 20.0, 20.0])

    assert fitted.at_bounds_
    assert "at a bound" in fitted.message_
    assert fitted.expected_spend([0, 2], [0.0, 20.0]) == pytest.approx([20.0, 20.0], rel=0.01)


@pytest.mark.parametrize("data", [([1], [20.0]), ([1, 1], [0.01, 1e6]), ([5000], [3.0])])
def test_with_a_ridge_few_orders_give_finite_means(data):
    fitted = GammaGamma(1.0).fit(*data)

    assert fitted.converged_
    assert np.isfinite(fitted.expected_spend([0, 1, 5000], [0.0, 1.0, 1e6])).all()


@given(sizes, sizes.map(lambda q: 1.05 + q), sizes, st.integers(0, 5000), st.floats(0.01, 1e6))
def test_the_mean_lies_between_the_populations_and_the_customers_own(p, q, v, x, z):
    model = GammaGamma.from_parameters({"p": p, "q": q, "v": v})
    population = model.expected_spend(0, 0.0)

    mean = model.expected_spend(x, z)

    assert min(population, z) * (1 - 1e-9) <= mean <= max(population, z) * (1 + 1e-9)


def test_parameters_survive_json():
    fitted = GammaGamma().fit(*drawn(200))

    restored = GammaGamma.from_parameters(json.loads(json.dumps(fitted.parameters)))

    assert restored.parameters == fitted.parameters


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([0, 0], [0.0, 0.0]), "frequency must be above 0 somewhere; got none in 2 customers"),
        (([1, 2], [3.0, 0.0]), "monetary_value must be above 0 where frequency is; got 0 in row 1"),
        (([1], [np.nan]), "monetary_value must be finite; got nan"),
        (([-1], [3.0]), "frequency must be 0 or more; got -1"),
        (([1, 2], [3.0]), "must have one value per customer; got shapes"),
        (([1], [3.0], [-1.0]), "weights must be 0 or more; got -1"),
    ],
)
def test_impossible_orders_are_refused(data, message):
    with pytest.raises(TrainingError, match=message):
        GammaGamma().fit(*data)


def test_a_model_without_parameters_says_so():
    with pytest.raises(TrainingError, match="GammaGamma must be fitted"):
        GammaGamma().expected_spend(1, 20.0)


def test_the_populations_mean_stays_finite_where_orders_have_none():
    heavy = 1 / np.random.default_rng(0).gamma(0.5, size=2000)

    fitted = GammaGamma().fit(np.ones(2000), heavy)

    assert fitted.parameters["q"] == pytest.approx(1.05)
    assert fitted.at_bounds_ == ("q",)
    assert fitted.expected_spend(0, 0.0) > 0
