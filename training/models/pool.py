"""MBG/NBD, boosted trees at its level, and the pool of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from training.btyd.population import PopulationModel
from training.evaluation import FloatArray
from training.models.carry_over import CarryOver
from training.models.learning import ChurnLearning
from training.models.trees import ChurnTrees

# Where a snapshot sees so many of the rarer outcome, trees and MBG/NBD weigh the same
# (`python -m benchmarks.small_shops` shows both by the size of the shop).
EVEN_EVENTS = 150.0
# Risks stay between one in a million and all but that.
LOGIT_LIMIT = 13.8


@dataclass(frozen=True)
class MBGNBDChurn:
    """MBG/NBD at the pace of the season, and nothing else.

    Attributes
    ----------
    carry : CarryOver
    """

    name: ClassVar[str] = "btyd"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = "btyd"
    carry: CarryOver

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        """Take it as it was fitted at the origin."""
        return cls(CarryOver.of(given.origin, given.horizon_days))

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of no purchase within the horizon, shape (customers,)."""
        return self.carry.logit(X)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Shapley values of its three inputs; shape (customers, 3)."""
        return self.carry.contributions(X)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        return f"MBG/NBD, {self.carry.pace()}"

    def save(self, folder: Path) -> dict[str, Any]:
        """JSON-ready content."""
        return {"carry": self.carry.as_dict()}

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `save` gave."""
        return cls(CarryOver.from_dict(content["carry"], btyd))


@dataclass(frozen=True)
class TreesChurn:
    """Gradient-boosted trees on every feature, levelled by MBG/NBD.

    Where there is only one outcome to learn from there are no trees, and it is MBG/NBD alone.

    Attributes
    ----------
    carry : CarryOver
    trees : tuple of ChurnTrees
        One for each window learnt over.
    btyd_weight : float
        Share of MBG/NBD.
    shift : float
        On the logit scale: what brings the mean risk to that of MBG/NBD.
    """

    name: ClassVar[str] = "trees"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = "pool"
    carry: CarryOver
    trees: tuple[ChurnTrees, ...]
    btyd_weight: float
    shift: float

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        """Weigh the trees against MBG/NBD, and take the level from MBG/NBD."""
        trees, origin, horizon = given.trees, given.origin, given.horizon_days
        if not trees:
            return cls(CarryOver.of(origin, horizon), (), 1.0, 0.0)
        weight = cls.weigh_btyd(trees)
        windows = [grown.window_days for grown in trees]
        carry = CarryOver.of(origin, horizon, windows, 1.0 - weight)
        unlevelled = cls(carry, trees, weight, 0.0)
        expected = float(expit(origin.btyd.logit_no_order(origin.X, horizon)).mean())
        score = np.clip(unlevelled.logit(origin.X), -LOGIT_LIMIT, LOGIT_LIMIT)
        return cls(carry, trees, weight, shift_to(score, expected))

    @classmethod
    def weigh_btyd(cls, trees: Sequence[ChurnTrees]) -> float:
        """The share of MBG/NBD beside some trees."""
        return 0.0

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of no order within the horizon, shape (customers,)."""
        score = self.carry.logit(X) + self.shift
        for trees in self.trees:
            score = score + self.carry.share * trees.raw(X)
        return score

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Exact tree SHAP, and Shapley values of MBG/NBD; shape (customers, features)."""
        parts = [self.carry.contributions(X)]
        parts += [trees.contributions(X) * self.carry.share for trees in self.trees]
        columns = sorted({str(column) for part in parts for column in part})
        place = {column: number for number, column in enumerate(columns)}
        total = np.zeros((len(X), len(columns)))
        for part in parts:
            total[:, [place[str(column)] for column in part]] += part.to_numpy()
        return pd.DataFrame(total, X.index, columns)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        if not self.trees:
            return f"MBG/NBD, {self.carry.pace()}"
        learnt = f"trees on outcomes over {self.carry.over()} days ({1 - self.btyd_weight:.0%})"
        return (
            f"{learnt}{self.carry.basis()} and MBG/NBD ({self.btyd_weight:.0%}), "
            f"{self.carry.pace()}"
        )

    def save(self, folder: Path) -> dict[str, Any]:
        """JSON-ready content; the trees go into files."""
        return {
            "carry": self.carry.as_dict(),
            "trees": [trees.save(folder) for trees in self.trees],
            "btyd_weight": self.btyd_weight,
            "shift": self.shift,
        }

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `save` gave."""
        return cls(
            carry=CarryOver.from_dict(content["carry"], btyd),
            trees=tuple(ChurnTrees.load(folder, found) for found in content["trees"]),
            btyd_weight=content["btyd_weight"],
            shift=content["shift"],
        )


class PoolChurn(TreesChurn):
    """The mean of trees and MBG/NBD on the logit scale.

    The trees weigh more the more was there to learn from.
    """

    name: ClassVar[str] = "pool"
    is_preferred: ClassVar[bool] = True

    @classmethod
    def weigh_btyd(cls, trees: Sequence[ChurnTrees]) -> float:
        """Half where the snapshots of the longest list saw 150 of the rarer outcome."""
        events = max(grown.events for grown in trees)
        return float(1.0 / (1.0 + np.sqrt(events / EVEN_EVENTS)))


def shift_to(score: FloatArray, mean: float) -> float:
    """What to add to logits, so that the mean probability is `mean`.

    Examples
    --------
    >>> round(shift_to(np.zeros(3), 0.75), 3)
    1.099
    """
    limit = 2 * LOGIT_LIMIT
    return float(brentq(lambda shift: float(expit(score + shift).mean()) - mean, -limit, limit))
