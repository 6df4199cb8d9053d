"""A simulated shop with two trained pairs of models and its scores, and requests about it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.service.servers import Server, free_port, running
from features.history.history import History
from holdfast.commands.demo_shop import AS_OF, CONFIG, DAYS, SEED
from simulation import SimulatedShop, simulate
from training.champions import CHURN, CLV, load_scorer
from training.config import TrainingConfig
from training.pipeline import train
from training.registry.tracking import Tracker

TABLES = ("orders", "feedback", "offers")
MOST_BYTES, MOST_ROWS, MOST_CUSTOMERS = 4 * 1024 * 1024, 50_000, 1000
# Of a second pair it matters only that it is another one.
SECOND = TrainingConfig(horizon_days=CONFIG.horizon_days, snapshots=3, origins=2)


@dataclass(frozen=True)
class TrainedShop:
    """A shop, the versions of two trainings, and the scores of its customers as a file."""

    shop: SimulatedShop
    tracker: Tracker
    pairs: tuple[dict[str, int], ...]
    scores: Path
    # Of the churn model, rows that are ready to be scored.
    table: Any = field(repr=False)

    @cached_property
    def customers(self) -> list[dict[str, Any]]:
        """Every customer with an order, as a request has them."""
        rows = {table: _by_customer(getattr(self.shop, table)) for table in TABLES}
        channels = dict(self.shop.customers.select("customer_id", "channel").iter_rows())
        return [
            {
                "customer_id": customer_id,
                **{table: of.get(customer_id, []) for table, of in rows.items()},
                "attributes": {"channel": channels[customer_id]},
            }
            for customer_id in rows["orders"]
        ]

    def request(self, customers: int, start: int = 0) -> bytes:
        """Real customers to be scored."""
        return _body(self.customers[start : start + customers])

    def largest_request(self) -> bytes:
        """The largest body that the service reads: customers with more and more orders."""
        sent, orders = _own_copies(self.customers[:MOST_CUSTOMERS]), 0
        size, rows = len(_body(sent)), sum(len(c[t]) for c in sent for t in TABLES)
        while True:
            one = sent[orders % len(sent)]
            more = {**one["orders"][0], "order_id": f"more-{orders}"}
            size += len(json.dumps(more)) + 2
            if size > MOST_BYTES or rows + orders >= MOST_ROWS:
                return _body(sent)
            one["orders"].append(more)
            orders += 1

    def ready(self, rows: int) -> bytes:
        """Ready rows of the feature table, as MLflow's server takes them."""
        content = self.table.head(rows).to_json(orient="split", index=False)
        return json.dumps({"dataframe_split": json.loads(content)}).encode()

    def larger_scores(self, customers: int, days_later: int = 0) -> Path:
        """The scores again and again under other ids, until there are so many."""
        later = pl.col("as_of") + pl.duration(days=days_later)
        rows = pl.read_parquet(self.scores).with_columns(as_of=later)
        copies = [
            rows.with_columns(pl.format("{}-{}", "customer_id", pl.lit(copy)).alias("customer_id"))
            for copy in range(-(-customers // rows.height))
        ]
        path = self.scores.with_name(f"scores_{customers}_{days_later}.parquet")
        pl.concat(copies).head(customers).write_parquet(path)
        return path

    def served(
        self,
        scores: Path | None = None,
        reload_seconds: float = 30.0,
        store: str | None = None,
    ) -> AbstractContextManager[Server]:
        """The service over the scores or a store, as a process of its own."""
        port = free_port()
        source = ["--scores", str(scores or self.scores)] if store is None else ["--store", store]
        command = [sys.executable, "-m", "holdfast", "serve", *source]
        settings = {
            "MLFLOW_TRACKING_URI": self.tracker.uri,
            "HOLDFAST_RELOAD_SECONDS": str(reload_seconds),
            "HOLDFAST_CLOCK_START": AS_OF,
            # One client asks as fast as it is answered.
            "HOLDFAST_REQUESTS_PER_MINUTE": "1000000",
        }
        log = self.scores.with_name(f"serve_{port}.log")
        # A store may be empty yet.
        path = "/readyz" if store is None else "/healthz"
        return running([*command, "--port", str(port)], port, path, settings, log)

    def served_by_mlflow(self) -> AbstractContextManager[Server]:
        """MLflow's own server of the same churn model."""
        model, port = f"models:/{CHURN}/{self.pairs[0][CHURN]}", free_port()
        command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", model]
        command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
        # It starts uvicorn by its name.
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        settings = {"MLFLOW_TRACKING_URI": self.tracker.uri, "PATH": programs}
        log = self.scores.with_name(f"mlflow_{port}.log")
        return running(command, port, "/ping", settings, log)


def trained_shop(place: Path, customers: int) -> TrainedShop:
    """Simulate a shop like the demo's, train twice, and score with the first pair."""
    shop = simulate(customers, DAYS, SEED)
    shop.write(place / "shop")
    history, tracker = History.open(place / "shop"), Tracker(f"sqlite:///{place}/mlflow.db")
    pairs = []
    for config in (CONFIG, SECOND):
        made = train(history, AS_OF, config, tracker)
        pairs.append({CHURN: made.churn.version, CLV: made.clv.version})
    tracker.release(pairs[0])
    scorer, past = load_scorer(tracker), history.upto(AS_OF)
    table, scores = scorer.table(past), place / "scores.parquet"
    scorer.score_past(past, table, reasons_for=len(table)).to_parquet(scores)
    return TrainedShop(shop, tracker, tuple(pairs), scores, table)


def stored_ids(scores: Path, customers: int) -> Sequence[str]:
    """Ids of customers from all over a file of scores."""
    ids = pl.scan_parquet(scores).select("customer_id").collect().to_series()
    return ids.gather_every(max(len(ids) // customers, 1)).head(customers).to_list()


def _body(customers: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps({"as_of": AS_OF, "customers": customers}).encode()


def _own_copies(customers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**customer, "orders": list(customer["orders"])} for customer in customers]


def _by_customer(table: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The rows of a source's table by customer, with times as text."""
    times = pl.selectors.datetime().dt.to_string("iso:strict")
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.with_columns(times).iter_rows(named=True):
        rows.setdefault(row.pop("customer_id"), []).append(row)
    return rows
