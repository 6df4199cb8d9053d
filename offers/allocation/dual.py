"""Prices of the budget and of the offers' places, at which what is best for each nearly fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from offers.allocation.problem import NONE, AllocationProblem, Choice
from training.evaluation import FloatArray

# Divisions need something.
TINY = 1e-12
# Halvings of a price: 2^-60 of the largest is less than a float can tell of it.
ROUNDS = 60
# How near to the best prices the search stops, as a share of the bound.
NEAR = 1e-4


@dataclass(frozen=True)
class Dual:
    """The Lagrangian dual: prices of the offers' places, and last of the budget.

    `gain` is minus infinity where an offer may not be made or brings nothing; `limits` are the
    capacities and the budget, cut to what could be used at most.
    """

    gain: FloatArray
    cost: FloatArray
    limits: FloatArray

    @classmethod
    def of(cls, problem: AllocationProblem) -> Self:
        """Leave out what brings nothing."""
        gain = np.where(problem.profit > 0, problem.profit, -np.inf)
        cost = np.where(problem.profit > 0, problem.cost, 0.0)
        most = np.append(np.full(gain.shape[1], len(gain)), cost.max(axis=1, initial=0.0).sum())
        return cls(gain, cost, np.minimum(np.append(problem.capacity, problem.budget), most))

    def reduced(self, prices: FloatArray) -> FloatArray:
        """Profit less what an offer costs at these prices, shape (customers, offers)."""
        reduced = self.cost * -prices[-1]
        reduced += self.gain
        reduced -= prices[:-1]
        return np.asarray(reduced)

    def choice(self, prices: FloatArray) -> tuple[Choice, FloatArray]:
        """What is best for each customer at these prices, and what it is worth there."""
        reduced = self.reduced(prices)
        best = reduced.argmax(axis=1)
        worth = np.take_along_axis(reduced, best[:, None], axis=1)[:, 0]
        return np.where(worth > 0, best, NONE), np.maximum(worth, 0.0)

    def used(self, offer: Choice) -> FloatArray:
        """Places taken and money spent."""
        taken = np.flatnonzero(offer != NONE)
        counts = np.bincount(offer[taken], minlength=self.gain.shape[1])
        return np.append(counts, self.cost[taken, offer[taken]].sum())

    def descend(self, start: FloatArray | None = None) -> tuple[FloatArray, float]:
        """The best prices that were found, and the bound at them."""
        highest = np.append(
            np.max(self.gain, axis=0, initial=0.0), _highest_return(self.gain, self.cost)
        )
        low, high = np.zeros_like(highest), highest
        if start is not None:
            low, high = 0.9 * start, np.minimum(1.1 * start + 1e-3 * highest, highest)
        prices = np.zeros_like(highest) if start is None else np.clip(start, low, high)
        best, bound = prices, np.inf
        cuts: list[tuple[FloatArray, float]] = []
        for _ in range(ROUNDS):
            offer, worth = self.choice(prices)
            slope = self.limits - self.used(offer)
            value = float(prices @ self.limits + worth.sum())
            if value < bound:
                best, bound = prices, value
            cuts.append((slope, value - float(slope @ prices)))
            prices, floor = _lowest(cuts, low, high)
            if bound - floor <= NEAR * bound:
                if start is None or not _at_edge(best, low, high, highest):
                    break
                low, high = low * 0.5, np.minimum(2 * high, highest)
        return best, bound

    def round(self, prices: FloatArray) -> Choice:
        """An allocation near the customers' own choices that keeps to every limit."""
        offer, worth = self.choice(prices)
        self._save(offer, worth, prices)
        left = self.limits - self.used(offer)
        for column in np.flatnonzero(left[:-1] < 0):
            takers = np.flatnonzero(offer == column)
            order = np.argsort(worth[takers], kind="stable")
            offer[takers[order[: int(-left[column])]]] = NONE
        for _ in range(2):
            self._improve(offer, prices)
        return offer

    def _save(self, offer: Choice, worth: FloatArray, prices: FloatArray) -> None:
        """Keep, in place, to the budget: by cheaper choices, least loss for what is saved first."""
        takers = np.flatnonzero(offer != NONE)
        spent = self.cost[takers, offer[takers]]
        excess = spent.sum() - self.limits[-1]
        if excess <= 0:
            return
        none = np.zeros((len(takers), 1))
        loss = worth[takers, None] - np.hstack([self.reduced(prices)[takers], none])
        saved = spent[:, None] - np.hstack([self.cost[takers], none])
        ratio = np.where(saved > 0, loss / np.maximum(saved, TINY), np.inf)
        cheaper = ratio.argmin(axis=1)
        rows = np.arange(len(takers))
        order = np.argsort(ratio[rows, cheaper], kind="stable")
        enough = int(np.searchsorted(np.cumsum(saved[rows, cheaper][order]), excess)) + 1
        changed = order[:enough]
        to_none = cheaper[changed] == self.gain.shape[1]
        offer[takers[changed]] = np.where(to_none, NONE, cheaper[changed])

    def undecided(self, prices: FloatArray, most: int) -> NDArray[np.int64]:
        """The customers whose choice hangs on the prices most (Balas & Zemel 1980)."""
        none = np.zeros((len(self.gain), 1))
        two = np.partition(np.hstack([self.reduced(prices), none]), -2, axis=1)[:, -2:]
        core = min(most, len(two)) - 1
        return np.argpartition(two[:, 1] - two[:, 0], core)[: core + 1]

    def _improve(self, offer: Choice, prices: FloatArray) -> None:
        """Make, in place, the changes that bring profit and fit; least loss at the prices first."""
        rows = np.arange(len(offer))
        taken = offer != NONE
        now = np.where(taken, offer, 0)
        gain_now = np.where(taken, self.gain[rows, now], 0.0)
        cost_now = np.where(taken, self.cost[rows, now], 0.0)
        reduced = self.reduced(prices)
        reduced[self.gain <= gain_now[:, None]] = -np.inf
        other = reduced.argmax(axis=1)
        worth = reduced[rows, other] - np.where(taken, self.reduced(prices)[rows, now], 0.0)
        movable = np.flatnonzero(np.isfinite(worth))
        order = movable[np.argsort(-worth[movable], kind="stable")]
        more = self.cost[order, other[order]] - cost_now[order]
        left = self.limits - self.used(offer)
        for found in _prefixes(order, other[order], offer[order], more, left):
            offer[found] = other[found]


def _prefixes(
    order: NDArray[np.int64], to: Choice, of: Choice, more: FloatArray, left: FloatArray
) -> Iterator[NDArray[np.int64]]:
    """Parts of `order`, in turn, that fit what is left; what does not fit alone is passed over."""
    for _ in range(ROUNDS):
        fits = (more <= left[-1]) & ((left[to] >= 1) | (to == of))
        order, to, of, more = order[fits], to[fits], of[fits], more[fits]
        if not len(order):
            return
        within = np.cumsum(more) <= left[-1]
        for column in range(len(left) - 1):
            within &= np.cumsum(to == column) <= left[column]
        whole = len(order) if within.all() else int(np.argmin(within))
        yield order[:whole]
        left = left - np.append(np.bincount(to[:whole], minlength=len(left) - 1), 0.0)
        left[-1] -= more[:whole].sum()
        order, to, of, more = order[whole:], to[whole:], of[whole:], more[whole:]


def _lowest(
    cuts: list[tuple[FloatArray, float]], low: FloatArray, high: FloatArray
) -> tuple[FloatArray, float]:
    """The lowest point under which no cut lies, within a box."""
    slopes = np.array([slope for slope, _ in cuts])
    levels = np.array([level for _, level in cuts])
    rows = np.column_stack([slopes, -np.ones(len(cuts))])
    target = np.append(np.zeros(len(low)), 1.0)
    bounds = [*zip(low, high, strict=True), (None, None)]
    found = linprog(target, A_ub=rows, b_ub=-levels, bounds=bounds)
    return np.asarray(found.x)[:-1], float(found.fun or 0.0)


def _highest_return(gain: FloatArray, cost: FloatArray) -> float:
    """The highest profit per unit of cost; at that price of the budget nobody is made an offer."""
    costly = (cost > 0) & np.isfinite(gain)
    return float((gain[costly] / cost[costly]).max(initial=0.0))


def _at_edge(prices: FloatArray, low: FloatArray, high: FloatArray, highest: FloatArray) -> bool:
    """Whether the box, and not the dual, holds a price back."""
    below = (prices <= low) & (low > 0)
    return bool((below | ((prices >= high) & (high < highest))).any())
