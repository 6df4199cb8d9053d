"""The candidates of both forecasts: another one is a class that can what they can, and a line here.

All are run side by side in every backtest, in this order.
"""

from __future__ import annotations

from collections.abc import Collection

from training.errors import TrainingError
from training.models.baselines import BaseRate, PastRateRule, RecencyRule
from training.models.learning import ChurnCandidate, SpendCandidate
from training.models.own.references import is_own, own_churn, own_spend
from training.models.pool import MBGNBDChurn, PoolChurn, TreesChurn
from training.models.spend import AverageSpend, BtydSpend, PastRateSpend, RegressionSpend

CHURN: dict[str, type[ChurnCandidate]] = {
    candidate.name: candidate
    for candidate in (BaseRate, RecencyRule, PastRateRule, MBGNBDChurn, TreesChurn, PoolChurn)
}
SPEND: dict[str, type[SpendCandidate]] = {
    candidate.name: candidate
    for candidate in (AverageSpend, PastRateSpend, BtydSpend, RegressionSpend)
}


def churn_candidate(name: str, code: str | None = None) -> type[ChurnCandidate]:
    """The candidate of a name, which may be of the shop's own.

    Parameters
    ----------
    name : str
        A key of `CHURN`, or `module:name`.
    code : str, optional
        Digest of the module when the model was trained; default: as it is now.

    Raises
    ------
    TrainingError
        If there is none.
    ExtensionError
        If one of the shop's own is not there or has changed.
    """
    if is_own(name):
        return own_churn(name, code)
    return CHURN[_known(CHURN, name)]


def spend_candidate(name: str, code: str | None = None) -> type[SpendCandidate]:
    """The same of `SPEND`."""
    if is_own(name):
        return own_spend(name, code)
    return SPEND[_known(SPEND, name)]


def _known(candidates: Collection[str], name: str) -> str:
    if name not in candidates:
        raise TrainingError(
            f"candidate must be one of {tuple(candidates)}, or module:name of one of your own; got "
            f"{name!r}."
        )
    return name
