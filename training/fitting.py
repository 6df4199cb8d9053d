"""Judge the candidates on a history, and fit the chosen ones for scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace

from features.clock import Instant, as_day
from features.history import History
from features.quality import suggest_horizon
from features.table import feature_table
from training.backtest import Backtest, backtest_churn, backtest_clv, live_base_rate
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.definition import Definition, shop_digest
from training.scoring import ChurnScorer, CLVScorer, Reference
from training.snapshots import Panel, Progress, build_panel, origin_of_rows, stack


@dataclass(frozen=True)
class Fitted:
    """A model ready to score, what it learnt from, and how its recipe was judged."""

    scorer: ChurnScorer | CLVScorer
    panel: Panel
    backtest: Backtest


def resolve(past: History, as_of: Instant, config: TrainingConfig) -> TrainingConfig:
    """Fill in the horizons that were left to the data."""
    horizon = config.horizon_days or suggest_horizon(past, as_of).horizon_days
    return replace(
        config, horizon_days=horizon, clv_horizon_days=config.clv_horizon_days or horizon
    )


def judge_churn(
    past: History, horizon_days: int, config: TrainingConfig, progress: Progress
) -> tuple[Panel, Backtest]:
    """Build the panel of a horizon and judge every churn candidate on it."""
    panel = build_panel(past, horizon_days, config, progress)
    return panel, backtest_churn(panel, config, progress)


def fit(
    past: History, as_of: Instant, config: TrainingConfig, progress: Progress = lambda _: None
) -> tuple[Fitted, Fitted]:
    """Choose and fit the churn and the CLV model.

    Parameters
    ----------
    past : History
        Cut at `as_of`, with codes for its text attributes.
    as_of : str, date, datetime or float
    config : TrainingConfig
        With its horizons.
    progress : callable, optional
        Told in words what is being done.
    """
    horizon, clv_horizon = config.horizons
    churn_panel, churn_backtest = judge_churn(past, horizon, config, progress)
    clv_panel, activity_backtest = churn_panel, churn_backtest
    if clv_horizon != horizon:
        clv_panel, activity_backtest = judge_churn(past, clv_horizon, config, progress)
    clv_backtest = backtest_clv(clv_panel, activity_backtest, config, progress)

    progress("fitting the final models")
    day = as_day(as_of, past.mapping.timezone)
    churn = activity = fit_churn(churn_panel, churn_backtest, day, config)
    if clv_horizon != horizon:
        activity = fit_churn(clv_panel, activity_backtest, day, config)
    clv = fit_clv(clv_panel, clv_backtest, activity, config)

    terms = definition(past, day, horizon)
    value = clv_panel.value
    clv_terms = replace(
        terms,
        horizon_days=clv_horizon,
        margin_rate=value.margin_rate,
        discount_rate_yearly=value.discount_rate_yearly,
    )
    population = feature_table(past, day, horizon)
    base_rate = live_base_rate(churn_backtest, churn_panel)
    reference = Reference.of(population, churn, base_rate)
    return (
        Fitted(ChurnScorer(churn, terms, reference), churn_panel, churn_backtest),
        Fitted(CLVScorer(clv, clv_terms), clv_panel, clv_backtest),
    )


def fit_churn(panel: Panel, backtest: Backtest, at: float, config: TrainingConfig) -> ChurnModel:
    """Fit the chosen candidate on every labelled snapshot."""
    learn, days = stack(panel.snapshots), origin_of_rows(panel.snapshots)
    model = ChurnModel(backtest.chosen, config.snapshots, config.seed)
    return model.fit(learn.X, learn.churned, days, at)


def fit_clv(
    panel: Panel, backtest: Backtest, activity: ChurnModel, config: TrainingConfig
) -> CLVModel:
    """Fit the chosen candidate on the latest labelled snapshots."""
    latest = panel.snapshots[-config.snapshots :]
    learn, days = stack(latest), origin_of_rows(latest)
    model = CLVModel(backtest.chosen, activity, config.snapshots, config.seed)
    return model.fit(learn.X, learn.spend, learn.churned, days)


def definition(past: History, day: float, horizon_days: int) -> Definition:
    """The terms of a churn model trained on a history that was cut at `day`."""
    mapping = past.mapping
    return Definition(
        horizon_days=horizon_days,
        currency=mapping.currency,
        timezone=mapping.timezone,
        shop=shop_digest(past, day) or "",
        trained_as_of=day,
        scales=dict(mapping.scales),
        categories={c: mapping.categories[c] for c, is_text in past.profiles.items() if is_text},
    )
