"""The JSON documents of the commands that deal with models; docs/cli.md tells every key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from training.champions import CHURN, CLV
from training.scoring import STAGES

if TYPE_CHECKING:
    from training.backtest import Backtest
    from training.champions import Decision
    from training.pipeline import Training
    from training.tracking import RegisteredVersion

PREFIXES = {CHURN: "mean_churn_", CLV: "mean_clv_"}


def training_document(training: Training) -> dict[str, Any]:
    """What a training made: `holdfast train --json` without its warnings."""
    parts = (
        (training.churn, training.churn_backtest, training.churn_decision),
        (training.clv, training.clv_backtest, training.clv_decision),
    )
    return {
        "run_id": training.run_id,
        "as_of": training.churn.tags["as_of"],
        "horizon_days": training.config.horizon_days,
        "clv_horizon_days": training.config.clv_horizon_days,
        "config": training.config.as_dict(),
        "models": [
            {**_version(version), **backtest_document(backtest), "decision": _decision(decision)}
            for version, backtest, decision in parts
        ],
    }


def backtest_document(backtest: Backtest) -> dict[str, Any]:
    """Every candidate at every origin, their means, and the choice."""
    table, means = backtest.table(), backtest.means()
    return {
        "chosen": backtest.chosen,
        "criterion": backtest.criterion,
        "why": backtest.why,
        "candidates": [
            {"candidate": name, "chosen": name == backtest.chosen, "metrics": dict(row)}
            for name, row in means.iterrows()
        ],
        "folds": [
            {
                "origin": row["origin"],
                "candidate": row["candidate"],
                "customers": row["customers"],
                "metrics": {metric: row[metric] for metric in means.columns},
            }
            for _, row in table.iterrows()
        ],
    }


def scores_document(scores: pd.DataFrame) -> dict[str, Any]:
    """What a scoring found, by stage; one row per customer is in the file."""
    first = scores.iloc[0]
    terms = ("horizon_days", "clv_horizon_days", "churn_model", "churn_model_version",
             "clv_model_version")  # fmt: skip
    return {
        "as_of": first["as_of"].isoformat(),
        **{term: first[term] for term in terms},
        "customers": len(scores),
        "with_reasons": int(scores["reason_1"].notna().sum()),
        "stages": [_stage(name, scores[scores["stage"] == name]) for name in STAGES],
    }


def models_document(versions: Sequence[RegisteredVersion]) -> dict[str, Any]:
    """Every registered version, with the means its own candidate reached in its backtest."""
    return {
        "models": [
            {
                **_version(version),
                **{tag: version.tags.get(tag) or None for tag in ("as_of", "currency", "lineage")},
                "candidate": version.tags.get("candidate"),
                "horizon_days": int(version.tags["horizon_days"]),
                "metrics": own_metrics(version),
            }
            for version in versions
        ]
    }


def own_metrics(version: RegisteredVersion) -> dict[str, float]:
    """The mean backtest metrics of the version's candidate; none if it could not be judged."""
    prefix, suffix = PREFIXES.get(version.name, "mean_"), f"_{version.tags.get('candidate')}"
    return metrics_between(version.metrics, prefix, suffix)


def metrics_between(metrics: Mapping[str, float], prefix: str, suffix: str) -> dict[str, float]:
    """The metrics named `prefix` + metric + `suffix`, by metric.

    Examples
    --------
    >>> metrics_between({"mean_clv_mae_gbdt": 3.0, "clv_mae_gbdt": 4.0}, "mean_clv_", "_gbdt")
    {'mae': 3.0}
    """
    return {
        name[len(prefix) : -len(suffix)]: value
        for name, value in metrics.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }


def _stage(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "stage": name,
        "customers": len(rows),
        "mean_churn_risk": rows["churn_risk"].mean(),
        "value_at_risk": rows["value_at_risk"].sum(),
    }


def _version(version: RegisteredVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "created": version.created,
        "run_id": version.run_id,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {**decision.as_dict(), "figures": dict(decision.figures or {})}
