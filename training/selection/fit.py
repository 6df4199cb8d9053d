"""Fit the chosen candidates for scoring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pandas as pd

from features.history.history import Past
from features.table import describe
from training.btyd.population import PopulationModel
from training.config import TrainingConfig
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.panel.panel import Panel
from training.panel.snapshot import ForecastOrigin
from training.panel.training_sets import origin_at, training_sets_of
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer, CLVScorer
from training.scoring.reference import Reference
from training.selection.backtest import Backtest
from training.selection.judge import Judgement
from training.selection.rolling import live_base_rate


@dataclass(frozen=True)
class FittedModel:
    """A model ready to score, what it learnt from, and how its recipe was judged."""

    scorer: ChurnScorer | CLVScorer
    panel: Panel
    backtest: Backtest


def fit(
    past: Past, found: Judgement, config: TrainingConfig, known: Iterable[Definition] = ()
) -> tuple[FittedModel, FittedModel]:
    """Fit the churn and the CLV model that the backtests chose.

    Parameters
    ----------
    past : Past
        Cut at the instant of training, with codes for its text attributes.
    found : Judgement
        Of the same history.
    config : TrainingConfig
        With its horizons.
    known : iterable of Definition
        Of the models that stand, among them perhaps this shop's.
    """
    horizon, clv_horizon = config.horizons
    population = describe(past, horizon)
    here = ForecastOrigin(past.day, population, PopulationModel.of(population))
    origin = origin_at(found.panels[0], here)
    churn = fit_churn(found, origin, config)
    clv = fit_clv(found, origin, churn, config)

    terms = replace(Definition.of(past, horizon, known), shortage=found.churn.too_little)
    value = found.clv_panel.value
    clv_terms = replace(
        terms,
        horizon_days=clv_horizon,
        shortage=found.clv.too_little,
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
    horizon, settings = found.panels[0].horizon_days, Boosting.of(config)
    model = ChurnModel(found.churn.chosen, horizon, config.seed, settings)
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
