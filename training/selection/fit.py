"""Judge the candidates on a history, and fit the chosen ones for scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from features.history.history import Past
from features.quality import suggest_within
from features.table import describe
from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.panel import Panel, Progress, build_panel
from training.panel.schedule import label_windows
from training.panel.snapshot import ForecastOrigin
from training.scoring.definition import Definition
from training.scoring.scorer import ChurnScorer, CLVScorer, Reference
from training.selection.backtest import (
    Backtest,
    activity_as_judged,
    activity_over,
    backtest_churn,
    backtest_clv,
    live_base_rate,
    origin_at,
    training_sets_of,
)


@dataclass(frozen=True)
class FittedModel:
    """A model ready to score, what it learnt from, and how its recipe was judged."""

    scorer: ChurnScorer | CLVScorer
    panel: Panel
    backtest: Backtest


def resolve(past: Past, config: TrainingConfig) -> TrainingConfig:
    """Fill in the horizons that were left to the data."""
    horizon = config.horizon_days or suggest_within(past).horizon_days
    return replace(
        config, horizon_days=horizon, clv_horizon_days=config.clv_horizon_days or horizon
    )


@dataclass(frozen=True)
class Judgement:
    """The panels of a history and how every candidate did on them.

    Attributes
    ----------
    panels : tuple of Panel
        Of churn; the longest window first.
    clv_panel : Panel
    churn, clv : Backtest
    """

    panels: tuple[Panel, ...]
    clv_panel: Panel
    churn: Backtest
    clv: Backtest


def judge(past: Past, config: TrainingConfig, progress: Progress = lambda _: None) -> Judgement:
    """Build the panels and judge every candidate.

    Parameters
    ----------
    past : Past
        Cut at the instant of training, with codes for its text attributes.
    config : TrainingConfig
        With its horizons.
    progress : callable, optional
        Told in words what is being done.
    """
    horizon, clv_horizon = config.horizons
    windows = label_windows(past, horizon, config)
    panels = tuple(build_panel(past, horizon, config, progress, window) for window in windows)
    churn = backtest_churn(panels, config, progress)
    clv_panel, active = panels[0], activity_as_judged(churn)
    if clv_horizon != horizon:
        window = label_windows(past, clv_horizon, config)[0]
        if window != windows[0]:
            clv_panel = build_panel(past, horizon, config, progress, window)
            active = activity_over(panels, churn.chosen, config, window)
    paced_by = None if clv_panel is panels[0] else panels[0]
    clv = backtest_clv(clv_panel, active, config, progress, paced_by)
    return Judgement(panels, clv_panel, churn, clv)


def fit(
    past: Past, config: TrainingConfig, progress: Progress = lambda _: None
) -> tuple[FittedModel, FittedModel]:
    """Choose and fit the churn and the CLV model.

    Parameters
    ----------
    past : Past
        Cut at the instant of training, with codes for its text attributes.
    config : TrainingConfig
        With its horizons.
    progress : callable, optional
        Told in words what is being done.
    """
    horizon, clv_horizon = config.horizons
    found = judge(past, config, progress)

    progress("fitting the final models")
    population = describe(past, horizon)
    here = ForecastOrigin(past.day, population, PopulationModel.of(population))
    origin = origin_at(found.panels[0], here)
    churn = fit_churn(found, origin, config)
    clv = fit_clv(found, origin, churn, config)

    terms = Definition.of(past, horizon)
    value = found.clv_panel.value
    clv_terms = replace(
        terms,
        horizon_days=clv_horizon,
        margin_rate=value.margin_rate,
        discount_rate_yearly=value.discount_rate_yearly,
    )
    base_rate = live_base_rate(found.churn, found.panels[0])
    if found.churn.window_days != horizon:  # Of that many days nobody has seen a rate.
        base_rate = expected_live_rate(churn, population)
    reference = Reference.of(population, churn, base_rate)
    return (
        FittedModel(ChurnScorer(churn, terms, reference), found.panels[0], found.churn),
        FittedModel(CLVScorer(clv, clv_terms), found.clv_panel, found.clv),
    )


def fit_churn(found: Judgement, origin: ForecastOrigin, config: TrainingConfig) -> ChurnModel:
    """Fit the chosen candidate on the latest labelled snapshots."""
    model = ChurnModel(found.churn.chosen, found.panels[0].horizon_days, config.seed)
    return model.learn(training_sets_of(found.panels, config), origin)


def fit_clv(
    found: Judgement, origin: ForecastOrigin, activity: ChurnModel, config: TrainingConfig
) -> CLVModel:
    """Fit the chosen candidate on the latest labelled snapshots."""
    panel = found.clv_panel
    _, horizon = config.horizons
    model = CLVModel(found.clv.chosen, horizon, panel.value, config.seed)
    return model.learn(panel.training_set(config.snapshots), origin, activity)


def expected_live_rate(model: ChurnModel, population: pd.DataFrame) -> float:
    """Mean churn risk of the live customers; of everybody if nobody is."""
    risk = model.predict_proba(population)[:, 1]
    live = (population["days_since_last_order"] < population["horizon_days"]).to_numpy()
    return float(risk[live].mean() if live.any() else risk.mean())
