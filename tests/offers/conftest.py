"""A small simulated shop and models fitted on it, as planning uses them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from features.history.history import History
from offers.planning.planning import Models
from simulation import SimulatedShop, simulate
from training.config import TrainingConfig
from training.scoring.scorer import Scorer
from training.selection.fit import fit
from training.selection.judge import judge

AS_OF = "2025-10-01"


@dataclass(frozen=True)
class Shop:
    """A shop, its history and the models of its past."""

    simulated: SimulatedShop
    history: History
    models: Models
    as_of: str


@pytest.fixture(scope="session")
def shop() -> Shop:
    made = simulate(customers=600, days=800, seed=1)
    history = History(made.orders, made.feedback, made.offers, made.customers)
    config = TrainingConfig(horizon_days=90, clv_horizon_days=90, snapshots=2, origins=1)
    past = history.upto(AS_OF).coded()
    churn, clv = fit(past, judge(past, config), config)
    scorer = Scorer(churn.scorer, clv.scorer, 1, 1)
    return Shop(made, history, Models(scorer), AS_OF)
