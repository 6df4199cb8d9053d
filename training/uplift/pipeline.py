"""train_uplift(history, as_of, horizon_days): learn what offers change, judge it, register it."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from features.clock import Instant, as_instant
from features.history.history import History
from training.evaluation import FloatArray, figures
from training.panel.labels import Value
from training.panel.panel import Progress
from training.registry.figures import log_figures
from training.registry.log import data_digest
from training.registry.run import Run
from training.registry.standing import standing
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles, RegisteredVersion
from training.scoring.definition import Definition
from training.scoring.probe import example
from training.uplift.assignments import EXPECTED, Assignments, assignments_of
from training.uplift.model import UpliftModel
from training.uplift.policies import compare_policies, ranking_curve, ranking_metrics
from training.uplift.scoring import UPLIFT, UpliftScorer

RISK, CLV = "risk", "clv"


@dataclass(frozen=True)
class UpliftTraining:
    """What a training made.

    Attributes
    ----------
    run_id : str
    version : RegisteredVersion
    scorer : UpliftScorer
    assignments : Assignments
        What it learnt from.
    metrics : pandas.DataFrame
        Qini, AUUC and uplift at 10, 20 and 30% of every offer, out of fold, with intervals.
    policies : pandas.DataFrame
        Value of offering by uplift, by risk, by CLV, at random, to all and to none.
    """

    run_id: str
    version: RegisteredVersion
    scorer: UpliftScorer
    assignments: Assignments
    metrics: pd.DataFrame
    policies: pd.DataFrame


def train_uplift(
    history: History,
    as_of: Instant,
    horizon_days: int,
    tracker: Tracker | None = None,
    progress: Progress = lambda _: None,
) -> UpliftTraining:
    """Learn by how much each logged offer changed P(any order within the horizon), and for whom.

    The version becomes the champion of `offer-uplift`; whether an offer has enough evidence is
    decided offer by offer, see `UpliftModel.tested_`.

    Parameters
    ----------
    history : History
        With an offers table.
    as_of : str, date, datetime or float
        Only what was known before is used.
    horizon_days : int
        Days after an offer in which an order counts.
    tracker : Tracker, optional
        Where runs and models go; default: `MLFLOW_TRACKING_URI`, else `mlruns/` here.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    TrainingError
        If no offers were logged, or the window of none is over.
    HistoryError
        If the history was cut before `as_of`.
    """
    started = time.time()
    tracker = tracker or Tracker()
    past = history.at(as_of).coded()
    learnt_from = assignments_of(past, horizon_days, Value(), progress)
    progress(f"learning from {len(learnt_from):,} assignments")
    propensity = learnt_from.propensity if np.isfinite(learnt_from.propensity).all() else None
    model = UpliftModel().fit(learnt_from.X, learnt_from.ordered, learnt_from.offer, propensity)
    terms = Definition.of(past, horizon_days, standing(tracker))
    scorer = UpliftScorer(model, learnt_from.btyd, terms)
    progress("judging out of fold")
    metrics = ranking_metrics(model.evidence_, learnt_from.ordered, learnt_from.offer)
    policies = compare_policies(model.evidence_, _rankings(learnt_from))
    progress("tracking and registering")
    tags = {"lineage": terms.lineage, "as_of": as_instant(terms.trained_as_of).isoformat()}
    with tracker.start_run(f"uplift {tags['as_of'][:10]}", tags, started) as run:
        run.log_dict(data_digest(past), "data.json")
        run.log_params({"horizon_days": horizon_days, **model.get_params()})
        _log(run, scorer, learnt_from, metrics, policies)
        version = _register(tracker, run, scorer, tags)
    promoted = tracker.promote(UPLIFT, version.version)
    return UpliftTraining(run.run_id, promoted, scorer, learnt_from, metrics, policies)


def _rankings(learnt_from: Assignments) -> dict[str, FloatArray]:
    """By the risk and the value that were expected at the assignment."""
    risk = expit(learnt_from.X[EXPECTED].to_numpy())
    return {RISK: risk, CLV: (1.0 - risk) * learnt_from.X["aov"].fillna(0.0).to_numpy()}


def _log(
    run: Run,
    scorer: UpliftScorer,
    learnt_from: Assignments,
    metrics: pd.DataFrame,
    policies: pd.DataFrame,
) -> None:
    model = scorer.model
    run.log_dict({"tested": model.tested_, "left_out": dict(learnt_from.left_out)}, "offers.json")
    tables = {
        "learners": model.candidates_,
        "overlap": model.overlap_.reset_index(),
        "effects": model.effects_,
        "metrics": metrics,
        "policies": policies,
    }
    for name, table in tables.items():
        run.log_text(table.to_csv(index=False), f"{name}.csv")
    run.log_metrics(
        {
            f"{row['metric']}{end}_{_named(row['offer'])}": row[column]
            for row in metrics.to_dict("records")
            for column, end in (("value", ""), ("low", "_low"), ("high", "_high"))
            if np.isfinite(row[column])
        }
    )
    terms = scorer.definition
    trained = f"offers made before {as_instant(terms.trained_as_of):%Y-%m-%d}"
    about = (terms.shop_name, f"orders within {terms.horizon_days} days", trained)
    for offer in model.evidence_.offers:
        curve = ranking_curve(model.evidence_, offer, learnt_from.ordered, learnt_from.offer)
        drawn = {
            f"uplift_{_named(offer)}": figures.uplift_figure(curve, "orders"),
            f"effects_{_named(offer)}": figures.effects_figure(model.effects_, offer),
        }
        for figure in drawn.values():
            figure.with_subtitle(*about, f"offer {offer}")
        log_figures(run, drawn)


def _named(offer: str) -> str:
    """An offer's id with nothing in it that names of files and metrics may not have."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", offer)
    return plain if plain == offer else f"{plain}-{sha256(offer.encode()).hexdigest()[:6]}"


def _register(
    tracker: Tracker, run: Run, scorer: UpliftScorer, tags: dict[str, str]
) -> RegisteredVersion:
    terms = scorer.definition
    columns = [name for name in scorer.model.coding_.columns if name != EXPECTED]
    rows = example(columns, terms.table_horizon_days)
    told = {
        **tags,
        "candidate": scorer.model.learner_,
        "horizon_days": str(terms.horizon_days),
        "currency": terms.currency or "",
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        scorer.save(folder)
        return tracker.register(
            run, UPLIFT, ModelFiles(folder, rows, scorer.predict_frame(rows), told)
        )
