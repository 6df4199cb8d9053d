"""Train and score real shops, and judge the scores by what happened next, beside the naive rules.

Run as `python -m benchmarks.training --data DIR`; docs/benchmarks.md says what DIR holds. Nothing
known at or after `as_of` is seen by any model; the rules learn from the same labelled snapshots and
are judged on the same customers.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.history import History
from features.table import feature_table
from training.champions import load_scorer
from training.churn import ChurnModel
from training.clv import CLVModel
from training.config import TrainingConfig
from training.evaluation import churn_metrics, value_metrics
from training.labels import label_table
from training.pipeline import train
from training.snapshots import build_panel, origin_of_rows, stack
from training.tracking import Tracker

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
HORIZON = 90
CONFIG = TrainingConfig(horizon_days=HORIZON)
SHOWN = ("auc", "log_loss", "ece", "normalised_gini", "tweedie_deviance", "total_bias")
RULES = ("recency_rule", "past_rate")


@dataclass(frozen=True)
class Shop:
    """A real order log: its folder below the data folder, and the instant to forecast from."""

    name: str
    folder: str
    as_of: str

    def open(self, data: Path) -> History:
        """Open it with the mapping that ships in docs/examples."""
        return History.open(data / self.folder, EXAMPLES / f"{self.folder}.toml")


SHOPS = (
    Shop("Online Retail II", "online_retail_ii", "2011-09-10"),
    Shop("CDNOW", "cdnow", "1998-04-01"),
    Shop("Olist", "olist", "2018-05-01"),
)


def main() -> None:
    """Print a table of accuracy and one of time, in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    parser.add_argument("--only", choices=[s.folder for s in SHOPS], help="one shop")
    arguments = parser.parse_args()
    data = Path(arguments.data)
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    accuracy, effort = [], []
    for shop in SHOPS:
        if arguments.only in (None, shop.folder):
            rows, seconds = run(shop, data)
            accuracy += rows
            effort.append(seconds)
    print(_markdown(pd.DataFrame(accuracy)), end="\n\n")
    print(_markdown(pd.DataFrame(effort)))


def run(shop: Shop, data: Path) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Train, score and judge one shop."""
    started = time.perf_counter()
    history = shop.open(data)
    with tempfile.TemporaryDirectory() as place:
        tracker = Tracker(f"sqlite:///{place}/mlflow.db")
        training = train(history, shop.as_of, CONFIG, tracker)
        trained = time.perf_counter()
        scores = load_scorer(tracker, history).score(history, shop.as_of).set_index("customer_id")
        scored = time.perf_counter()
    name = f"holdfast ({training.churn_backtest.chosen}, {training.clv_backtest.chosen})"
    forecasts = [(name, scores["churn_risk"], scores["clv"]), *rules(shop, history)]
    labels = label_table(history, shop.as_of, HORIZON).reindex(scores.index, fill_value=0.0)
    churned, spend = 1.0 - labels["ordered"], labels["spend"]
    rows: list[dict[str, object]] = []
    for candidate, risk, clv in forecasts:
        risk, clv = risk.loc[scores.index], clv.loc[scores.index]
        metrics = churn_metrics(churned, risk, float(churned.mean())) | value_metrics(spend, clv)
        shown = {metric: round(metrics[metric], 4) for metric in SHOWN}
        rows.append({"log": shop.name, "as_of": shop.as_of, "forecast": candidate, **shown})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return rows, {
        "log": shop.name,
        "customers": len(scores),
        "open and train, s": round(trained - started, 1),
        "load and score, s": round(scored - trained, 1),
        "peak memory so far, GiB": round(peak, 2),
    }


def rules(shop: Shop, history: History) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """The naive rules, fitted on the snapshots the models learnt from, at the same instant."""
    past = history.upto(shop.as_of).coded()
    panel = build_panel(past, HORIZON, CONFIG)
    learn, days = stack(panel.snapshots), origin_of_rows(panel.snapshots)
    table = feature_table(past, shop.as_of, HORIZON)
    for name in RULES:
        model = ChurnModel(name).fit(learn.X, learn.churned, days)
        value = CLVModel("average" if name == "recency_rule" else name, activity=model)
        value.fit(learn.X, learn.spend, learn.churned, days)
        risk = model.predict_proba(table)[:, 1]
        clv = np.asarray(value.predict(table))
        yield name, pd.Series(risk, table.index), pd.Series(clv, table.index)


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


if __name__ == "__main__":
    main()
