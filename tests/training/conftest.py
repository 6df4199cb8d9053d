"""A small simulated shop, the models fitted on it, and a tracking store in which it was trained."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.history.history import History
from features.intake.mapping import Mapping
from simulation import SimulatedShop, simulate
from training.config import TrainingConfig
from training.panel.snapshot import TrainingSet
from training.pipeline import Training, train
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles, RegisteredVersion
from training.scoring.model_scorers import ModelScorer
from training.scoring.probe import example
from training.scoring.scorer import Scorer
from training.selection.fit import FittedModel, fit
from training.selection.judge import judge

AS_OF = "2025-10-01"
CONFIG = TrainingConfig(horizon_days=90, clv_horizon_days=90, snapshots=3, origins=2)
MAPPING = Mapping.from_dict({"currency": "EUR", "customers": {"static": ["channel"]}})


@dataclass(frozen=True)
class Shop:
    """The simulated shop, as it stands at its end, and as it was known at `as_of`."""

    simulated: SimulatedShop
    history: History
    past: History
    as_of: str
    config: TrainingConfig

    def like(self, **tables: pl.DataFrame) -> History:
        """The history with other tables in place of some."""
        names = ("orders", "feedback", "offers", "customers")
        own = {name: getattr(self.simulated, name) for name in names}
        return History(**{**own, **tables}, mapping=MAPPING)


@dataclass(frozen=True)
class TrainedShop:
    """A tracking store in which `shop` was trained once, and how long that took."""

    shop: Shop
    tracker: Tracker
    training: Training
    seconds: float


@pytest.fixture(scope="session")
def shop() -> Shop:
    simulated = simulate(customers=700, days=800, seed=1)
    tables = (simulated.orders, simulated.feedback, simulated.offers, simulated.customers)
    history = History(*tables, mapping=MAPPING)
    return Shop(simulated, history, history.upto(AS_OF).coded(), AS_OF, CONFIG)


@pytest.fixture(scope="session")
def fitted(shop) -> tuple[FittedModel, FittedModel]:
    return fit(shop.past, judge(shop.past, shop.config), shop.config)


@pytest.fixture(scope="session")
def training_set_of_all(fitted) -> Callable[[int], TrainingSet]:
    """So many of the latest snapshots of churn, in which all count once, the treated too."""

    def build(snapshots: int) -> TrainingSet:
        training_set = fitted[0].panel.training_set(snapshots)
        counted = (replace(s, weight=np.ones(len(s))) for s in training_set.snapshots)
        return replace(training_set, snapshots=tuple(counted))

    return build


@pytest.fixture(scope="session")
def scorer(fitted) -> Scorer:
    return Scorer(fitted[0].scorer, fitted[1].scorer, 1, 1)


@pytest.fixture(scope="session")
def trained(shop, tmp_path_factory) -> TrainedShop:
    tracker = Tracker(f"sqlite:///{tmp_path_factory.mktemp('trained')}/mlruns/mlflow.db")
    started = time.time()
    training = train(shop.history, shop.as_of, shop.config, tracker)
    return TrainedShop(shop, tracker, training, time.time() - started)


@pytest.fixture(scope="session")
def register() -> Callable[..., RegisteredVersion]:
    """Register a model by hand, under its own name or another, and make it the champion."""

    def build(tracker: Tracker, scorer: ModelScorer, name: str = "") -> RegisteredVersion:
        rows = example(scorer.model.columns_, scorer.definition.table_horizon_days)
        tags = {"lineage": scorer.definition.lineage, "candidate": scorer.model.candidate}
        with TemporaryDirectory() as place, tracker.start_run("by hand", {}) as run:
            scorer.save(Path(place) / "model")
            files = ModelFiles(Path(place) / "model", rows, scorer.predict_frame(rows), tags)
            version = tracker.register(run, name or scorer.task.name, files)
        return tracker.promote(version.name, version.version)

    return build


@pytest.fixture(scope="session")
def history_of() -> Callable[..., History]:
    """A history from rows of (customer_id, ordered_at, amount[, recorded_at])."""

    def build(*rows: tuple[Any, ...], **settings: Any) -> History:
        full = [(f"o{number}", *row, *[None] * (4 - len(row))) for number, row in enumerate(rows)]
        columns = ["order_id", "customer_id", "ordered_at", "amount", "recorded_at"]
        types = dict(zip(columns, [pl.String, pl.String, pl.String, pl.Float64, pl.String],
                         strict=True))  # fmt: skip
        return History(pl.DataFrame(full, schema=types, orient="row"), mapping=Mapping(**settings))

    return build
