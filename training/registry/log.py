"""What a training leaves behind: a run with its figures, and two registered models."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from features.clock import as_instant
from features.history.history import Past
from features.table import features_of
from features.to_pandas import to_pandas
from training.config import TrainingConfig
from training.models.tasks import TASKS
from training.registry.card import CardPart, model_card, part_card, with_figures
from training.registry.figures import (
    LatestReasons,
    backtest_figures,
    churn_figures,
    log_figures,
)
from training.registry.inputs import TrainingData
from training.registry.outcome import Realised
from training.registry.run import Run
from training.registry.slices import slices
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles, RegisteredVersion
from training.scoring.probe import example
from training.selection.backtest import Backtest
from training.selection.grade import verdict

if TYPE_CHECKING:
    from training.evaluation.chart import Chart

# Rows hashed at a time, to keep memory flat.
SLICE = 1_000_000


@dataclass(frozen=True)
class LoggedTraining:
    """The run and the versions it registered, in the order of the parts."""

    run_id: str
    versions: tuple[RegisteredVersion, ...]
    card: str


def record(
    tracker: Tracker,
    past: Past,
    config: TrainingConfig,
    parts: Sequence[CardPart],
    last: Sequence[Realised] = (),
    started: float | None = None,
) -> LoggedTraining:
    """Log a training as one run, register its models and promote those that won.

    Parameters
    ----------
    tracker : Tracker
    past : Past
        Cut at the training instant.
    config : TrainingConfig
    parts : sequence of CardPart
        The churn model and the CLV model.
    last : sequence of Realised
        What became of the forecasts of the standing champions.
    started : float, optional
        When the training began, in seconds since 1970; default: now.
    """
    data = data_digest(past)
    reasons = {part.name: LatestReasons.of(part.fitted) for part in parts}
    parts = [
        replace(
            part,
            previous=tracker.latest(part.name),
            reasons=found.words() if (found := reasons[part.name]) else "",
        )
        for part in parts
    ]
    card = model_card(parts, config, data, last)
    terms = parts[0].fitted.scorer.definition
    as_of = as_instant(terms.trained_as_of)
    tags = {"lineage": terms.lineage, "as_of": as_of.isoformat()}
    with tracker.start_run(f"train {as_of:%Y-%m-%d}", tags, started) as run:
        run.describe(card)
        run.log_params({**config.as_params(), "timezone": terms.timezone})
        drawn: dict[str, Chart] = {}
        for part in parts:
            drawn |= backtest_figures(part) | churn_figures(part, reasons[part.name])
        log_figures(run, drawn)
        named = [f"{name}.png" for name in drawn]
        run.log_text(with_figures(card, named), "model_card.md")
        run.log_dict(data, "data.json")
        run.log_dict({"features": _catalogue(past)}, "catalogue.json")
        run.log_dict({p.name: p.decision.as_dict() for p in parts}, "decision.json")
        run.log_dict({outcome.name: outcome.as_dict() for outcome in last}, "realised.json")
        source = {"as_of": tags["as_of"], "history_sha256": data["sha256"]}
        for part in parts:
            _log_backtest(run, part)
            run.log_data(TrainingData.of(f"{part.name} snapshots", part.fitted.panel, source))
        for outcome in last:
            prefix = f"realised_{TASKS[outcome.name].short_name}_"
            run.log_metrics({prefix + name: value for name, value in outcome.metrics.items()})
        told = {outcome.name: outcome.words() for outcome in last}
        versions = [_register(tracker, run, p, told.get(p.name, "")) for p in parts]
    won = {p.name for p in parts if p.decision.promoted}
    tracker.release({v.name: v.version for v in versions if v.name in won})
    now = tuple(tracker.version(v.name, v.version) for v in versions)
    return LoggedTraining(run.run_id, now, card)


def data_digest(past: Past) -> dict[str, Any]:
    """What a training saw: rows of every table, a hash of them in any order, the span of orders."""
    tables = {name: getattr(past, name) for name in ("orders", "feedback", "offers", "customers")}
    found: dict[str, Any] = {}
    for name, table in tables.items():
        if table is not None:
            rows = table.select(*sorted(table.collect_schema().names())).collect("polars")
            found[name] = {"rows": len(rows), "hash": _hash_of_rows(rows.to_native())}
    span = past.orders.select(
        nw.col("day").min().alias("first_day"),
        nw.col("day").max().alias("last_day"),
        nw.col("customer_id").n_unique().alias("customers"),
    ).collect("polars")
    facts = {name: float(values[0]) for name, values in span.to_dict(as_series=False).items()}
    text = json.dumps(found, sort_keys=True)
    return {**found, **facts, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _hash_of_rows(rows: pl.DataFrame) -> str:
    """Of the rows in any order, by pandas: Polars' own hashes change with its version."""
    total = np.uint64(0)
    for part in rows.iter_slices(SLICE):
        hashes = pd.util.hash_pandas_object(to_pandas(part), index=False).to_numpy()
        total = np.sum([total, hashes.sum(dtype=np.uint64)], dtype=np.uint64)
    return f"{int(total):016x}"


def _catalogue(past: Past) -> list[dict[str, str]]:
    return [
        {"name": f.name, "family": f.family, "unit": f.unit, "meaning": f.meaning}
        for f in features_of(past)
    ]


def _log_backtest(run: Run, part: CardPart) -> None:
    """Metrics of the chosen candidate with origins as steps, and what the others reached apart."""
    backtest, task = part.fitted.backtest, part.task
    model = task.short_name
    table = backtest.table()
    run.log_text(table.to_csv(index=False), f"backtest_{model}.csv")
    run.log_text(_summary(backtest).to_csv(), f"backtest_{model}_summary.csv")
    if table.empty:
        return
    run.log_text(slices(part.fitted).to_csv(index=False), f"slices_{model}.csv")
    judged = backtest.of(backtest.chosen)
    for step, found in enumerate(judged):
        run.log_metrics(_named(f"{model}_", found.metrics), step)
    run.log_metrics(_named(f"spread_{model}_", backtest.spread().T[backtest.chosen].to_dict()))
    for step, (_, rows) in enumerate(table.groupby("origin")):
        losses = rows.set_index("candidate")[backtest.criterion]
        run.log_metrics(_named(f"candidates/{model}_{backtest.criterion}/", dict(losses)), step)


def _summary(backtest: Backtest) -> pd.DataFrame:
    """One row per candidate: means, deviations over origins, difference from the chosen one."""
    means, spread = backtest.means().add_prefix("mean_"), backtest.spread().add_prefix("spread_")
    table = means.join(spread).join(_differences(backtest))
    return table.rename_axis("candidate")


def _differences(backtest: Backtest) -> pd.DataFrame:
    """The criterion of the chosen candidate less that of each other, with its 95% interval."""
    return pd.DataFrame.from_dict(
        {
            name: {
                "difference": found.difference,
                "difference_low": found.low,
                "difference_high": found.high,
            }
            for name, found in backtest.differences.items()
        },
        orient="index",
    )


def _named(prefix: str, numbers: Mapping[Any, float]) -> dict[str, float]:
    """Metrics by name; those without a meaning left out."""
    return {f"{prefix}{name}": float(v) for name, v in numbers.items() if np.isfinite(v)}


def _means(part: CardPart) -> dict[str, float]:
    means, chosen = part.fitted.backtest.means(), part.fitted.backtest.chosen
    return {} if means.empty else _named(f"mean_{part.task.short_name}_", means.T[chosen].to_dict())


def _register(tracker: Tracker, run: Run, part: CardPart, last: str) -> RegisteredVersion:
    scorer, backtest = part.fitted.scorer, part.fitted.backtest
    terms = scorer.definition
    rows = example(scorer.model.columns_, terms.table_horizon_days)
    tags = {
        "candidate": backtest.chosen,
        "lineage": terms.lineage,
        "horizon_days": str(terms.horizon_days),
        "currency": terms.currency or "",
        "as_of": as_instant(terms.trained_as_of).isoformat(),
        "why": backtest.why,
        "basis": scorer.basis(),
        "verdict": verdict(backtest),
        "realised": last,
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        scorer.save(folder)
        scores = scorer.predict_frame(rows)
        files = ModelFiles(folder, rows, scores, tags, _means(part), part_card(part))
        return tracker.register(run, part.name, files)
