"""Fit the buy-till-you-die models to a million simulated customers, by the day and by the second.

Run as `python -m benchmarks.btyd`. By the day is what a shop has, and many customers share a
history; by the second nobody who bought again does, the worst case. Purchases are drawn from a
Pareto/NBD, so that its parameters are known.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable

import numpy as np

from training.btyd import BGNBD, MBGNBD, GammaGamma, ParetoNBD
from training.btyd.histories import Histories
from training.btyd.likelihood import MaximumLikelihood
from training.evaluation import FloatArray

DAYS = 730.0
TRUTH = {"r": 0.55, "alpha": 75.0, "s": 0.6, "beta": 80.0}
SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}
MODELS = (BGNBD, MBGNBD, ParetoNBD)


def main() -> None:
    """Print a table of times in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    runs = [(m.__name__, customers, whole) for whole in (True, False) for m in MODELS]
    rows = [_apart(fit_purchases, run) for run in runs]
    rows.append(_apart(fit_spend, (customers,)))
    columns = (
        "model",
        "time in",
        "customers",
        "rows",
        "fit, s",
        "forecast, s",
        "peak GiB",
        "found",
    )
    for row in (columns, ["---"] * len(columns), *rows):
        print("| " + " | ".join(map(str, row)) + " |")


def fit_purchases(name: str, customers: int, whole_days: bool) -> list[object]:
    """Fit one model and forecast 90 days of everybody."""
    x, t_x, T = histories(customers, whole_days)
    model = {m.__name__: m for m in MODELS}[name]()
    begun = time.perf_counter()
    model.fit(x, t_x, T)
    fitted = time.perf_counter()
    model.p_no_purchase(90.0, x, t_x, T)
    model.expected_purchases(90.0, x, t_x, T)
    seconds = fitted - begun, time.perf_counter() - fitted
    rows = len(Histories.of(x, t_x, T).collapsed())
    return _row(model, "days" if whole_days else "seconds", customers, rows, seconds)


def fit_spend(customers: int) -> list[object]:
    """Fit Gamma-Gamma and forecast everybody."""
    x = histories(customers, whole_days=True)[0] + 1
    random = np.random.default_rng(2)
    scale = random.gamma(SPEND["q"], 1 / SPEND["v"], customers)
    z = random.gamma(SPEND["p"] * x) / scale / x
    model = GammaGamma()
    begun = time.perf_counter()
    model.fit(x, z)
    fitted = time.perf_counter()
    model.expected_spend(x, z)
    seconds = fitted - begun, time.perf_counter() - fitted
    return _row(model, "", customers, customers, seconds)


def histories(customers: int, whole_days: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Simulated (x, t_x, T) in days of customers who came over two years, seeded."""
    random = np.random.default_rng(1)
    first = random.uniform(0.0, DAYS, customers)
    rate = random.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers)
    life = random.exponential(1.0, customers) / random.gamma(
        TRUTH["s"], 1 / TRUTH["beta"], customers
    )
    active = np.minimum(life, DAYS - first)
    x = random.poisson(rate * active)
    who = np.repeat(np.arange(customers), x)
    moment = first[who] + random.uniform(0.0, 1.0, len(who)) * active[who]
    if whole_days:
        first, moment = np.floor(first), np.floor(moment)
        seen = np.unique(who * (DAYS + 1) + moment)
        who, moment = (seen // (DAYS + 1)).astype(int), seen % (DAYS + 1)
        who, moment = who[moment > first[who]], moment[moment > first[who]]
    last = first.copy()
    np.maximum.at(last, who, moment)
    frequency = np.bincount(who, minlength=customers).astype(float)
    return frequency, last - first, DAYS - first


def _apart(work: Callable[..., list[object]], arguments: tuple[object, ...]) -> list[object]:
    """Run it in a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _row(
    model: MaximumLikelihood, time_in: str, customers: int, rows: int, seconds: tuple[float, float]
) -> list[object]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    found = ", ".join(f"{name} {value:.4g}" for name, value in model.parameters.items())
    shown = [f"{customers:,}", f"{rows:,}", *(f"{s:.2f}" for s in seconds), f"{peak:.2f}"]
    return [type(model).__name__, time_in, *shown, f"{found} ({model.message_})"]


if __name__ == "__main__":
    main()
