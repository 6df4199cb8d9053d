"""Which candidate is the model: the preferred one, unless another is clearly better out of time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.evaluation import PairedDifference, clustered_bootstrap
from training.models.tasks import Task
from training.selection.backtest import Backtest, JudgedForecast

# The ends of a 95% interval of normal means then have a standard error of 2% of its width.
ROUNDS = 1000
# A bootstrap over customers is too sure of a handful of them, and of one season.
FEWEST_CUSTOMERS, FEWEST_ORIGINS = 30, 3


def choose(
    task: Task, judged: tuple[JudgedForecast, ...], window_days: float, seed: int
) -> Backtest:
    """The best of the preferred candidates, unless another is clearly better out of time.

    Parameters
    ----------
    task : Task
    judged : tuple of JudgedForecast
        By origin, then candidate.
    window_days : float
        The window that was judged.
    seed : int
        Of the bootstrap.
    """
    preferred = task.preferred
    if not judged:
        why = f"{preferred[0]}: the history is too short to judge any candidate out of time"
        return Backtest(task, judged, preferred[0], why, window_days)
    scores: dict[str, list[float]] = {}
    for j in judged:
        scores.setdefault(j.candidate, []).append(j.metrics[task.criterion])
    means = {name: float(np.mean(found)) for name, found in scores.items()}
    first = min(preferred, key=means.__getitem__)
    losses = _losses(task, judged)
    against = {n: _difference(losses, n, first, seed) for n in means if n not in preferred}
    origins = len({j.judge.as_of for j in judged})
    enough = losses.index.nunique() >= FEWEST_CUSTOMERS and origins >= FEWEST_ORIGINS
    better = [n for n, d in against.items() if enough and d.high < 0 and means[n] < means[first]]
    chosen = min(better, key=means.__getitem__) if better else first
    listed = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
    verdict = f"clearly better than {first}" if better else "nothing is clearly better"
    why = (
        f"{chosen}: {verdict} over {origins} out-of-time origin(s) "
        f"(mean {task.criterion.replace('_', ' ')}: {listed})"
    )
    differences = {n: _difference(losses, chosen, n, seed) for n in means if n != chosen}
    return Backtest(task, judged, chosen, why, window_days, differences)


def _losses(task: Task, judged: tuple[JudgedForecast, ...]) -> pd.DataFrame:
    """Loss of every customer at every origin; index customer_id, one column per candidate."""
    columns: dict[str, list[pd.Series]] = {}
    for j in judged:
        loss = pd.Series(task.losses(task.truth(j.judge), j.forecast), j.judge.X.index)
        columns.setdefault(j.candidate, []).append(loss)
    return pd.DataFrame({name: pd.concat(found) for name, found in columns.items()})


def _difference(losses: pd.DataFrame, one: str, other: str, seed: int) -> PairedDifference:
    return clustered_bootstrap(losses[one] - losses[other], seed, ROUNDS)
