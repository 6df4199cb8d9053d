"""What holdfast says about the cells of the leaderboard, and a plain interval to compare with."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks.cells import FOLDERS, Cell
from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.champions import load_scorer
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.panel.labels import label_table
from training.pipeline import train
from training.registry.tracking import Tracker

KEPT = (
    "churn_risk", "clv", "clv_low", "clv_high", "clv_if_active", "spend_if_active_low",
    "spend_if_active_high", "basis",
)  # fmt: skip
LEVELS = (0.1, 0.9)
DECILES = np.linspace(0, 1, 11)[1:-1]


def forecast(cell: Cell, data: Path, with_feedback: bool = True) -> pd.DataFrame:
    """Train and score a cell by the code of `holdfast train` and `holdfast score`.

    Returns
    -------
    pandas.DataFrame
        Index `customer_id`, sorted; the columns `KEPT`. `attrs`: seconds of training and of
        scoring, peak memory of the process so far in GiB, and the recipes chosen.
    """
    history = cell.open(data) if with_feedback else _orders_only(cell, data)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        tracker = Tracker(f"sqlite:///{place}/mlflow.db")
        config = TrainingConfig(horizon_days=cell.horizon_days)
        training = train(history, cell.as_of, config, tracker)
        trained = time.perf_counter()
        scores = load_scorer(tracker, history).score(history, cell.as_of)
    found = scores.set_index("customer_id").sort_index()[list(KEPT)]
    found.attrs = {
        "train_seconds": round(trained - started, 1),
        "score_seconds": round(time.perf_counter() - trained, 1),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "churn": training.churn_backtest.chosen,
        "clv": training.clv_backtest.chosen,
        "basis": str(found["basis"].iloc[0]),
    }
    return found.drop(columns="basis")


def plain_intervals(cell: Cell, data: Path) -> pd.DataFrame | None:
    """The simple baseline: quantiles of earlier outcomes within deciles of the value by MBG/NBD.

    Returns
    -------
    pandas.DataFrame or None
        Index `customer_id`; low and high of the total and of the spend given an order. None where
        the log cannot label the horizon before `as_of`.
    """
    past = cell.past(data)
    then = cell.day(data) - cell.horizon_days
    try:
        # A day earlier: the labels end with the last order known.
        labels = label_table(past, then - 1.0, cell.horizon_days)
    except TrainingError:
        return None
    earlier = feature_table(past, then - 1.0, cell.horizon_days)
    if earlier.empty:
        return None
    table = feature_table(past, cell.as_of, cell.horizon_days)
    value, known = _value(table, cell.horizon_days), _value(earlier, cell.horizon_days)
    spend, active = labels["spend"].to_numpy(), labels["churned"].to_numpy() == 0
    total = _by_decile(known, spend, value)
    given = _by_decile(known[active], spend[active], value)
    columns = ["clv_low", "clv_high", "spend_if_active_low", "spend_if_active_high"]
    return pd.DataFrame(np.column_stack([*total, *given]), table.index, columns)


def _value(table: pd.DataFrame, horizon_days: float) -> FloatArray:
    btyd = PopulationModel.of(table)
    chance = expit(-btyd.logit_no_order(table, horizon_days))
    return chance * btyd.orders_if_any(table, horizon_days) * btyd.order_value(table)


def _by_decile(known: FloatArray, spend: FloatArray, asked: FloatArray) -> Sequence[FloatArray]:
    edges = np.quantile(known, DECILES)
    of_known, of_asked = np.searchsorted(edges, known), np.searchsorted(edges, asked)
    found = [
        [np.quantile(spend[of_known == d] if (of_known == d).any() else spend, q) for q in LEVELS]
        for d in range(10)
    ]
    return np.array(found)[of_asked].T


def _orders_only(cell: Cell, data: Path) -> History:
    mapping = cell.open(data).mapping
    bare = Mapping(timezone=mapping.timezone, currency=mapping.currency)
    return History.open(data / FOLDERS[cell.log] / "orders.parquet", bare)
