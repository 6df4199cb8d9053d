"""The candidates of both forecasts: another one is a class that can what they can, and a line here.

All are run side by side in every backtest, in this order.
"""

from __future__ import annotations

from typing import TypeVar

from training.errors import TrainingError
from training.models.baselines import BaseRate, PastRateRule, RecencyRule
from training.models.learning import ChurnCandidate, SpendCandidate
from training.models.pool import MBGNBDChurn, PoolChurn, TreesChurn
from training.models.spend import AverageSpend, BtydSpend, PastRateSpend, RegressionSpend

Candidate = TypeVar("Candidate")

CHURN: dict[str, type[ChurnCandidate]] = {
    candidate.name: candidate
    for candidate in (BaseRate, RecencyRule, PastRateRule, MBGNBDChurn, TreesChurn, PoolChurn)
}
SPEND: dict[str, type[SpendCandidate]] = {
    candidate.name: candidate
    for candidate in (AverageSpend, PastRateSpend, BtydSpend, RegressionSpend)
}


def candidate_of(candidates: dict[str, type[Candidate]], name: str) -> type[Candidate]:
    """The candidate of a name.

    Raises
    ------
    TrainingError
        If there is none.
    """
    if name not in candidates:
        raise TrainingError(f"candidate must be one of {tuple(candidates)}; got {name!r}.")
    return candidates[name]
