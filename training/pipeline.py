"""train(history, as_of, config): the whole of it on one screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from features.clock import Instant, as_day
from features.history import History
from features.suggestion import suggest_horizon
from features.table import feature_table
from training.backtest import Backtest, backtest_churn, backtest_clv, live_base_rate
from training.champions import CHURN, CLV, Decision, decide
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.definition import Definition, shop_digest
from training.record import Part, Record, record
from training.scoring import ChurnScorer, CLVScorer, Reference
from training.snapshots import Panel, Progress, build_panel, origin_of_rows, stack
from training.tracking import RegisteredVersion, Tracker


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


@dataclass(frozen=True)
class Fitted:
    """The models of a training, ready to score, and how their recipes were judged."""

    churn: ChurnScorer
    clv: CLVScorer
    churn_panel: Panel
    clv_panel: Panel
    churn_backtest: Backtest
    clv_backtest: Backtest
