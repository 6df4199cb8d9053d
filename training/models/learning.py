"""What candidates learn from, and what they must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from training.btyd.population import PopulationModel, capped
from training.btyd.season import youth
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models.boosting import Boosting
from training.models.trees import ChurnTrees
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet


@dataclass(frozen=True)
class ChurnLearning:
    """What a forecast of churn is learnt from.

    Attributes
    ----------
    training_sets : sequence of TrainingSet
        Of one or more windows, the longest first. What is learnt over another window than the
        horizon is carried over as the departure from MBG/NBD.
    origin : ForecastOrigin
    horizon_days : float
        The window that is forecast.
    seed : int
    boosting : Boosting
        How trees are grown.
    """

    training_sets: Sequence[TrainingSet]
    origin: ForecastOrigin
    horizon_days: float
    seed: int = 0
    boosting: Boosting = field(default_factory=Boosting)
    # A cached_property would have all folds wait for each other's trees: until Python 3.12 it has
    # one lock for all instances.
    _grown: list[tuple[ChurnTrees, ...]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def trees(self) -> tuple[ChurnTrees, ...]:
        """The trees of every training set with both outcomes; grown once for all candidates."""
        if not self._grown:
            settings = replace(self.boosting, seed=self.seed)
            grown = (ChurnTrees.grow(some, settings) for some in self.training_sets)
            self._grown.append(tuple(trees for trees in grown if trees is not None))
        return self._grown[0]


class ChurnCandidate(Protocol):
    """A way to forecast churn, fitted; `training.models.candidates` lists them.

    One of a shop's own is named in the settings of a training instead. Without `contributions`,
    `basis`, `save` and `load` it is judged, and never the model.

    Attributes
    ----------
    name : str
    is_rule : bool
        Whether it is a naive rule, which models are graded against.
    is_preferred : bool
        Whether it is the model unless another is clearly better out of time.
    needs : str or None
        The readiness without which it is not the model: `rule`, `btyd` or `pool`; None: nothing.
    """

    name: ClassVar[str]
    is_rule: ClassVar[bool]
    is_preferred: ClassVar[bool]
    needs: ClassVar[str | None]

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        """Learn from snapshots to forecast from an origin."""
        ...

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of the probability of no order within the horizon, shape (customers,)."""
        ...

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the logit, up to a constant; shape (customers, features)."""
        ...

    def basis(self) -> str:
        """What the risk rests on, in words."""
        ...

    def save(self, folder: Path) -> dict[str, Any]:
        """JSON-ready content; what is too large for it goes into files of the folder."""
        ...

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `save` gave; the model keeps the population model for its candidate."""
        ...


@dataclass(frozen=True)
class Buyers:
    """Those of a snapshot who ordered in its window, and what they spent.

    Attributes
    ----------
    as_of : float
    X : pandas.DataFrame, shape (buyers, features)
    btyd : PopulationModel
        At the pace that the window turned out to have.
    spend, weight : numpy.ndarray, shape (buyers,)
        Net spend, and how many customers each stands for.
    variance : float
        Of the logarithm of their total.
    """

    as_of: float
    X: pd.DataFrame
    btyd: PopulationModel
    spend: FloatArray
    weight: FloatArray
    variance: float

    @classmethod
    def of(cls, snapshot: Snapshot, window_days: float) -> Self:
        """Take them from a snapshot in which something was spent."""
        pace, _ = snapshot.pace(window_days)
        btyd, active = snapshot.btyd.at_pace(pace, window_days), snapshot.churned == 0
        spend, weight = snapshot.spend[active], snapshot.weight[active]
        counted = weight * spend
        variance = float((counted**2).sum() / counted.sum() ** 2) + youth(snapshot.X)
        return cls(snapshot.as_of, snapshot.X[active], btyd, spend, weight, variance)


@dataclass(frozen=True)
class SpendLearning:
    """What a forecast of spend, given an order, is learnt from.

    Attributes
    ----------
    training_set : TrainingSet
        Of the horizon, or of a shorter window where the history does not label the horizon.
    origin : ForecastOrigin
    horizon_days : float
        The window that is forecast.
    value : Value
        Margin and discount rate of the spend.
    buyers : tuple of Buyers
        Who ordered after each snapshot, those apart after which hardly anybody spent.
    """

    training_set: TrainingSet
    origin: ForecastOrigin
    horizon_days: float
    value: Value
    buyers: tuple[Buyers, ...]

    @classmethod
    def of(
        cls, training_set: TrainingSet, origin: ForecastOrigin, horizon_days: float, value: Value
    ) -> Self:
        """Find the buyers, once for all candidates.

        Raises
        ------
        TrainingError
            If somebody's spend is below 0.
        """
        if (training_set.spend < 0).any():
            raise TrainingError(
                f"spend must be 0 or more; got {training_set.spend.min()}. "
                "Clip each customer's total at 0."
            )
        spent = (s for s in training_set.untreated if s.spend.any())
        found = (Buyers.of(snapshot, training_set.window_days) for snapshot in spent)
        buyers = tuple(some for some in found if capped(some.spend).any())
        return cls(training_set, origin, horizon_days, value, buyers)

    @property
    def window_days(self) -> float:
        """The window that is learnt from."""
        return self.training_set.window_days

    @property
    def spend(self) -> FloatArray:
        """What all buyers spent, shape (buyers,)."""
        return np.concatenate([buyers.spend for buyers in self.buyers] or [np.zeros(0)])

    @property
    def weight(self) -> FloatArray:
        """How many customers each buyer stands for, shape (buyers,)."""
        return np.concatenate([buyers.weight for buyers in self.buyers] or [np.zeros(0)])


class SpendCandidate(Protocol):
    """A way to forecast spend given an order, fitted; `training.models.candidates` lists them.

    One of a shop's own is named in the settings of a training instead. Without `as_dict` and
    `from_dict` it is judged, and never the model.

    Attributes
    ----------
    name : str
    is_rule : bool
        Whether it is a naive rule, which models are graded against.
    is_preferred : bool
        Whether it is the model, or one of those of which the best is, unless another is clearly
        better out of time.
    needs : str or None
        The readiness without which it is not the model: `rule`, `btyd` or `pool`; None: nothing.
    """

    name: ClassVar[str]
    is_rule: ClassVar[bool]
    is_preferred: ClassVar[bool]
    needs: ClassVar[str | None]

    @classmethod
    def learn(cls, given: SpendLearning) -> tuple[Self, FloatArray]:
        """Learn; and say what is expected of the buyers learnt from, shape (buyers,)."""
        ...

    def if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,)."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        ...

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `as_dict` gave; the model keeps the population model for its candidate."""
        ...
