"""Allocation: at most one offer to each customer, for the most profit under a budget."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from offers.allocation.dual import Dual
from offers.allocation.problem import NONE, AllocationProblem, Choice
from training.evaluation import FloatArray

# Up to so many customers the problem is solved as it stands.
SMALL = 2000
# So many customers, those nearest to another choice, are otherwise decided exactly in the end.
CORE = 300
# Prices are first found on so many customers, and then for all.
SAMPLE = 20_000


@dataclass(frozen=True)
class Allocation:
    """Who gets which offer.

    Attributes
    ----------
    offer : numpy.ndarray of int, shape (customers,)
        Column of the offer; -1 for none.
    profit : float
        Total expected profit.
    cost : float
        Total expected cost.
    bound : float
        No allocation has more profit.
    price : float
        What one more unit of the budget would bring, 0 where the budget does not bind.
    """

    offer: Choice
    profit: float
    cost: float
    bound: float
    price: float

    @property
    def gap(self) -> float:
        """Share of the bound that may have been missed."""
        return max(self.bound - self.profit, 0.0) / self.bound if self.bound > 0 else 0.0


def allocate(
    profit: ArrayLike,
    cost: ArrayLike,
    budget: float = np.inf,
    capacity: ArrayLike | None = None,
) -> Allocation:
    """Give at most one offer to each customer, for the most expected profit.

    Up to 2,000 customers exactly, by integer programming (SciPy's HiGHS). Beyond, every unit of
    the budget and every place of an offer has a price; customers take what is best for them at
    these prices, and what does not fit is put right. The prices are the multipliers of the
    Lagrangian dual, found by cutting planes (Kelley 1960); the dual bounds what any allocation
    could bring (Geoffrion 1974). The 300 customers whose choice hangs on them most are then
    decided exactly.

    Parameters
    ----------
    profit : array-like, shape (customers, offers)
        Expected profit, in the currency; NaN where the offer may not be made. An offer with a
        profit of 0 or less is never made.
    cost : array-like, shape (customers, offers)
        Expected cost, in the currency.
    budget : float
    capacity : array-like, shape (offers,), optional

    Raises
    ------
    OffersError
        If shapes differ, or a cost, a capacity or the budget is negative or no number.

    Examples
    --------
    >>> profit = [[5.0, 4.0], [3.0, 2.9], [1.0, -1.0]]
    >>> found = allocate(profit, cost=[[4.0, 1.0]] * 3, budget=5)
    >>> found.offer.tolist(), found.profit, found.gap
    ([0, 1, -1], 7.9, 0.0)
    """
    problem = AllocationProblem.of(profit, cost, budget, capacity)
    return _exact(problem) if len(problem) <= SMALL else _by_prices(problem)


def _exact(problem: AllocationProblem) -> Allocation:
    """By integer programming; the dual gives the price of the budget."""
    customer, offer = np.nonzero(problem.profit > 0)
    gain, cost = problem.profit[customer, offer], problem.cost[customer, offer]
    chosen = np.full(len(problem), NONE)
    if not len(gain):
        return Allocation(chosen, 0.0, 0.0, 0.0, 0.0)
    rows, limits = _constraints(problem, customer, offer)
    with silence():
        found = milp(
            -gain,
            constraints=LinearConstraint(rows, -np.inf, limits),
            integrality=np.ones(len(gain), dtype=np.int64),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0, "presolve": False},
        )
    taken = np.asarray(found.x) > 0.5
    chosen[customer[taken]] = offer[taken]
    price = Dual.of(problem).descend()[0][-1]
    total = float(gain[taken].sum())
    return Allocation(chosen, total, float(cost[taken].sum()), total, float(price))


@contextmanager
def silence() -> Iterator[None]:
    """HiGHS prints lines for its own developers; stdout may have to hold one JSON document."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _constraints(
    problem: AllocationProblem, customer: NDArray[np.int64], offer: NDArray[np.int64]
) -> tuple[csr_array, FloatArray]:
    """One offer a customer, the capacities, and last the budget; those that can bind."""
    pairs = np.arange(len(customer))
    ones = np.ones(len(pairs))
    parts = [csr_array((ones, (customer, pairs)), (len(problem), len(pairs)))]
    limits = [np.ones(len(problem))]
    bounded = np.isfinite(problem.capacity)
    if bounded.any():
        by_offer = csr_array((ones, (offer, pairs)), (problem.profit.shape[1], len(pairs)))
        parts.append(by_offer[np.flatnonzero(bounded)])
        limits.append(problem.capacity[bounded])
    if np.isfinite(problem.budget):
        parts.append(csr_array(problem.cost[customer, offer][None, :]))
        limits.append(np.array([problem.budget]))
    return vstack(parts, format="csr"), np.concatenate(limits)


def _by_prices(problem: AllocationProblem) -> Allocation:
    """Find prices on a sample, sharpen them on everybody, and round what customers then choose."""
    known: FloatArray | None = None
    if len(problem) > 2 * SAMPLE:
        rows = np.random.default_rng(0).choice(len(problem), SAMPLE, replace=False)
        known = Dual.of(problem.take(rows)).descend()[0]
    dual = Dual.of(problem)
    prices, bound = dual.descend(known)
    offer = dual.round(prices)
    core = dual.undecided(prices, CORE)
    spared = offer.copy()
    spared[core] = NONE
    left = dual.limits - dual.used(spared)
    part = AllocationProblem(problem.profit[core], problem.cost[core], left[-1], left[:-1])
    offer[core] = _exact(part).offer
    taken = np.flatnonzero(offer != NONE)
    gain = float(problem.profit[taken, offer[taken]].sum())
    cost = float(problem.cost[taken, offer[taken]].sum())
    return Allocation(offer, gain, cost, max(bound, gain), float(prices[-1]))
