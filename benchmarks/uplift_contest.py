"""Ours beside plain learners in made-up worlds: the rows, the means and the paired differences."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.uplift_peers import PEERS
from benchmarks.worlds import WORLDS, World, draw
from training.uplift import UpliftModel

OURS = "ours"
FIGURES = ("qini", "money")
KEY = ["world", "customers", "seed"]
JUDGED = 20_000
# Worlds to judge in have seeds of their own.
OTHER = 1000
FAMILY_ERROR = 0.05


def contest(sizes: Sequence[int], seeds: Sequence[int], worlds: Sequence[str] = ()) -> pd.DataFrame:
    """One row per world, size, seed and learner: qini and money on customers never seen."""
    rows = []
    for world in worlds or WORLDS:
        for customers in sizes:
            for seed in seeds:
                learn, judge = draw(world, customers, seed), draw(world, JUDGED, OTHER + seed)
                for learner, uplift in _uplifts(learn, judge):
                    figures = (judge.ranked(uplift), judge.gained(uplift))
                    rows.append((world, customers, seed, learner, *figures))
    return pd.DataFrame(rows, columns=[*KEY, "learner", *FIGURES])


def means(rows: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Means over seeds, a row per world and size, a column per learner."""
    found = rows.pivot_table(
        index=["world", "customers"], columns="learner", values=figure, dropna=False, sort=False
    )
    return found.reindex(columns=[OURS, *PEERS])


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Ours less each peer's, paired by seed.

    Returns
    -------
    pandas.DataFrame
        world, customers, peer, figure, ours_ahead, standard_error, p_of_loss (one-sided, by
        Student's t), survives (whether a loss survives Holm's correction over all rows).
    """
    found = []
    for (world, customers), part in rows.groupby(["world", "customers"], sort=False):
        for figure in FIGURES:
            by_learner = part.pivot_table(index="seed", columns="learner", values=figure)
            for peer in [p for p in PEERS if p in by_learner]:
                ahead = by_learner[OURS] - by_learner[peer]
                loss = _p_of_loss(ahead)
                found.append((world, customers, peer, figure, ahead.mean(), ahead.sem(), loss))
    columns = ["world", "customers", "peer", "figure", "ours_ahead", "standard_error", "p_of_loss"]
    table = pd.DataFrame(found, columns=columns)
    return table.assign(survives=holm(table["p_of_loss"].to_numpy(), FAMILY_ERROR))


def holm(p: np.ndarray, error: float) -> np.ndarray:
    """Which hypotheses are rejected at a family error (Holm 1979), shape (comparisons,).

    Examples
    --------
    >>> holm(np.array([0.04, 0.001, 0.02]), 0.05).tolist()
    [True, True, True]
    >>> holm(np.array([0.04, 0.03, 0.02]), 0.05).tolist()
    [False, False, False]
    """
    order = np.argsort(p, kind="stable")
    passed = p[order] <= error / np.arange(len(p), 0, -1)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


def _uplifts(learn: World, judge: World) -> Iterator[tuple[str, np.ndarray]]:
    given = np.where(learn.treated == 1, "offer", "none")
    model = UpliftModel().fit(learn.X, learn.outcome, given, learn.propensity)
    print(f"{len(learn.X)}: {model.learner_}, {model.rounds_} rounds", file=sys.stderr, flush=True)
    yield OURS, model.predict(judge.X)["offer"].to_numpy()
    for name, peer in PEERS.items():
        yield name, peer(learn, judge.X)


def _p_of_loss(ahead: pd.Series) -> float:
    error = float(ahead.sem())
    if not error > 0:
        return float(ahead.mean() >= 0)
    return float(stats.t.cdf(ahead.mean() / error, len(ahead) - 1))
