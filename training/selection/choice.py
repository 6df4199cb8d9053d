"""Which candidate is the model: the preferred one, unless another is clearly better out of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from features.agreement import many
from features.quality import Readiness
from training.evaluation import PairedDifference, clustered_bootstrap
from training.models.own.references import is_own
from training.models.tasks import Task
from training.selection.backtest import Backtest, JudgedForecast

# The ends of a 95% interval of normal means then have a standard error of 2% of its width.
ROUNDS = 1000


def choose(
    task: Task,
    judged: tuple[JudgedForecast, ...],
    window_days: float,
    seed: int,
    ready: Sequence[Readiness] = (),
    unjudged: str = "the history is too short to judge any candidate out of time",
) -> Backtest:
    """The best of the preferred candidates, unless another is clearly better out of time.

    Only candidates that have a plain-file form, and that there is enough data for, may be the
    model. Where that leaves no preferred
    one, the last listed stands for them: the one that asks for most.

    Parameters
    ----------
    task : Task
    judged : tuple of JudgedForecast
        By origin, then candidate.
    window_days : float
        The window that was judged.
    seed : int
        Of the bootstrap.
    ready : sequence of Readiness
        What there is enough data for; a kind of forecast that is not listed is.
    unjudged : str
        Why nothing was judged, if nothing was.
    """
    carried, too_little = carried_by(task, ready)
    carried = [name for name in carried if name in task.with_form]
    if judged:
        seen = {j.candidate for j in judged}
        carried = [name for name in carried if name in seen]
    preferred = [name for name in task.preferred if name in carried]
    # One of the shop's own is the model only where it is better.
    preferred = preferred or [name for name in carried if not is_own(name)][-1:]
    found = Backtest(task, judged, preferred[0], "", window_days, too_little=too_little)
    if not judged:
        return replace(found, why=f"{preferred[0]}: {unjudged}")
    means = {str(name): float(mean) for name, mean in found.means()[task.criterion].items()}
    first = min(preferred, key=means.__getitem__)
    losses = _losses(task, judged)
    against = {n: _difference(losses, n, first, seed) for n in carried if n not in preferred}
    enough = found.is_enough
    better = [n for n, d in against.items() if enough and d.high < 0 and means[n] < means[first]]
    chosen = min(better, key=means.__getitem__) if better else first
    listed = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
    verdict = f"clearly better than {first}" if better else "nothing is clearly better"
    origins = len({j.judge.as_of for j in judged})
    why = (
        f"{chosen}: {verdict} over {many(origins, 'out-of-time origin')} "
        f"(mean {task.criterion.replace('_', ' ')}: {listed})"
    )
    differences = {n: _difference(losses, chosen, n, seed) for n in means if n != chosen}
    return replace(found, chosen=chosen, why=why, differences=differences)


def carried_by(task: Task, ready: Sequence[Readiness]) -> tuple[list[str], str]:
    """The candidates that there is enough data for, and why the preferred ones are not among them.

    Returns
    -------
    carried : list of str
        In the order of the candidates.
    too_little : str
        Empty if all preferred candidates are carried.
    """
    lacking = {found.method: found for found in ready if not found.ready}
    needs = {name: candidate.needs for name, candidate in task.candidates.items()}
    carried = [name for name, need in needs.items() if need not in lacking]
    missed = [lacking[need] for name in task.preferred if (need := needs[name]) in lacking]
    return carried, missed[0].shortage() if missed else ""


def _losses(task: Task, judged: tuple[JudgedForecast, ...]) -> dict[str, list[pd.Series]]:
    """Loss of every customer by candidate, a series for each origin; index customer_id."""
    found: dict[str, list[pd.Series]] = {}
    for j in judged:
        loss = pd.Series(task.losses(task.truth(j.judge), j.forecast), j.judge.X.index)
        found.setdefault(j.candidate, []).append(loss)
    return found


def _difference(
    losses: dict[str, list[pd.Series]], one: str, other: str, seed: int
) -> PairedDifference:
    pairs = zip(losses[one], losses[other], strict=True)
    return clustered_bootstrap([ours - theirs for ours, theirs in pairs], seed, ROUNDS)
