"""train(history, as_of, config): the whole of it on one screen."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from features.catalogue import catalogue
from features.clock import Instant, as_day, as_instant
from features.history import History
from features.suggestion import suggest_horizon
from features.table import feature_table
from training import figures
from training.backtest import (
    Backtest,
    backtest_churn,
    backtest_clv,
    live_base_rate,
)
from training.card import Part, model_card
from training.champions import CHURN, CLV, Decision, decide_churn, decide_clv
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.definition import Definition, shop_digest
from training.evaluation import calibration_table, decile_table, gain_table
from training.scoring import ChurnScorer, CLVScorer, Reference
from training.snapshots import Panel, Progress, build_panel, origin_of_rows, stack
from training.tracking import ModelFiles, RegisteredVersion, Run, Tracker

EXAMPLE_ROWS = 3


@dataclass(frozen=True)
class Training:
    """What a training made.

    Attributes
    ----------
    run_id : str
    config : TrainingConfig
        With the horizons filled in.
    churn, clv : RegisteredVersion
    churn_backtest, clv_backtest : Backtest
    churn_decision, clv_decision : Decision
    card : str
        The model card, Markdown.
    """

    run_id: str
    config: TrainingConfig
    churn: RegisteredVersion
    clv: RegisteredVersion
    churn_backtest: Backtest
    clv_backtest: Backtest
    churn_decision: Decision
    clv_decision: Decision
    card: str


def train(
    history: History,
    as_of: Instant,
    config: TrainingConfig | None = None,
    tracker: Tracker | None = None,
    progress: Progress = lambda _: None,
) -> Training:
    """Fit, judge, track and register the churn and CLV models of a shop.

    Parameters
    ----------
    history : History
    as_of : str, date, datetime or float
        Only what was known before is used.
    config : TrainingConfig, optional
    tracker : Tracker, optional
        Where runs and models go; default: `MLFLOW_TRACKING_URI`, else `mlruns/` here.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    TrainingError
        If the history cannot label a snapshot, or the settings are wrong.
    """
    tracker = tracker or Tracker()
    past = history.upto(as_of).coded()
    config = resolve(past, as_of, config or TrainingConfig())
    panel, churn_backtest = judge_churn(past, config.horizon_days, config, progress)
    clv_panel, activity_backtest = panel, churn_backtest
    if config.clv_horizon_days != config.horizon_days:
        clv_panel, activity_backtest = judge_churn(past, config.clv_horizon_days, config, progress)
    clv_backtest = backtest_clv(clv_panel, activity_backtest, config, progress)

    progress("fitting the final models")
    day = as_day(as_of, past.mapping.timezone)
    model = fit_churn(panel, churn_backtest, day, config)
    same = clv_panel is panel
    activity = model if same else fit_churn(clv_panel, activity_backtest, day, config)
    clv_model = fit_clv(clv_panel, clv_backtest, activity, config)
    churn, clv = _scorers(
        past, day, model, clv_model, live_base_rate(churn_backtest, panel), config
    )

    progress("tracking and registering")
    decisions = (
        decide_churn(tracker, churn.definition, churn_backtest, config.seed),
        decide_clv(tracker, clv.definition, clv_backtest, config.seed),
    )
    parts = (
        Part("Churn risk", churn.definition, panel, churn_backtest, decisions[0]),
        Part("CLV forecast", clv.definition, clv_panel, clv_backtest, decisions[1]),
    )
    card = model_card(parts, config)
    tags = {"lineage": churn.definition.lineage, "as_of": as_instant(day).isoformat()}
    with tracker.start_run(f"train {as_instant(day):%Y-%m-%d}", tags) as run:
        _log(run, past, config, parts, card)
        versions = (
            _register(tracker, run, CHURN, churn, churn_backtest),
            _register(tracker, run, CLV, clv, clv_backtest),
        )
        run.log_dict({CHURN: decisions[0].as_dict(), CLV: decisions[1].as_dict()}, "decision.json")
    promoted = [_promote(tracker, v, d) for v, d in zip(versions, decisions, strict=True)]
    return Training(run.run_id, config, *promoted, churn_backtest, clv_backtest, *decisions, card)


def resolve(past: History, as_of: Instant, config: TrainingConfig) -> TrainingConfig:
    """Fill in the horizons that were left to the data."""
    horizon = config.horizon_days or suggest_horizon(past, as_of).horizon_days
    return replace(
        config, horizon_days=horizon, clv_horizon_days=config.clv_horizon_days or horizon
    )


def judge_churn(
    past: History, horizon_days: int | None, config: TrainingConfig, progress: Progress
) -> tuple[Panel, Backtest]:
    """Build the panel of a horizon and judge every churn candidate on it."""
    assert horizon_days is not None, "resolve() comes first"
    panel = build_panel(past, horizon_days, config, progress)
    return panel, backtest_churn(panel, config, progress)


def fit_churn(panel: Panel, backtest: Backtest, at: float, config: TrainingConfig) -> ChurnModel:
    """Fit the chosen candidate on every labelled snapshot."""
    learn, days = stack(panel.snapshots), origin_of_rows(panel.snapshots)
    model = ChurnModel(backtest.chosen, config.snapshots, config.seed)
    return model.fit(learn.X, learn.churned, days, at)


def fit_clv(
    panel: Panel, backtest: Backtest, activity: ChurnModel, config: TrainingConfig
) -> CLVModel:
    """Fit the chosen candidate on every labelled snapshot."""
    learn, days = stack(panel.snapshots), origin_of_rows(panel.snapshots)
    model = CLVModel(backtest.chosen, activity, config.snapshots, config.seed)
    return model.fit(learn.X, learn.spend, learn.churned, days)


def _scorers(
    past: History,
    day: float,
    model: ChurnModel,
    clv_model: CLVModel,
    base_rate: float,
    config: TrainingConfig,
) -> tuple[ChurnScorer, CLVScorer]:
    terms = Definition(
        horizon_days=config.horizon_days or 0,
        currency=past.mapping.currency,
        timezone=past.mapping.timezone,
        shop=shop_digest(past),
        trained_as_of=day,
        kinds=tuple(past.mapping.scales),
        categories={c: past.mapping.categories[c] for c, text in past.profiles.items() if text},
    )
    clv_terms = replace(
        terms,
        horizon_days=config.clv_horizon_days or 0,
        margin_rate=config.margin_rate,
        discount_rate_yearly=config.discount_rate_yearly,
    )
    population = feature_table(past, day, terms.horizon_days)
    risk = model.predict_proba(population)[:, 1]
    reference = Reference.of(population, risk, base_rate)
    return ChurnScorer(model, terms, reference), CLVScorer(clv_model, clv_terms)


def _register(
    tracker: Tracker, run: Run, name: str, scorer: ChurnScorer | CLVScorer, backtest: Backtest
) -> RegisteredVersion:
    definition = scorer.definition
    example = _example(scorer.model.columns_, definition.horizon_days)
    tags = {
        "candidate": backtest.chosen,
        "lineage": definition.lineage,
        "horizon_days": str(definition.horizon_days),
        "currency": definition.currency or "",
        "as_of": as_instant(definition.trained_as_of).isoformat(),
        "why": backtest.why,
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        scorer.save(folder)
        files = ModelFiles(folder, example, scorer.predict_frame(example), tags)
        return tracker.register(run, name, files)


def _example(columns: Sequence[str], horizon_days: int) -> pd.DataFrame:
    """Made-up rows of the feature table: stored with the model, so never those of customers."""
    rows = np.arange(1.0, EXAMPLE_ROWS + 1.0)
    example = pd.DataFrame({column: rows for column in columns})
    example["horizon_days"] = float(horizon_days)
    return example


def _promote(tracker: Tracker, version: RegisteredVersion, decision: Decision) -> RegisteredVersion:
    return tracker.promote(version.name, version.version) if decision.promoted else version


def _log(run: Run, past: History, config: TrainingConfig, parts: Sequence[Part], card: str) -> None:
    run.log_params({**config.as_dict(), "timezone": past.mapping.timezone})
    run.log_text(card, "model_card.md")
    run.log_dict(_digest(past), "data.json")
    features = [
        {"name": f.name, "family": f.family, "unit": f.unit, "meaning": f.meaning}
        for f in catalogue(past.mapping, past.profiles)
    ]
    run.log_dict({"features": features}, "catalogue.json")
    for prefix, part in zip(("churn", "clv"), parts, strict=True):
        table = part.backtest.table()
        run.log_text(table.to_csv(index=False), f"backtest_{prefix}.csv")
        for step, (_, rows) in enumerate(table.groupby("origin") if len(table) else ()):
            run.log_metrics(_flat(prefix, rows.set_index("candidate")), step)
        run.log_metrics(_flat(f"mean_{prefix}", part.backtest.means()))
    _log_figures(run, parts[0].backtest, parts[1].backtest, past.mapping.currency)


def _flat(prefix: str, table: pd.DataFrame) -> dict[str, float]:
    numbers = table.drop(columns=["origin", "customers"], errors="ignore")
    return {
        f"{prefix}_{metric}_{candidate}": float(value)
        for candidate, row in numbers.iterrows()
        for metric, value in row.items()
        if np.isfinite(value)
    }


def _log_figures(run: Run, churn: Backtest, clv: Backtest, currency: str | None) -> None:
    if churn.judged:
        judged = churn.of(churn.chosen)
        truth = np.concatenate([j.judge.churned for j in judged])
        risk = np.concatenate([j.forecast for j in judged])
        run.log_figure(
            figures.calibration_figure(calibration_table(truth, risk)), "calibration.png"
        )
    if clv.judged:
        judged = clv.of(clv.chosen)
        spend = np.concatenate([j.judge.spend for j in judged])
        forecast = np.concatenate([j.forecast for j in judged])
        run.log_figure(figures.gain_figure(gain_table(spend, forecast), "spend"), "gain.png")
        deciles = figures.decile_figure(decile_table(spend, forecast), currency or "currency")
        run.log_figure(deciles, "clv_deciles.png")


def _digest(past: History) -> dict[str, str | float]:
    """What the training saw, in numbers and one hash: enough to tell two histories apart."""
    orders = past.orders.select(
        nw.len().alias("orders"),
        nw.col("amount").sum(),
        nw.col("day").min().alias("first_day"),
        nw.col("day").max().alias("last_day"),
        nw.col("customer_id").n_unique().alias("customers"),
    ).collect("polars")
    facts = {k: float(v[0]) for k, v in orders.to_dict(as_series=False).items()}
    text = json.dumps({k: round(v, 6) for k, v in facts.items()}, sort_keys=True)
    return {**facts, "sha256": hashlib.sha256(text.encode()).hexdigest()}
