"""How the churn candidates do in small shops: fitted on random customers, judged on all others.

Run as `python -m benchmarks.small_shops --data DIR`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cells import CELLS, Cell, truth
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.btyd.season import SeasonalLevel
from training.config import TrainingConfig
from training.evaluation import log_loss
from training.models.churn import ChurnModel
from training.panel.panel import Panel, build_panel
from training.panel.schedule import first_day
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet
from training.selection.rolling import fit_churn_candidates

# Long histories, and such as label one window after a window to look back on.
LONG = tuple(
    cell
    for cell in CELLS
    if cell.name in {"cdnow-90-1998-04-01", "orii-90-2011-06-10", "olist-90-2018-05-01"}
)
SHORT = (Cell("cdnow", 90, "1997-07-10"), Cell("orii", 90, "2010-06-10"))
# Customers, and how many draws of so many; the smaller, the more chance there is in one.
DRAWS = {20: 24, 50: 24, 100: 12, 300: 6, 1000: 4, 3000: 4}
CONFIG = TrainingConfig()


def main() -> None:
    """Print log-loss by the number of customers, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    data = Path(parser.parse_args().data)
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    rows = (row for cell in (*LONG, *SHORT) for row in judge(cell, data))
    for number, row in enumerate(rows):
        heads = [list(row), ["---"] * len(row)] if number == 0 else []
        for cells in (*heads, list(row.values())):
            print("| " + " | ".join(cells) + " |", flush=True)


def judge(cell: Cell, data: Path) -> Iterator[dict[str, str]]:
    """One row for each number of customers: the mean over draws."""
    past = cell.past(data).coded()
    panel = build_panel(past, cell.horizon_days, CONFIG)
    table, actual = feature_table(past, cell.as_of, cell.horizon_days), truth(cell, data)
    days = round(past.day - first_day(past))
    sizes = {size: draws for size, draws in DRAWS.items() if 2 * size <= len(table)}
    for size, draws in sizes.items():
        losses: list[dict[str, float]] = []
        for draw in range(draws):
            chosen = table.index[np.random.default_rng(draw).permutation(len(table))[:size]]
            others = table.index.difference(chosen)
            models = candidates(panel, table.loc[chosen], cell.day(data))
            churned, X = actual.loc[others, "churned"].to_numpy(), table.loc[others]
            losses.append(
                {n: log_loss(churned, m.predict_proba(X)[:, 1]) for n, m in models.items()}
            )
        mean = pd.DataFrame(losses).mean()
        yield {"log": cell.log, "days": str(days), "customers": str(size)} | {
            n: f"{v:.4f}" for n, v in mean.items()
        }


def candidates(panel: Panel, customers: pd.DataFrame, day: float) -> dict[str, ChurnModel]:
    """Fit every candidate on some of the customers."""
    snapshots = [s for s in (_only(s, customers.index) for s in panel.snapshots) if len(s)]
    window = panel.window_days
    observed = [(s.as_of, *s.pace(window)) for s in snapshots]
    pace = SeasonalLevel.of(observed).forecast(day, window)
    origin = ForecastOrigin(day, customers, PopulationModel.of(customers).at_pace(pace, window))
    training_set = TrainingSet(tuple(snapshots[-CONFIG.snapshots :]), window)
    return fit_churn_candidates([training_set], origin, CONFIG)


def _only(snapshot: Snapshot, customers: pd.Index) -> Snapshot:
    rows = snapshot.X.index.isin(customers)
    X = snapshot.X[rows]
    btyd = PopulationModel.of(X) if len(X) else snapshot.btyd
    labels = (snapshot.churned[rows], snapshot.spend[rows])
    return Snapshot(snapshot.as_of, X, *labels, btyd, snapshot.weight[rows])


if __name__ == "__main__":
    main()
