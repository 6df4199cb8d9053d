"""What models learn from and where they start: labelled snapshots, and customers to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from training.btyd.population import PopulationModel
from training.btyd.season import observed_pace
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.panel.contract import learnable, row_values, row_weights


@dataclass(frozen=True)
class Snapshot:
    """The feature table at one instant and what happened in the window after it.

    Attributes
    ----------
    as_of : float
        The instant, as `day`.
    X : pandas.DataFrame, shape (customers, features)
    churned, spend : numpy.ndarray, shape (customers,)
        Labels.
    btyd : PopulationModel
        What a buy-till-you-die model of these customers expected then.
    weight : numpy.ndarray, shape (customers,), optional
        How many customers each outcome stands for when it comes to what happens without an offer;
        0 of those who got one. Default: everybody for themselves.

    Raises
    ------
    TrainingError
        If there is not one weight of 0 or more for each row.
    """

    as_of: float
    X: pd.DataFrame
    churned: FloatArray
    spend: FloatArray
    btyd: PopulationModel
    weight: FloatArray = field(default_factory=lambda: np.ones(0))
    _paces: dict[float, tuple[float, float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not len(self.weight):
            object.__setattr__(self, "weight", np.ones(len(self.X)))
        if len(self.weight) != len(self.X) or not (self.weight >= 0).all():
            raise TrainingError(
                f"weight must be 0 or more for each of {len(self.X)} rows; got "
                f"{len(self.weight)} from {self.weight.min()} to {self.weight.max()}. Leave it out "
                "where nobody got an offer."
            )

    def __len__(self) -> int:
        return len(self.X)

    @cached_property
    def untreated(self) -> Snapshot:
        """Those whose outcome came without an offer; the very same snapshot if all did."""
        rows = self.weight > 0
        if rows.all():
            return self
        labels = {name: getattr(self, name)[rows] for name in ("churned", "spend", "weight")}
        return replace(self, X=self.X[rows], **labels)

    def pace(self, window_days: float) -> tuple[float, float]:
        """The observed pace of a window and the variance of its error, worked out once."""
        if self.untreated is not self:
            return self.untreated.pace(window_days)
        if window_days not in self._paces:
            self._paces[window_days] = observed_pace(
                self.btyd, self.X, self.churned, window_days, self.weight
            )
        return self._paces[window_days]


@dataclass(frozen=True)
class TrainingSet:
    """Snapshots labelled over windows of one length, oldest first.

    What is learnt is what happens without an offer: `frame` and the labels are of the untreated.
    """

    snapshots: tuple[Snapshot, ...]
    window_days: float

    @classmethod
    def of(
        cls,
        X: pd.DataFrame,
        churned: ArrayLike,
        spend: ArrayLike | None = None,
        days: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Self:
        """Part the rows of a feature table by their instants; without `days` they have one.

        A row counts as often as its `weight` says, in what was bought before and after: with 0 it
        is as if it were not there.

        Raises
        ------
        TrainingError
            If the table cannot be learnt from, there are no rows, their numbers differ, an outcome
            is no finite number, or `churned` is neither 0 nor 1.
        """
        X = learnable(X)
        lost = row_values("churned", churned, len(X))
        if not np.isin(lost, (0.0, 1.0)).all():
            raise TrainingError(f"churned must be 0 or 1; got {lost[~np.isin(lost, (0, 1))][0]}.")
        spent = np.zeros(len(X)) if spend is None else row_values("spend", spend, len(X))
        instants = np.zeros(len(X)) if days is None else row_values("days", days, len(X))
        counted = row_weights(weight, len(X))
        snapshots = []
        for day in np.unique(instants[counted > 0]):
            rows = (instants == day) & (counted > 0)
            part, w = X[rows], counted[rows]
            btyd = PopulationModel.of(part, w)
            snapshots.append(Snapshot(day, part, lost[rows], spent[rows], btyd, w))
        return cls(tuple(snapshots), float(X["horizon_days"].iloc[0]))

    @property
    def untreated(self) -> tuple[Snapshot, ...]:
        """The snapshots without those who got an offer in their window."""
        return tuple(s.untreated for s in self.snapshots)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows of all snapshots, shape (rows, features)."""
        return pd.concat([s.X for s in self.untreated])

    @property
    def churned(self) -> FloatArray:
        """Shape (rows,)."""
        return np.concatenate([s.churned for s in self.untreated])

    @property
    def spend(self) -> FloatArray:
        """Shape (rows,)."""
        return np.concatenate([s.spend for s in self.untreated])

    @property
    def weight(self) -> FloatArray:
        """How many customers each row stands for, shape (rows,)."""
        return np.concatenate([s.weight for s in self.untreated])

    @property
    def churn_rate(self) -> float:
        """Share of customers who churn without an offer."""
        return float(np.average(self.churned, weights=self.weight))


@dataclass(frozen=True)
class ForecastOrigin:
    """The customers at the instant to forecast from, and MBG/NBD then with its pace."""

    as_of: float
    X: pd.DataFrame
    btyd: PopulationModel


def latest(snapshots: Sequence[Snapshot]) -> ForecastOrigin:
    """Start where the latest of some snapshots was taken."""
    return ForecastOrigin(snapshots[-1].as_of, snapshots[-1].X, snapshots[-1].btyd)
