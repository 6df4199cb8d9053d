"""The JSON documents of the commands that deal with models; docs/cli.md tells every key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.clock import as_instant
from training.scoring.columns import STAGES
from training.selection.grade import grade_of, verdict

if TYPE_CHECKING:
    from training.evaluation import PairedDifference
    from training.pipeline import Training
    from training.registry.gate import GateDecision
    from training.registry.versions import RegisteredVersion
    from training.selection.ablation import AblationRow
    from training.selection.backtest import Backtest
    from training.selection.judge import Judgement


# What is at stake, of everybody, of live customers and of the lapsed.
WORTH = ("value_at_stake", "value_at_risk", "win_back_value")


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
            {
                **_version(version),
                **backtest_document(backtest),
                "basis": version.tags["basis"],
                "decision": _decision(decision),
                "realised": version.realised or None,
            }
            for version, backtest, decision in parts
        ],
    }


def backtest_document(backtest: Backtest) -> dict[str, Any]:
    """Every candidate at every origin, means and spread, the choice and its grade."""
    table, means, spread = backtest.table(), backtest.means(), backtest.spread()
    grade = grade_of(backtest)
    return {
        "chosen": backtest.chosen,
        "criterion": backtest.criterion,
        "why": backtest.why,
        "window_days": backtest.window_days,
        "cautions": backtest.cautions(),
        "unseen_months": list(backtest.ahead.unseen_months),
        "newcomers": backtest.ahead.newcomers,
        "grade": grade and grade.letter,
        "ranking": grade and grade.ranking,
        "level": grade and grade.level,
        "ece": means["ece"][backtest.chosen] if "ece" in means else None,
        "bias": grade and grade.error.bias,
        "level_error": grade and grade.error.error,
        "level_noise": grade and grade.error.noise,
        "verdict": verdict(backtest),
        "candidates": [
            {
                "candidate": name,
                "chosen": name == backtest.chosen,
                "metrics": dict(row),
                "spread": deviations,
                "difference": _difference(backtest.differences.get(str(name))),
            }
            for (name, row), deviations in zip(
                means.iterrows(), spread.to_dict("records"), strict=True
            )
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


def judgement_document(
    found: Judgement, lost: Sequence[AblationRow] | None, end: float
) -> dict[str, Any]:
    """What `holdfast backtest` found; `lost` only if it was asked for."""
    backtests = (found.churn, found.clv)
    document = {
        "as_of": as_instant(end),
        "horizon_days": found.panels[0].horizon_days,
        "models": [{"name": of.task.name, **backtest_document(of)} for of in backtests],
    }
    return document if lost is None else {**document, "ablation": ablation_document(lost)}


def ablation_document(rows: Sequence[AblationRow]) -> list[dict[str, Any]]:
    """What the pool loses without each family of features and each of its parts."""
    return [
        {
            "without": row.without,
            "columns": row.columns,
            "log_loss": _difference(row.log_loss),
            "auc": row.auc,
        }
        for row in rows
    ]


def scores_document(scores: pd.DataFrame, written: pd.DataFrame) -> dict[str, Any]:
    """What a scoring found, by stage, and how much of it was written."""
    first = scores.iloc[0]
    terms = ("horizon_days", "clv_horizon_days", "churn_model", "basis", "churn_model_version",
             "clv_model_version")  # fmt: skip
    return {
        "as_of": first["as_of"].isoformat(),
        **{term: first[term] for term in terms},
        "customers": len(scores),
        "written": len(written),
        "with_reasons": int(written["reason_1"].notna().sum()),
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
                "horizon_days": version.horizon_days,
                "metrics": version.promised,
            }
            for version in versions
        ]
    }


def _difference(found: PairedDifference | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def _stage(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "stage": name,
        "customers": len(rows),
        "mean_churn_risk": rows["churn_risk"].mean(),
        **{name: rows[name].sum(min_count=1) for name in WORTH},
    }


def _version(version: RegisteredVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "created": version.created,
        "run_id": version.run_id,
    }


def _decision(decision: GateDecision) -> dict[str, Any]:
    return {**decision.as_dict(), "figures": dict(decision.figures or {})}
