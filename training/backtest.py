"""Rolling-origin backtest: every candidate learns from the past of an origin and is judged after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from features.clock import as_instant
from training import churn, clv
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.evaluation import churn_metrics, value_metrics
from training.snapshots import Panel, Progress, Snapshot, origin_of_rows, stack
from training.splits import Fold, rolling_origin

Model = TypeVar("Model")


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
    forecast: np.ndarray
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
    """

    def judge(fold: Fold) -> list[Judged]:
        progress(f"backtest of churn risk at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        learn, days = stack(fold.learn), origin_of_rows(fold.learn)
        if not 0 < learn.churned.mean() < 1:
            return []
        base_rate = float(learn.churned.mean())
        models = fit_churn_candidates(learn, days, fold.judge.as_of, config)
        risks = {name: m.predict_proba(fold.judge.X)[:, 1] for name, m in models.items()}
        truth = fold.judge.churned
        return [
            Judged(name, fold.judge, risk, churn_metrics(truth, risk, base_rate))
            for name, risk in risks.items()
        ]

    folds = list(rolling_origin(panel, config.origins))
    judged = tuple(j for found in _side_by_side(judge, folds) for j in found)
    return _choose(judged, churn.CANDIDATES, "log_loss")


def fit_churn_candidates(
    learn: Snapshot, days: np.ndarray, at: float, config: TrainingConfig
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
    """
    active = {j.judge.as_of: 1.0 - j.forecast for j in risks.of(risks.chosen)}

    def judge(fold: Fold) -> list[Judged]:
        progress(f"backtest of CLV at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        learn, days = stack(fold.learn), origin_of_rows(fold.learn)
        result = []
        for name in clv.CANDIDATES:
            model = CLVModel(name, snapshots=config.snapshots, seed=config.seed)
            model.fit_if_active(learn.X, learn.spend, learn.churned, days)
            forecast = active[fold.judge.as_of] * model.predict_if_active(fold.judge.X)
            metrics = value_metrics(fold.judge.spend, forecast)
            result.append(Judged(name, fold.judge, forecast, metrics))
        return result

    folds = [f for f in rolling_origin(panel, config.origins) if f.judge.as_of in active]
    judged = tuple(j for found in _side_by_side(judge, folds) for j in found)
    return _choose(judged, clv.CANDIDATES, "tweedie_deviance")


def live_base_rate(backtest: Backtest, panel: Panel) -> float:
    """Churn rate of the live customers over the origins; over all snapshots if there are none."""
    judged = backtest.of(backtest.chosen)
    rows = stack([j.judge for j in judged] or panel.snapshots)
    live = (rows.X["days_since_last_order"] < panel.horizon_days).to_numpy()
    return float(rows.churned[live].mean() if live.any() else rows.churned.mean())


def _side_by_side(judge: Callable[[Fold], Model], folds: Sequence[Fold]) -> list[Model]:
    """Threads share the panel, and LightGBM lets go of the interpreter while it works."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(judge, folds))


def _choose(judged: tuple[Judged, ...], candidates: Sequence[str], criterion: str) -> Backtest:
    simplest = candidates[0]
    if not judged:
        why = (
            f"{simplest}: the history is too short to judge any candidate out of time, so the "
            "simplest rule is used"
        )
        return Backtest(judged, simplest, criterion, why)
    scores = {c: float(np.mean([j.metrics[criterion] for j in judged if j.candidate == c]))
              for c in candidates}  # fmt: skip
    chosen = min(candidates, key=lambda c: scores[c])
    listed = ", ".join(f"{c} {scores[c]:.4f}" for c in candidates)
    origins = len({j.judge.as_of for j in judged})
    name = criterion.replace("_", " ")
    why = f"{chosen}: lowest mean {name} over {origins} out-of-time origin(s) ({listed})"
    return Backtest(judged, chosen, criterion, why)
