"""Rolling-origin backtest: every candidate learns before an origin and is judged after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.clock import as_instant
from training.config import TrainingConfig
from training.evaluation import (
    FloatArray,
    PairedDifference,
    churn_metrics,
    clustered_bootstrap,
    coverage,
    log_losses,
    tweedie_losses,
    value_metrics,
)
from training.models import churn, clv
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.intervals import SpendIntervals
from training.panel.panel import Panel, Progress
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet
from training.panel.splits import Fold, rolling_origin
from training.selection.parallel import side_by_side

ROUNDS = 1000
CLEAR_GAIN = 0.05
FEW, FEW_ORIGINS = 30, 3
RULES = ("recency_rule", "past_rate", "average")
LOSSES = {"log_loss": log_losses, "tweedie_deviance": tweedie_losses}


@dataclass(frozen=True)
class JudgedForecast:
    """One candidate at one origin.

    Attributes
    ----------
    candidate : str
    judge : Snapshot
        The rows it was judged on, of customers who got no offer in the window; nothing fitted saw
        them.
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
    judged : tuple of JudgedForecast
        By origin, then candidate; empty if the history is too short for a single fold.
    chosen : str
    criterion : str
        The loss that the choice goes by.
    why : str
        The choice in words.
    window_days : float
        The window that was judged: shorter than the horizon where the history does not label that.
    differences : mapping of str to PairedDifference
        Other candidate -> loss of the chosen one less its loss, over customers.
    """

    judged: tuple[JudgedForecast, ...]
    chosen: str
    criterion: str
    why: str
    window_days: float
    differences: Mapping[str, PairedDifference] = field(default_factory=dict)

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

    def spread(self) -> pd.DataFrame:
        """Standard deviation over origins of every metric; index candidate."""
        table = self.table()
        if table.empty:
            return pd.DataFrame()
        order = table["candidate"].unique()
        return table.drop(columns=["origin", "customers"]).groupby("candidate").std().loc[order]

    def grade(self) -> str | None:
        """A to D against the best simple rule; None if nothing could be judged.

        A: clearly better, with at least 5% less loss. B: clearly better. C: no clear difference.
        D: the rule is clearly better, so it is the model. Clear is what the paired 95% interval
        leaves no doubt about.
        """
        if not self.judged:
            return None
        loss, best = self.means()[self.criterion], self.best_rule()
        if self.chosen in RULES:
            return "D"
        found = self.differences[best]
        if found.high < 0:
            return "A" if loss[self.chosen] <= (1 - CLEAR_GAIN) * loss[best] else "B"
        return "C"

    def best_rule(self) -> str:
        """The simple rule with the lowest mean of the criterion."""
        loss = self.means()[self.criterion]
        return str(loss.loc[[rule for rule in loss.index if rule in RULES]].idxmin())

    def means(self) -> pd.DataFrame:
        """Mean over origins of every metric; index candidate."""
        table = self.table()
        if table.empty:
            return pd.DataFrame()
        order = table["candidate"].unique()
        return table.drop(columns=["origin", "customers"]).groupby("candidate").mean().loc[order]

    def of(self, candidate: str) -> tuple[JudgedForecast, ...]:
        """One candidate's judgements, oldest origin first."""
        return tuple(j for j in self.judged if j.candidate == candidate)


def backtest_churn(
    panels: Sequence[Panel], config: TrainingConfig, progress: Progress = lambda _: None
) -> Backtest:
    """Judge every churn candidate at every origin of the first panel.

    Parameters
    ----------
    panels : sequence of Panel
        The longest window first; the others help where it has few snapshots.
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    """

    def judge(fold: Fold) -> list[JudgedForecast]:
        progress(f"backtest of churn risk at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        base_rate = fold.learn.training_set(config.snapshots).churn_rate
        training_sets, origin = taught(fold, panels, config)
        seen, result = fold.judge.untreated, []
        for name, model in fit_churn_candidates(training_sets, origin, config).items():
            risk = model.predict_proba(seen.X)[:, 1]
            metrics = churn_metrics(seen.churned, risk, base_rate)
            result.append(JudgedForecast(name, seen, risk, metrics))
        return result

    judged = _flat(side_by_side(judge, rolling_origin(panels[0], config.origins)))
    return _choose(judged, ("pool",), "log_loss", panels[0].window_days, config.seed)


def taught(
    fold: Fold, panels: Sequence[Panel], config: TrainingConfig
) -> tuple[list[TrainingSet], ForecastOrigin]:
    """What a churn model can learn from at an origin, and the customers it then forecasts."""
    shorter = [panel.known_at(fold.judge.as_of) for panel in panels[1:]]
    return training_sets_of([fold.learn, *shorter], config), origin_at(fold.learn, fold.judge)


def training_sets_of(known: Sequence[Panel], config: TrainingConfig) -> list[TrainingSet]:
    """What can be learnt from panels: the first, and the others where it has few snapshots."""
    training_sets = [panel.training_set(config.snapshots) for panel in known]
    enough = len(training_sets[0].snapshots) >= config.snapshots
    return [
        training_set
        for training_set in (training_sets[:1] if enough else training_sets)
        if training_set.snapshots
    ]


def origin_at(known: Panel, customers: Snapshot | ForecastOrigin) -> ForecastOrigin:
    """Start from customers at an instant, at the pace that earlier snapshots let expect."""
    pace = known.seasonal_level().forecast(customers.as_of, known.window_days)
    return ForecastOrigin(
        customers.as_of, customers.X, customers.btyd.at_pace(pace, known.window_days)
    )


def fit_churn_candidates(
    training_sets: Sequence[TrainingSet], origin: ForecastOrigin, config: TrainingConfig
) -> dict[str, ChurnModel]:
    """Fit every churn candidate; those that share trees grow them once."""
    window = training_sets[0].window_days
    pool = ChurnModel("pool", window, config.seed).learn(training_sets, origin)
    shared = {name: pool.reweighed(name, origin) for name in ("btyd", "trees")}
    rules = {
        name: ChurnModel(name, window).learn(training_sets, origin)
        for name in churn.CANDIDATES
        if name not in {*shared, "pool"}
    }
    return rules | shared | {"pool": pool}


def backtest_clv(
    panel: Panel,
    active: Callable[[Fold], FloatArray],
    config: TrainingConfig,
    progress: Progress = lambda _: None,
    paced_by: Panel | None = None,
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
    paced_by : Panel, optional
        The panel that gives the pace, as it does to the fitted model; default: `panel`.
    """

    def judge(fold: Fold) -> list[JudgedForecast]:
        progress(f"backtest of CLV at {as_instant(fold.judge.as_of):%Y-%m-%d}")
        training_set, seen = fold.learn.training_set(config.snapshots), fold.judge.untreated
        known = fold.learn if paced_by is None else paced_by.known_at(fold.judge.as_of)
        origin, chance = origin_at(known, fold.judge), active(fold)
        result = []
        for name in clv.CANDIDATES:
            model = CLVModel(name, value=panel.value).learn(training_set, origin)
            if_active = model.predict_if_active(seen.X)
            forecast = chance * if_active
            metrics = value_metrics(seen.spend, forecast)
            metrics |= interval_metrics(seen, model.intervals_, if_active, chance)
            result.append(JudgedForecast(name, seen, forecast, metrics))
        return result

    folds = [f for f in rolling_origin(panel, config.origins) if _has_spend(f, config)]
    judged = _flat(side_by_side(judge, folds))
    preferred = ("regression", "btyd")
    return _choose(judged, preferred, "tweedie_deviance", panel.window_days, config.seed)


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
    panels: Sequence[Panel], candidate: str, config: TrainingConfig, window_days: float
) -> Callable[[Fold], FloatArray]:
    """The chance of an order in another window, by the curve of the churn model of the time."""

    def chance(fold: Fold) -> FloatArray:
        day = fold.judge.as_of
        known = [panel.known_at(day) for panel in panels]
        training_sets = training_sets_of(known, config)
        origin = origin_at(known[0], fold.judge)
        model = ChurnModel(
            candidate if training_sets else "btyd", panels[0].horizon_days, config.seed
        )
        return 1.0 - model.learn(training_sets, origin).curve(fold.judge.untreated.X).no_order(
            window_days
        )

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


def _choose(
    judged: tuple[JudgedForecast, ...],
    preferred: Sequence[str],
    criterion: str,
    window_days: float,
    seed: int,
) -> Backtest:
    """The best of the preferred candidates, unless another is clearly better out of time."""
    if not judged:
        why = f"{preferred[0]}: the history is too short to judge any candidate out of time"
        return Backtest(judged, preferred[0], criterion, why, window_days)
    scores: dict[str, list[float]] = {}
    for j in judged:
        scores.setdefault(j.candidate, []).append(j.metrics[criterion])
    means = {name: float(np.mean(found)) for name, found in scores.items()}
    first = min(preferred, key=means.__getitem__)
    losses = _losses(judged, criterion)
    against = {n: _difference(losses, n, first, seed) for n in means if n not in preferred}
    # A bootstrap over customers is too sure of a handful of them, and of one season.
    origins = len({j.judge.as_of for j in judged})
    enough = losses.index.nunique() >= FEW and origins >= FEW_ORIGINS
    better = [n for n, d in against.items() if enough and d.high < 0 and means[n] < means[first]]
    chosen = min(better, key=means.__getitem__) if better else first
    listed = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
    verdict = f"clearly better than {first}" if better else "nothing is clearly better"
    why = (
        f"{chosen}: {verdict} over {origins} out-of-time origin(s) "
        f"(mean {criterion.replace('_', ' ')}: {listed})"
    )
    differences = {n: _difference(losses, chosen, n, seed) for n in means if n != chosen}
    return Backtest(judged, chosen, criterion, why, window_days, differences)


def _losses(judged: tuple[JudgedForecast, ...], criterion: str) -> pd.DataFrame:
    """Loss of every customer at every origin; index customer_id, one column per candidate."""
    columns: dict[str, list[pd.Series]] = {}
    for j in judged:
        truth = j.judge.churned if criterion == "log_loss" else j.judge.spend
        loss = pd.Series(LOSSES[criterion](truth, j.forecast), j.judge.X.index)
        columns.setdefault(j.candidate, []).append(loss)
    return pd.DataFrame({name: pd.concat(found) for name, found in columns.items()})


def _difference(losses: pd.DataFrame, one: str, other: str, seed: int) -> PairedDifference:
    return clustered_bootstrap(losses[one] - losses[other], seed, ROUNDS)
