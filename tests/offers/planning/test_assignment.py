import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers.allocation.problem import NONE
from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.planning.assignment import intend
from offers.planning.campaign import Campaign
from offers.planning.randomisation import draw

LAWS = settings(deadline=None, max_examples=30)


def campaign(
    budget: float, holdout: float, explore: float, offers: str = "ab", most: int | None = None
) -> Campaign:
    """A campaign with offers of one letter; the first can be made `most` times."""
    first, *others = offers
    made = (Offer(first, "points", capacity=most), *(Offer(o, "points") for o in others))
    return Campaign("autumn", OfferCatalogue(made), budget, holdout, explore)


def frames(customers: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Profits and costs of two offers; a fifth of them may not be made."""
    random = np.random.default_rng(seed)
    index = pd.Index([f"c{i}" for i in range(customers)], name="customer_id")
    profit = random.normal(1.0, 2.0, (customers, 2))
    profit[random.random(profit.shape) < 0.2] = np.nan
    cost = random.uniform(0.5, 2.0, (customers, 2))
    return pd.DataFrame(profit, index, ["a", "b"]), pd.DataFrame(cost, index, ["a", "b"])


def treated_cost(found, cost) -> float:
    rows = np.flatnonzero((found.offer != NONE) & ~found.held_out)
    return float(cost.to_numpy()[rows, found.offer[rows]].sum())


def test_without_exploring_everybody_is_meant_to_get_what_is_best():
    profit, cost = frames(200)
    found = intend(profit, cost, campaign(1e6, 0.2, 0.0))
    values = profit.fillna(-1.0).to_numpy()
    best = np.where(values.max(axis=1) > 0, values.argmax(axis=1), NONE)
    assert found.offer.tolist() == best.tolist() and not found.explored.any()


def test_who_is_held_out_is_a_matter_of_the_draw_alone():
    profit, cost = frames(500)
    found = intend(profit, cost, campaign(1e6, 0.2, 0.1))
    unlucky = draw("autumn", "holdout", profit.index) < 0.2
    assert (found.held_out == (unlucky & (found.offer != NONE))).all()


def test_the_propensities_without_exploring_are_those_of_the_holdout():
    profit, cost = frames(300)
    found = intend(profit, cost, campaign(100.0, 0.25, 0.0))
    expected = np.select([found.offer == NONE, found.held_out], [1.0, 0.25], 0.75)
    assert found.propensity == pytest.approx(expected)


def test_the_propensities_with_exploring_by_hand():
    """Two offers allowed, one of them best: explored in a fifth of all cases, half of them `b`."""
    index = pd.Index([f"c{i}" for i in range(4000)])
    profit = pd.DataFrame({"a": 2.0, "b": 1.0}, index)
    cost = pd.DataFrame({"a": 0.0, "b": 0.0}, index)
    found = intend(profit, cost, campaign(1.0, 0.25, 0.2))
    of_a, of_b = 0.75 * (0.8 + 0.1), 0.75 * 0.1
    expected = np.select([found.held_out, found.offer == 0], [0.25, of_a], of_b)
    assert found.propensity == pytest.approx(expected)
    for what, chance in ((found.offer == 1) & ~found.held_out, of_b), (found.held_out, 0.25):
        assert what.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / 4000))


def test_who_should_get_nothing_may_still_be_explored():
    index = pd.Index([f"c{i}" for i in range(2000)])
    profit, cost = pd.DataFrame({"a": -1.0}, index), pd.DataFrame({"a": 0.0}, index)
    found = intend(profit, cost, campaign(1.0, 0.5, 0.2, "a"))
    assert 300 < found.explored.sum() < 500
    assert found.propensity[found.offer == NONE] == pytest.approx(1 - 0.5 * 0.2)
    assert found.propensity[found.held_out] == pytest.approx(1 - 0.5 * 0.2)
    assert found.propensity[found.explored & ~found.held_out] == pytest.approx(0.5 * 0.2)


def test_exploring_costs_no_more_than_its_share_of_the_budget():
    profit, cost = frames(5000)
    found = intend(profit, cost, campaign(200.0, 0.1, 0.1))
    rows = np.flatnonzero(found.explored & ~found.held_out)
    spent = cost.to_numpy()[rows, found.offer[rows]].sum()
    assert found.explored_share < 0.1 and spent == pytest.approx(20.0, rel=0.6)


@pytest.mark.parametrize("explore", [0.0, 0.3])
def test_the_treated_cost_about_the_budget(explore):
    profit, cost = frames(20_000)
    found = intend(profit, cost, campaign(3000.0, 0.1, explore))
    assert treated_cost(found, cost) == pytest.approx(3000.0, rel=0.05)


@LAWS
@given(st.integers(0, 1000), st.floats(0.0, 300.0), st.integers(0, 30), st.floats(0.0, 0.5))
def test_no_offer_is_made_that_may_not_be_or_more_often_than_it_can(seed, budget, most, explore):
    profit, cost = frames(120, seed)
    found = intend(profit, cost, campaign(budget, 0.1, explore, most=most))
    rows = np.flatnonzero(found.offer != NONE)
    assert profit.notna().to_numpy()[rows, found.offer[rows]].all()
    assert (found.offer == 0).sum() <= most
    assert ((found.propensity > 0) & (found.propensity <= 1 + 1e-12)).all()


@LAWS
@given(st.integers(0, 1000), st.floats(0.0, 60.0), st.floats(0.0, 0.5))
def test_the_treated_are_never_expected_to_cost_more_than_the_budget(seed, budget, explore):
    profit, cost = frames(40, seed)
    found = intend(profit, cost, campaign(budget, 0.1, explore))
    rows = np.flatnonzero((found.offer != NONE) & ~found.explored)
    random = np.flatnonzero(found.explored)
    spent = 0.9 * sum(cost.to_numpy()[r, found.offer[r]].sum() for r in (rows, random))
    explored = 0.9 * cost.to_numpy()[random, found.offer[random]].sum()
    assert spent <= max(budget, explored) + 1e-9
