"""Ablation: how much worse the pool forecasts churn without a family of features."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.catalogue import FAMILIES
from features.clock import as_instant
from features.history.history import Past
from features.table import features_of
from training.config import TrainingConfig
from training.evaluation import FloatArray, PairedDifference, auc, clustered_bootstrap, log_losses
from training.models.boosting import Boosting, usable_columns
from training.models.churn import ChurnModel
from training.models.pool import MBGNBDChurn, PoolChurn, TreesChurn
from training.panel.panel import Panel, Progress
from training.panel.snapshot import Snapshot, TrainingSet
from training.panel.splits import Fold, rolling_origin
from training.panel.training_sets import taught
from training.selection.backtest import Backtest
from training.selection.choice import ROUNDS
from training.selection.parallel import side_by_side

FULL = PoolChurn.name
# The pool with all its weight on one side.
PARTS = {"MBG/NBD": TreesChurn.name, "trees": MBGNBDChurn.name}


@dataclass(frozen=True)
class AblationRow:
    """What leaving something out of the pool does.

    Attributes
    ----------
    without : str
        A family of the catalogue, `MBG/NBD` or `trees`.
    columns : int or None
        How many columns of the family the trees could use at some origin; None of no family.
    log_loss : PairedDifference or None
        Log loss without it less that of the pool, over customers: above 0, it helps. None if there
        was nothing to leave out.
    auc : float or None
        Mean AUC over origins without it, less that of the pool: below 0, it helps.
    """

    without: str
    columns: int | None
    log_loss: PairedDifference | None = None
    auc: float | None = None


@dataclass(frozen=True)
class RefittedPool:
    """The risks forecast at one origin without each family that the trees could use."""

    judge: Snapshot
    risks: dict[str, FloatArray]
    columns: dict[str, set[str]]


def families(past: Past) -> dict[str, list[str]]:
    """The columns of the feature table by family: the catalogue's in its order, the shop's own."""
    features = features_of(past)
    names = [family.__name__.rpartition(".")[2] for family in FAMILIES]
    own = (feature.family for feature in past.own)
    return {
        name: [f.name for f in features if f.family == name]
        for name in dict.fromkeys([*names, *own])
    }


def ablate(
    panels: Sequence[Panel],
    backtest: Backtest,
    config: TrainingConfig,
    progress: Progress = lambda _: None,
) -> list[AblationRow]:
    """Refit the pool without each family of features, on the folds of a backtest.

    Only the trees lose the columns: MBG/NBD goes by the dates of purchases, whatever features
    there are. What it is worth itself the pool without it tells.

    Parameters
    ----------
    panels : sequence of Panel
        As `backtest_churn` took them.
    backtest : Backtest
        What it gave.
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.

    Returns
    -------
    list of AblationRow
        Every family in the order of the catalogue, then the two parts of the pool; nothing if
        there is no fold.
    """
    folds = rolling_origin(panels[0], config.origins, panels[1:])
    if not folds:
        return []
    by_family = families(panels[0].past)
    refitted = side_by_side(lambda fold: _refit(fold, by_family, config, progress), folds)
    full = {j.judge.as_of: j.forecast for j in backtest.of(FULL)}
    found = []
    for family in by_family:
        columns = set[str]().union(*(r.columns[family] for r in refitted))
        risks = {r.judge.as_of: r.risks.get(family, full[r.judge.as_of]) for r in refitted}
        row = AblationRow(family, len(columns))
        found.append(_compared(row, risks, full, refitted, config.seed) if columns else row)
    for part, candidate in PARTS.items():
        risks = {j.judge.as_of: j.forecast for j in backtest.of(candidate)}
        found.append(_compared(AblationRow(part, None), risks, full, refitted, config.seed))
    return found


def _refit(
    fold: Fold, by_family: Mapping[str, list[str]], config: TrainingConfig, progress: Progress
) -> RefittedPool:
    """Fit the pool at one origin once for each family, on the columns of the others."""
    training_sets, origin = taught(fold, config)
    seen = fold.judge.untreated
    usable = set[str]().union(*(usable_columns(some.frame) for some in training_sets))
    own = {name: usable & set(names) for name, names in by_family.items()}
    risks = {}
    for family in (name for name, columns in own.items() if columns):
        progress(f"without {family} at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        fewer = [without(training_set, own[family]) for training_set in training_sets]
        settings = Boosting.of(config)
        model = ChurnModel(FULL, training_sets[0].window_days, config.seed, settings)
        model.learn(fewer, origin)
        risks[family] = model.predict_proba(seen.X)[:, 1]
    return RefittedPool(seen, risks, own)


def without(training_set: TrainingSet, columns: Collection[str]) -> TrainingSet:
    """The same training set, some columns unseen; what MBG/NBD made of the customers stays."""
    left = (replace(s, X=s.X.drop(columns=list(columns))) for s in training_set.snapshots)
    return replace(training_set, snapshots=tuple(left))


def _compared(
    row: AblationRow,
    risks: dict[float, FloatArray],
    full: dict[float, FloatArray],
    refitted: Sequence[RefittedPool],
    seed: int,
) -> AblationRow:
    """The row with what was lost, every origin counting alike."""
    losses, aucs = [], []
    for judge in (r.judge for r in refitted):
        one, other = risks[judge.as_of], full[judge.as_of]
        lost = log_losses(judge.churned, one) - log_losses(judge.churned, other)
        losses.append(pd.Series(lost, judge.X.index))
        aucs.append(auc(judge.churned, one) - auc(judge.churned, other))
    difference = clustered_bootstrap(losses, seed, ROUNDS)
    return replace(row, log_loss=difference, auc=float(np.mean(aucs)))
