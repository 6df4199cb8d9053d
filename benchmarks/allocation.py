"""Allocation against SciPy's HiGHS, and the time it takes for a million customers.

Run as `python -m benchmarks.allocation`. HiGHS stops when it has proved its solution to a
hundredth of a percent; the share missed is against what it proved nobody can beat.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from offers.allocation.allocation import allocate, silence
from offers.planning.curves import budget_curve
from training.evaluation import FloatArray

OFFERS = 5
SIZES, SEEDS = (2001, 5000, 10_000), (0, 1)
BUDGETS = (0.05, 0.3)
MANY, OF_CURVE = 1_000_000, 100_000
PROOF, PATIENCE = 1e-4, 300.0


def main() -> None:
    """Print both tables, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["gap", "scale"])
    only = parser.parse_args().only
    if only != "scale":
        columns = ("customers", "budget", "places", "missed, %", "bound, %", "s", "HiGHS, s")
        _print(columns, [compared(*case) for case in cases()])
    if only != "gap":
        columns = (
            "work",
            "customers",
            "offers",
            "budget",
            "places",
            "s",
            "of CPU",
            "gap by its bound, %",
        )
        _print(columns, [timed(share, places) for share in BUDGETS for places in (False, True)])
        _print(("work", "customers", "offers", "points", "s", "of CPU"), [curve()])


def cases() -> list[tuple[int, int, float, bool]]:
    """Customers, seed, share of the money that all would cost, and whether places are few."""
    return [
        (size, seed, share, places)
        for size in SIZES
        for seed in SEEDS
        for share in BUDGETS
        for places in (False, True)
    ]


def shop(customers: int, seed: int) -> tuple[FloatArray, FloatArray, float]:
    """Profits, costs, and the money that the dearest worthwhile offers to everybody would cost."""
    random = np.random.default_rng(seed)
    worth = random.lognormal(4.0, 1.0, (customers, 1))
    cost = random.uniform(1.0, 10.0, OFFERS) * random.uniform(0.5, 1.5, (customers, OFFERS))
    profit = worth * random.normal(0.02, 0.05, (customers, OFFERS)) - 0.3 * cost
    profit[random.random(profit.shape) < 0.3] = np.nan
    return profit, cost, float(np.where(profit > 0, cost, 0.0).max(axis=1).sum())


def compared(customers: int, seed: int, share: float, places: bool) -> tuple[str, ...]:
    """What was missed of what HiGHS found to be possible."""
    profit, cost, money = shop(customers, seed)
    budget, capacity = share * money, _capacity(customers, places)
    begun = time.perf_counter()
    found = allocate(profit, cost, budget, capacity)
    ours = time.perf_counter() - begun
    begun = time.perf_counter()
    bound = by_highs(profit, cost, budget, capacity)
    theirs = time.perf_counter() - begun
    missed = 100 * (1 - found.profit / bound)
    few = "few" if places else "enough"
    figures = f"{missed:.4f}", f"{100 * found.gap:.4f}", f"{ours:.1f}", f"{theirs:.1f}"
    return f"{customers:,}", f"{share:.0%}", few, *figures


def by_highs(profit: FloatArray, cost: FloatArray, budget: float, capacity: FloatArray) -> float:
    """What HiGHS proves to be the most profit that there can be."""
    customer, offer = np.nonzero(profit > 0)
    pairs, ones = np.arange(len(customer)), np.ones(len(customer))
    rows = [
        csr_array((ones, (customer, pairs)), (len(profit), len(pairs))),
        csr_array((ones, (offer, pairs)), (OFFERS, len(pairs))),
        csr_array(cost[customer, offer][None, :]),
    ]
    limits = np.concatenate([np.ones(len(profit)), capacity, [budget]])
    with silence():
        solved = milp(
            -profit[customer, offer],
            constraints=LinearConstraint(vstack(rows, format="csr"), -np.inf, limits),
            integrality=np.ones(len(pairs), dtype=np.int64),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": PROOF, "time_limit": PATIENCE},
        )
    return -float(solved.mip_dual_bound)


def timed(share: float, places: bool) -> tuple[str, ...]:
    """Allocate to very many."""
    profit, cost, money = shop(MANY, seed=0)
    begun = time.perf_counter(), time.process_time()
    found = allocate(profit, cost, share * money, _capacity(MANY, places))
    seconds = time.perf_counter() - begun[0], time.process_time() - begun[1]
    few = "few" if places else "enough"
    shown = f"{share:.0%}", few, *(f"{s:.1f}" for s in seconds), f"{100 * found.gap:.4f}"
    return "allocate", f"{MANY:,}", str(OFFERS), *shown


def curve() -> tuple[str, ...]:
    """Compute a budget curve."""
    profit, cost, _ = shop(OF_CURVE, seed=0)
    begun = time.perf_counter(), time.process_time()
    points = budget_curve(profit, cost).points
    seconds = time.perf_counter() - begun[0], time.process_time() - begun[1]
    shown = (f"{s:.1f}" for s in seconds)
    return "budget_curve", f"{OF_CURVE:,}", str(OFFERS), str(len(points)), *shown


def _capacity(customers: int, places: bool) -> FloatArray:
    return np.full(OFFERS, customers / 25 if places else np.inf)


def _print(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row in (columns, ("---",) * len(columns), *rows):
        print("| " + " | ".join(row) + " |")
    print()


if __name__ == "__main__":
    main()
