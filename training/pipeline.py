"""train(history, as_of, config): the whole of it on one screen."""

from __future__ import annotations

import time
from dataclasses import dataclass

from features.clock import Instant
from features.errors import ExtensionError
from features.history.history import History
from training.config import TrainingConfig
from training.monitoring.realised import realised
from training.panel.panel import Progress
from training.registry.card import CardPart
from training.registry.gate import GateDecision, decide
from training.registry.log import record
from training.registry.standing import standing
from training.registry.tracking import Tracker
from training.registry.versions import RegisteredVersion
from training.scoring.model_scorers import require_readable
from training.selection.backtest import Backtest
from training.selection.fit import fit
from training.selection.judge import code_behind, judge, prepare


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
    churn_decision, clv_decision : GateDecision
    card : str
        The model card, Markdown.
    """

    run_id: str
    config: TrainingConfig
    churn: RegisteredVersion
    clv: RegisteredVersion
    churn_backtest: Backtest
    clv_backtest: Backtest
    churn_decision: GateDecision
    clv_decision: GateDecision
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
    HistoryError
        If the history was cut before `as_of`.
    ExtensionError
        If a feature or candidate of the shop's own is not there, or does not do what it should.
    """
    started = time.time()
    tracker = tracker or Tracker()
    past, config = prepare(history.at(as_of), config or TrainingConfig())
    code = code_behind(config)
    judged = judge(past, config, progress)

    progress("fitting the final models")
    fitted = fit(past, judged, config, standing(tracker))

    progress("comparing with the champions")
    decisions = [decide(tracker, model.scorer, model.backtest, config.seed) for model in fitted]
    last = [realised(tracker, past, model.scorer) for model in fitted]

    for model in fitted:
        require_readable(model.scorer)
    if code != code_behind(config):
        raise ExtensionError(
            "code of the shop's own must stay as it is while a training runs; it has changed. "
            "Train again."
        )

    progress("tracking and registering")
    churn, clv = (CardPart(*part) for part in zip(fitted, decisions, strict=True))
    became = [found for found in last if found]
    made = record(tracker, past, config, (churn, clv), became, started)
    return Training(
        run_id=made.run_id,
        config=config,
        churn=made.versions[0],
        clv=made.versions[1],
        churn_backtest=churn.fitted.backtest,
        clv_backtest=clv.fitted.backtest,
        churn_decision=churn.decision,
        clv_decision=clv.decision,
        card=made.card,
    )
