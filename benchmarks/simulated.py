"""Forecasts on simulated shops, beside the truth; and the time it takes to score 100,000 customers.

Run as `python -m benchmarks.simulated`. A shop has three years of history, so that two seasons
precede every origin; the oracle knows each customer's latent state.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks.judging import noise_floor_of_ece
from features.history.history import History
from features.table import feature_table
from simulation import SimulatedShop, oracle_churn_risk, simulate
from training.btyd.population import PopulationModel
from training.champions import load_scorer
from training.config import TrainingConfig
from training.evaluation import auc, ece, log_loss
from training.panel.labels import label_table
from training.pipeline import train
from training.registry.tracking import Tracker

HORIZON = 90
SEEDS = (0, 1, 2)
ORIGINS = ("2025-03-01", "2025-06-01", "2025-09-15")
CUSTOMERS, MANY = 10_000, 130_000
WITH_REASONS = 1000


def main() -> None:
    """Print both tables, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["truth", "scale"])
    only = parser.parse_args().only
    if only != "scale":
        rows = [row for seed in SEEDS for row in judged(seed)]
        _print(pd.DataFrame(rows))
    if only != "truth":
        _print(pd.DataFrame([scaled()]))


def judged(seed: int) -> Iterator[dict[str, str]]:
    """One row for each origin of a shop."""
    shop = simulate(CUSTOMERS, seed=seed)
    history = opened(shop)
    for as_of in ORIGINS:
        scores, _, _ = run(history, as_of)
        churned = label_table(history, as_of, HORIZON).loc[scores.index, "churned"].to_numpy()
        table = feature_table(history, as_of, HORIZON).loc[scores.index]
        risks = {
            "holdfast": scores["churn_risk"].to_numpy(),
            "MBG/NBD": expit(PopulationModel.of(table).logit_no_order(table, HORIZON)),
            "oracle": oracle_churn_risk(shop, as_of, HORIZON).loc[scores.index].to_numpy(),
        }
        floor = noise_floor_of_ece(risks["holdfast"])
        yield {
            "seed": str(seed),
            "as_of": as_of,
            **{f"log-loss, {n}": f"{log_loss(churned, _inside(r)):.4f}" for n, r in risks.items()},
            **{f"AUC, {n}": f"{auc(churned, r):.4f}" for n, r in risks.items()},
            **{f"ECE, {n}": f"{ece(churned, r):.4f}" for n, r in risks.items()},
            "noise floor of ECE": f"{floor:.4f}",
        }


def scaled() -> dict[str, str]:
    """Time and memory of a shop with more than 100,000 customers."""
    history = opened(simulate(MANY, seed=0))
    scores, trained, scored = run(history, ORIGINS[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "customers": f"{len(scores):,}",
        "with reasons": f"{scores['reason_1'].notna().sum():,}",
        "train, s": f"{trained:.1f}",
        "score, s": f"{scored:.1f}",
        "score of 100,000, s": f"{scored * 100_000 / len(scores):.1f}",
        "peak memory, GiB": f"{peak:.2f}",
    }


def run(history: History, as_of: str) -> tuple[pd.DataFrame, float, float]:
    """Train and score; the scores by customer, and the seconds of both."""
    with tempfile.TemporaryDirectory() as place:
        tracker = Tracker(f"sqlite:///{place}/mlflow.db")
        started = time.perf_counter()
        train(history, as_of, TrainingConfig(horizon_days=HORIZON), tracker)
        trained = time.perf_counter()
        scores = load_scorer(tracker, history).score(history, as_of, WITH_REASONS)
    done = time.perf_counter()
    return scores.set_index("customer_id"), trained - started, done - trained


def opened(shop: SimulatedShop) -> History:
    """The shop as a user would open it."""
    with tempfile.TemporaryDirectory() as place:
        shop.write(Path(place))
        return History.open(Path(place))


def _inside(risk: np.ndarray) -> np.ndarray:
    return np.clip(risk, 1e-6, 1 - 1e-6)


def _print(table: pd.DataFrame) -> None:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    print("\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows), end="\n\n")


if __name__ == "__main__":
    main()
