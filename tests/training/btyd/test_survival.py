import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from training.btyd.population import PopulationModel
from training.btyd.survival import SurvivalCurve

LAWS = settings(deadline=None, max_examples=30)
FEW = settings(deadline=None, max_examples=10)
HORIZON = 90.0


def rounding(value: np.ndarray) -> np.ndarray:
    return 1e-12 + 1e-9 * np.abs(value)


@st.composite
def curves(draw) -> SurvivalCurve:
    """Any MBG/NBD, customers from one-time buyers to daily ones, and any departure of the risk."""
    of = {name: draw(st.floats(-3, 3)) for name in ("r", "alpha", "b")}
    parameters = {name: float(10.0**power) for name, power in of.items()}
    # Down to where nobody ever leaves for good.
    parameters["a"] = float(10.0 ** draw(st.floats(-16, 2)))
    btyd = PopulationModel(parameters, 20.0, 1.0, draw(st.floats(-1.5, 1.5)), HORIZON)
    customers = st.tuples(st.integers(0, 900), st.floats(0, 1), st.floats(0, 1500))
    rows = draw(st.lists(customers, min_size=1, max_size=8))
    X = pd.DataFrame(
        [(x, share * T if x else 0.0, T) for x, share, T in rows],
        columns=["frequency", "recency", "T"],
    ).astype(float)
    expected = btyd.logit_no_order(X, HORIZON)
    # A churn model's risk is within these logits.
    risk = np.clip(expected + draw(st.floats(-20, 20)), -13.8, 13.8)
    return SurvivalCurve(btyd, X, risk - expected)


@LAWS
@given(curves(), st.floats(0.0, 4000.0), st.floats(0.0, 1000.0))
def test_no_order_never_becomes_more_likely_by_waiting(curve, days, more):
    early, late = curve.no_order(days), curve.no_order(days + more)

    assert ((late >= 0) & (late <= early) & (early <= 1)).all()


@LAWS
@given(curves(), st.floats(0.0, 4000.0))
def test_who_orders_is_alive(curve, days):
    orders = 1 - curve.no_order(days)

    assert (curve.p_alive() >= orders - rounding(orders)).all()


def test_a_chance_to_be_alive_of_nearly_one_keeps_its_digits_when_it_is_shifted():
    """1 - P(alive) is a / (a + b) = 1e-12 here, of which a float near 1 keeps four digits."""
    parameters = {"r": 100.0, "alpha": 1.0, "a": 1e-10, "b": 100.0}
    newcomer = pd.DataFrame({"frequency": [0.0], "recency": [0.0], "T": [0.0]})
    btyd = PopulationModel(parameters, 20.0, 1.0, 0.0, HORIZON)

    alive = SurvivalCurve(btyd, newcomer, np.array([17.0])).p_alive()

    assert alive == pytest.approx(expit(np.log(1e12) - 17.0), abs=1e-12)


@FEW
@given(curves(), st.floats(1.0, 4000.0))
def test_whoever_orders_has_at_least_one_purchase_day(curve, days):
    assert (curve.orders_if_any(days) >= 1).all()


@LAWS
@given(curves(), st.floats(1.0, 2000.0))
def test_by_the_median_an_order_is_as_likely_as_not_to_have_come_and_not_before(curve, limit):
    median = curve.median_days(limit)
    comes = ~np.isnan(median)
    at = np.where(comes, median, limit)
    just_before = np.maximum(at - 1e-6, 0.0)

    assert np.array_equal(comes, curve.no_order(limit) <= 0.5)
    assert (curve.no_order(at)[comes] <= 0.5).all()
    assert ((curve.no_order(just_before) > 0.5) | (just_before == 0))[comes].all()
    assert (at <= limit).all()


ONE = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)
X = pd.DataFrame({"frequency": [0.0, 8.0], "recency": [0.0, 350.0], "T": [300.0, 360.0]})


def test_without_a_shift_it_is_that_of_mbg_nbd():
    curve = SurvivalCurve(ONE, X, np.zeros(2))

    assert curve.no_order(45.0) == pytest.approx(expit(ONE.logit_no_order(X, 45.0)))
    assert curve.p_alive() == pytest.approx(ONE.p_alive(X))


def test_a_shift_moves_every_logit_of_a_customer_alike():
    curve = SurvivalCurve(ONE, X, np.array([0.5, -1.0]))

    for days in (30.0, 365.0):
        moved = logit(curve.no_order(days)) - ONE.logit_no_order(X, days)
        assert moved == pytest.approx([0.5, -1.0])
    assert logit(curve.p_alive()) - logit(ONE.p_alive(X)) == pytest.approx([-0.5, 1.0])


def test_it_ends_where_the_chance_to_be_alive_begins():
    curve = SurvivalCurve(ONE, X, np.array([0.5, -1.0]))

    assert 1 - curve.no_order(1e12) == pytest.approx(curve.p_alive(), abs=1e-3)


def test_the_median_by_hand():
    """With nobody leaving, r = 1 and nothing bought since, half remain after alpha + T days."""
    immortal = PopulationModel({"r": 1.0, "alpha": 10.0, "a": 1e-14, "b": 1.0}, 20.0, 1.0)
    one = pd.DataFrame({"frequency": [0.0], "recency": [0.0], "T": [25.0]})
    curve = SurvivalCurve(immortal, one, np.zeros(1))

    assert curve.median_days(90.0) == pytest.approx([35.0])
    assert curve.median_days(35.1) == pytest.approx([35.0])
    assert np.isnan(curve.median_days(34.9)).all()
    twice_as_fast = SurvivalCurve(immortal.at_pace(np.log(2.0), 90.0), one, np.zeros(1))
    assert twice_as_fast.median_days(90.0) == pytest.approx([17.5])
