"""Rolling-origin backtests: every candidate learns before an origin and is judged after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features.clock import as_instant
from features.quality import Readiness
from training.config import TrainingConfig
from training.evaluation import FloatArray, churn_metrics, coverage, value_metrics
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.intervals import SpendIntervals
from training.models.learning import ChurnLearning, SpendLearning
from training.models.pool import MBGNBDChurn
from training.models.tasks import CHURN_RISK, CLV_FORECAST
from training.panel.panel import Panel, Progress
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet
from training.panel.splits import Fold, rolling_origin
from training.panel.training_sets import origin_at, taught, training_sets_of
from training.selection.backtest import Backtest, JudgedForecast
from training.selection.choice import choose
from training.selection.parallel import side_by_side


def backtest_churn(
    panels: Sequence[Panel],
    config: TrainingConfig,
    progress: Progress = lambda _: None,
    ready: Sequence[Readiness] = (),
) -> Backtest:
    """Judge every churn candidate at every origin of the first panel.

    Parameters
    ----------
    panels : sequence of Panel
        The longest window first; the others help where it has few snapshots.
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    ready : sequence of Readiness, optional
        What there is enough data for.
    """

    def judge(given: tuple[Fold, list[TrainingSet], ForecastOrigin]) -> list[JudgedForecast]:
        fold, training_sets, origin = given
        progress(f"backtest of churn risk at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        base_rate = fold.learn.training_set(config.snapshots).churn_rate
        seen, result = fold.judge.untreated, []
        for name, model in fit_churn_candidates(training_sets, origin, config).items():
            risk = model.predict_proba(seen.X)[:, 1]
            metrics = churn_metrics(seen.churned, risk, base_rate)
            result.append(JudgedForecast(name, seen, risk, metrics))
        return result

    task = CHURN_RISK.with_own(config.churn_candidates)
    folds = rolling_origin(panels[0], config.origins, panels[1:])
    # One after the other: folds share most snapshots, whose pace is worked out once.
    known = [(fold, *taught(fold, config)) for fold in folds]
    judged = _flat(side_by_side(judge, known))
    return choose(task, judged, panels[0].window_days, config.seed, ready)


def fit_churn_candidates(
    training_sets: Sequence[TrainingSet], origin: ForecastOrigin, config: TrainingConfig
) -> dict[str, ChurnModel]:
    """Fit every churn candidate; those that share trees grow them once."""
    window, settings = training_sets[0].window_days, Boosting.of(config)
    given = ChurnLearning(training_sets, origin, window, config.seed, settings)
    return {
        name: ChurnModel(name, window, config.seed, settings).learn_from(given)
        for name in (*CHURN_RISK.candidates, *config.churn_candidates)
    }


def backtest_clv(
    panel: Panel,
    active: Callable[[Fold], FloatArray],
    config: TrainingConfig,
    progress: Progress = lambda _: None,
    others: Sequence[Panel] = (),
    ready: Sequence[Readiness] = (),
) -> Backtest:
    """Judge every CLV candidate at every origin.

    Parameters
    ----------
    panel : Panel
    active : callable
        Fold -> chance of an order in the panel's window, of the untreated, shape (customers,).
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    others : sequence of Panel, optional
        Those of churn, where that is learnt over another window: the first gives the pace, as it
        does to the fitted model.
    ready : sequence of Readiness, optional
        What there is enough data for.
    """
    task = CLV_FORECAST.with_own(config.spend_candidates)

    def judge(fold: Fold) -> list[JudgedForecast]:
        progress(f"backtest of CLV at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        training_set, seen = fold.learn.training_set(config.snapshots), fold.judge.untreated
        known = fold.others[0] if fold.others else fold.learn
        origin, chance = origin_at(known, fold.judge), active(fold)
        given = SpendLearning.of(training_set, origin, panel.window_days, panel.value)
        result = []
        for name in task.candidates:
            model = CLVModel(name, value=panel.value).learn_from(given)
            if_active = model.predict_if_active(seen.X)
            forecast = chance * if_active
            metrics = value_metrics(seen.spend, forecast)
            metrics |= interval_metrics(seen, model.intervals_, if_active, chance)
            result.append(JudgedForecast(name, seen, forecast, metrics))
        return result

    folds = rolling_origin(panel, config.origins, others)
    spent = [fold for fold in folds if _has_spend(fold, config)]
    judged = _flat(side_by_side(judge, spent))
    if folds and not spent:
        why = "nobody spent anything before an origin and after it, so there is no value to judge"
        return choose(task, judged, panel.window_days, config.seed, ready, why)
    return choose(task, judged, panel.window_days, config.seed, ready)


def interval_metrics(
    judge: Snapshot, spread: SpendIntervals, if_active: FloatArray, chance: FloatArray
) -> dict[str, float]:
    """Share of outcomes within their 80% intervals: of all, and of those who ordered."""
    low, high = spread.interval(if_active, chance)
    active = judge.churned == 0
    given = spread.interval_if_active(if_active[active])
    return {
        "coverage": coverage(judge.spend, low, high),
        "coverage_if_active": coverage(judge.spend[active], *given),
    }


def activity_as_judged(risks: Backtest) -> Callable[[Fold], FloatArray]:
    """The chance of an order in the window that churn risks were judged over."""
    chances = {j.judge.as_of: 1.0 - j.forecast for j in risks.of(risks.chosen)}
    return lambda fold: chances[fold.judge.as_of]


def activity_over(
    candidate: str, config: TrainingConfig, window_days: float
) -> Callable[[Fold], FloatArray]:
    """The chance of an order in another window, by the curve of the churn model of the time.

    Folds must hold the panels of churn.
    """

    def chance(fold: Fold) -> FloatArray:
        training_sets = training_sets_of(fold.others, config)
        origin, horizon = origin_at(fold.others[0], fold.judge), fold.others[0].horizon_days
        name = candidate if training_sets else MBGNBDChurn.name
        model = ChurnModel(name, horizon, config.seed, Boosting.of(config))
        curve = model.learn(training_sets, origin).curve(fold.judge.untreated.X)
        return 1.0 - curve.no_order(window_days)

    return chance


def live_base_rate(backtest: Backtest, panel: Panel) -> float:
    """Churn rate of the live customers over the origins; over all snapshots if there are none."""
    judged = tuple(j.judge for j in backtest.of(backtest.chosen))
    seen = TrainingSet(judged or panel.snapshots, panel.window_days)
    live = (seen.frame["days_since_last_order"] < panel.horizon_days).to_numpy()
    counted = live if live.any() else np.ones(len(live), dtype=bool)
    return float(np.average(seen.churned[counted], weights=seen.weight[counted]))


def _has_spend(fold: Fold, config: TrainingConfig) -> bool:
    """Whether anybody spent anything, before the origin and after it."""
    spent = float(fold.learn.training_set(config.snapshots).spend.sum())
    return spent > 0 and float(fold.judge.untreated.spend.sum()) > 0


def _flat(by_fold: Sequence[Sequence[JudgedForecast]]) -> tuple[JudgedForecast, ...]:
    return tuple(judged for found in by_fold for judged in found)
