"""Rolling-origin backtest: every candidate learns before an origin and is judged after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.clock import as_instant
from training import churn, clv
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.evaluation import FloatArray, churn_metrics, value_metrics
from training.snapshots import Panel, Progress, Snapshot, origin_of_rows, stack
from training.splits import Fold, rolling_origin


@dataclass(frozen=True)
class Judged:
    """One candidate at one origin.

    Attributes
    ----------
    candidate : str
    judge : Snapshot
        The rows it was judged on; nothing fitted saw them.
    forecast : numpy.ndarray, shape (customers,)
        Churn risk, or expected spend.
    metrics : dict
    """

    candidate: str
    judge: Snapshot
    forecast: FloatArray
    metrics: dict[str, float]


@dataclass(frozen=True)
class Backtest:
    """All candidates at all origins, and the one chosen.

    Attributes
    ----------
    judged : tuple of Judged
        By origin, then candidate; empty if the history is too short for a single fold.
    chosen : str
        The candidate with the best mean of `criterion`.
    criterion : str
    why : str
        The choice in words.
    """

    judged: tuple[Judged, ...]
    chosen: str
    criterion: str
    why: str

    def table(self) -> pd.DataFrame:
        """One row for each origin and candidate: origin, candidate, customers and every metric."""
        return pd.DataFrame(
            {
                "origin": f"{as_instant(j.judge.as_of):%Y-%m-%d}",
                "candidate": j.candidate,
                "customers": len(j.judge),
                **j.metrics,
            }
            for j in self.judged
        )

    def means(self) -> pd.DataFrame:
        """Mean over origins of every metric; index candidate."""
        table = self.table()
        if table.empty:
            return pd.DataFrame()
        order = table["candidate"].unique()
        return table.drop(columns=["origin", "customers"]).groupby("candidate").mean().loc[order]

    def of(self, candidate: str) -> tuple[Judged, ...]:
        """One candidate's judgements, oldest origin first."""
        return tuple(j for j in self.judged if j.candidate == candidate)


def backtest_churn(
    panel: Panel, config: TrainingConfig, progress: Progress = lambda _: None
) -> Backtest:
    """Judge every churn candidate; the lowest mean log-loss wins.

    Parameters
    ----------
    panel : Panel
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    """

    def judge(fold: Fold) -> list[Judged]:
        progress(f"backtest of churn risk at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        learn, days = stack(fold.learn), origin_of_rows(fold.learn)
        base_rate = float(learn.churned.mean())
        result = []
        for name, model in fit_churn_candidates(learn, days, fold.judge.as_of, config).items():
            risk = model.predict_proba(fold.judge.X)[:, 1]
            metrics = churn_metrics(fold.judge.churned, risk, base_rate)
            result.append(Judged(name, fold.judge, risk, metrics))
        return result

    folds = [fold for fold in rolling_origin(panel, config.origins) if _has_both(fold, config)]
    return _choose(_side_by_side(judge, folds), churn.CANDIDATES, "log_loss")


def fit_churn_candidates(
    learn: Snapshot, days: FloatArray, at: float, config: TrainingConfig
) -> dict[str, ChurnModel]:
    """Fit every churn candidate; the two that share trees grow them once."""
    models: dict[str, ChurnModel] = {}
    for name in churn.CANDIDATES:
        if name == "gbdt_level" and "gbdt" in models:
            models[name] = models["gbdt"].levelled(learn.X, learn.churned, days, at)
        else:
            model = ChurnModel(name, config.snapshots, config.seed)
            models[name] = model.fit(learn.X, learn.churned, days, at)
    return models


def backtest_clv(
    panel: Panel,
    risks: Backtest,
    config: TrainingConfig,
    progress: Progress = lambda _: None,
) -> Backtest:
    """Judge every CLV candidate; the lowest mean Tweedie deviance wins.

    Parameters
    ----------
    panel : Panel
    risks : Backtest
        The churn backtest on the same panel: its chosen candidate's risks at every origin give the
        chance of an order.
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    """
    active = {j.judge.as_of: 1.0 - j.forecast for j in risks.of(risks.chosen)}

    def judge(fold: Fold) -> list[Judged]:
        progress(f"backtest of CLV at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        learn, truth = stack(fold.learn[-config.snapshots :]), fold.judge.spend
        result = []
        for name in clv.CANDIDATES:
            model = CLVModel(name, seed=config.seed)
            model.fit_if_active(learn.X, learn.spend, learn.churned)
            forecast = active[fold.judge.as_of] * model.predict_if_active(fold.judge.X)
            result.append(Judged(name, fold.judge, forecast, value_metrics(truth, forecast)))
        return result

    folds = [f for f in rolling_origin(panel, config.origins) if f.judge.as_of in active]
    folds = [fold for fold in folds if _has_spend(fold, config)]
    return _choose(_side_by_side(judge, folds), clv.CANDIDATES, "tweedie_deviance")


def live_base_rate(backtest: Backtest, panel: Panel) -> float:
    """Churn rate of the live customers over the origins; over all snapshots if there are none."""
    snapshots = [j.judge for j in backtest.of(backtest.chosen)] or panel.snapshots
    churned = np.concatenate([s.churned for s in snapshots])
    since = np.concatenate([s.X["days_since_last_order"].to_numpy() for s in snapshots])
    live = since < panel.horizon_days
    return float(churned[live].mean() if live.any() else churned.mean())


def _has_both(fold: Fold, config: TrainingConfig) -> bool:
    """Whether some of the customers to learn from ordered and some did not."""
    churned = np.concatenate([s.churned for s in fold.learn[-config.snapshots :]])
    return bool(0.0 < churned.mean() < 1.0)


def _has_spend(fold: Fold, config: TrainingConfig) -> bool:
    """Whether anybody spent anything, before the origin and after it."""
    spent = sum(float(s.spend.sum()) for s in fold.learn[-config.snapshots :])
    return spent > 0 and float(fold.judge.spend.sum()) > 0


def _side_by_side(
    judge: Callable[[Fold], list[Judged]], folds: Sequence[Fold]
) -> tuple[Judged, ...]:
    """Threads share the panel, and LightGBM lets go of the interpreter while it works."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return tuple(judged for found in pool.map(judge, folds) for judged in found)


def _choose(judged: tuple[Judged, ...], candidates: Sequence[str], criterion: str) -> Backtest:
    """The candidate with the lowest mean; the simpler one of two that are equal."""
    if not judged:
        why = (
            f"{candidates[0]}: the history is too short to judge any candidate out of time, so "
            "the simplest rule is used"
        )
        return Backtest(judged, candidates[0], criterion, why)
    scores = {
        name: float(np.mean([j.metrics[criterion] for j in judged if j.candidate == name]))
        for name in candidates
    }
    chosen = min(scores, key=scores.__getitem__)
    listed = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
    origins = len({j.judge.as_of for j in judged})
    name = criterion.replace("_", " ")
    why = f"{chosen}: lowest mean {name} over {origins} out-of-time origin(s) ({listed})"
    return Backtest(judged, chosen, criterion, why)
