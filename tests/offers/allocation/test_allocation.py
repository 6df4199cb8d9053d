import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers.allocation.allocation import SMALL, allocate
from offers.allocation.problem import NONE
from offers.errors import OffersError

LAWS = settings(deadline=None, max_examples=40)
INF = float("inf")


def shop(customers: int, offers: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Profits and costs of offers, a third of them not to be made and many not worth it."""
    random = np.random.default_rng(seed)
    worth = random.lognormal(4.0, 1.0, (customers, 1))
    cost = random.uniform(1.0, 10.0, offers) * random.uniform(0.5, 1.5, (customers, offers))
    profit = worth * random.normal(0.02, 0.05, (customers, offers)) - 0.3 * cost
    profit[random.random(profit.shape) < 0.3] = np.nan
    return profit, cost


def money(cost: np.ndarray, profit: np.ndarray, share: float) -> float:
    """A share of what the dearest worthwhile offers to everybody would cost."""
    return share * float(np.where(profit > 0, cost, 0.0).max(axis=1).sum())


def totals(found, profit, cost) -> tuple[float, float]:
    taken = np.flatnonzero(found.offer != NONE)
    return profit[taken, found.offer[taken]].sum(), cost[taken, found.offer[taken]].sum()


def by_brute_force(profit, cost, budget, capacity) -> float:
    """The most profit of all ways to give at most one offer to each customer."""
    customers, offers = profit.shape
    best = 0.0
    for given_offers in itertools.product(range(-1, offers), repeat=customers):
        pairs = [(c, o) for c, o in enumerate(given_offers) if o >= 0]
        counts = [sum(o == offer for _, o in pairs) for offer in range(offers)]
        spent = sum(cost[p] for p in pairs)
        if spent <= budget and all(n <= most for n, most in zip(counts, capacity, strict=True)):
            best = max(best, sum(profit[p] for p in pairs))
    return best


@LAWS
@given(
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 10_000),
    st.floats(0.0, 60.0),
    st.integers(0, 3),
)
def test_no_way_to_make_few_offers_is_better(customers, offers, seed, budget, most):
    profit, cost = shop(customers, offers, seed)
    capacity = np.full(offers, most)

    found = allocate(profit, cost, budget, capacity)

    assert found.profit == pytest.approx(
        by_brute_force(np.nan_to_num(profit, nan=-1.0), cost, budget, capacity)
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.05, 0.4])
@pytest.mark.parametrize("most", [INF, 60])
def test_beyond_the_exact_the_gap_is_within_a_thousandth_of_highs(seed, share, most):
    profit, cost = shop(2 * SMALL, seed=seed)
    budget, capacity = money(cost, profit, share), np.full(4, most)

    found = allocate(profit, cost, budget, capacity)
    halves = [
        allocate(profit[half], cost[half], budget / 2, capacity / 2)
        for half in (slice(SMALL), slice(SMALL, None))
    ]

    assert found.gap < 0.001
    assert found.profit >= sum(half.profit for half in halves) * 0.999


@pytest.mark.parametrize("customers", [300, 5000])
@pytest.mark.parametrize("most", [INF, 40.0])
def test_every_limit_is_kept_to(customers, most):
    profit, cost = shop(customers)
    budget = money(cost, profit, 0.1)

    found = allocate(profit, cost, budget, np.full(4, most))

    taken = np.flatnonzero(found.offer != NONE)
    assert (profit[taken, found.offer[taken]] > 0).all()
    assert np.bincount(found.offer[taken]).max() <= most
    assert totals(found, profit, cost) == pytest.approx((found.profit, found.cost))
    assert 0.9 * budget < found.cost <= budget * (1 + 1e-9) or most < INF
    assert found.profit <= found.bound * (1 + 1e-9)


@pytest.mark.parametrize("customers", [200, 4000])
def test_without_limits_everybody_gets_what_is_best_for_them(customers):
    profit, cost = shop(customers)

    found = allocate(profit, cost)

    best = np.where(profit > 0, profit, -1.0)
    expected = np.where(best.max(axis=1) > 0, best.argmax(axis=1), NONE)
    assert found.offer.tolist() == expected.tolist()
    assert (found.price, found.gap) == (0.0, pytest.approx(0.0, abs=1e-9))


@pytest.mark.parametrize("customers", [200, 4000])
@pytest.mark.parametrize("limits", [{"budget": 0.0}, {"capacity": [0.0, 0.0, 0.0, 0.0]}])
def test_with_nothing_to_give_nobody_gets_anything(customers, limits):
    profit, cost = shop(customers)

    found = allocate(profit, cost, **limits)

    assert (found.offer == NONE).all()
    assert (found.profit, found.cost, found.gap) == (0.0, 0.0, pytest.approx(0.0, abs=1e-9))


@pytest.mark.parametrize("customers", [200, 4000])
def test_customers_who_are_all_alike_share_the_budget(customers):
    """Prices alone would serve all of them or none."""
    profit, cost = np.full((customers, 2), [3.0, 2.0]), np.full((customers, 2), [2.0, 1.0])

    found = allocate(profit, cost, budget=customers * 1.5)

    assert found.profit == pytest.approx(customers * 2.5)
    assert np.bincount(found.offer).tolist() == [customers / 2, customers / 2]


@pytest.mark.parametrize("customers", [500, 4000])
def test_the_price_of_the_budget_is_what_a_little_more_of_it_brings(customers):
    profit, cost = shop(customers)
    budget = money(cost, profit, 0.2)

    less, more = (allocate(profit, cost, budget * part).profit for part in (0.98, 1.02))

    price = allocate(profit, cost, budget).price
    assert (more - less) / (0.04 * budget) == pytest.approx(price, rel=0.05)


@pytest.mark.parametrize("customers", [400, 4000])
def test_an_allocation_made_twice_is_the_same(customers):
    profit, cost = shop(customers)
    budget = money(cost, profit, 0.1)

    one, other = (allocate(profit, cost, budget, np.full(4, 50)) for _ in range(2))

    assert one.offer.tolist() == other.offer.tolist()


def test_nothing_is_printed(capfd):
    """HiGHS does, on some problems, past its own settings: this is one of them."""
    profit, cost = shop(1500, 5, seed=2)

    for share in (0.1, 0.3, 0.4):
        allocate(profit, cost, money(cost, profit, share))

    assert capfd.readouterr().out == ""


def test_of_no_customers_nobody_gets_anything():
    found = allocate(np.zeros((0, 3)), np.zeros((0, 3)), 10.0)

    assert (len(found.offer), found.profit, found.gap) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1.0, 2.0]], [[1.0]]), "one row per customer"),
        (([1.0], [1.0]), "one row per customer"),
        (([[1.0]], [[-1.0]]), "cost >= 0"),
        (([[1.0]], [[np.nan]]), "cost >= 0"),
        (([[np.inf]], [[1.0]]), "profit must be finite"),
        (([[1.0]], [[1.0]], -5.0), "budget must be a number >= 0; got -5.0"),
        (([[1.0]], [[1.0]], np.nan), "budget must be a number >= 0; got nan"),
        (([[1.0]], [[1.0]], 1.0, [1.0, 2.0]), "one number >= 0 for each offer"),
        (([[1.0]], [[1.0]], 1.0, [-1.0]), "one number >= 0 for each offer"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(OffersError, match=words):
        allocate(*arguments)
