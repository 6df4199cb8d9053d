"""Boosted trees of one regression, or a constant where there is nothing to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import lightgbm as lgb
import numpy as np

from training.boosting import Boosting
from training.evaluation import FloatArray


@dataclass(frozen=True)
class Recipe:
    """How to grow trees.

    Attributes
    ----------
    leaves : int
    rounds : int
    categorical : tuple of int
        Places of columns whose values are codes.
    binary : bool
        Whether what is learnt is a probability.
    learning_rate : float
    least_share : float
        Share of the rows that a leaf holds at least, where more than Boosting asks for.
    seed : int
    """

    leaves: int
    rounds: int
    categorical: tuple[int, ...] = ()
    binary: bool = False
    learning_rate: float = 0.03
    least_share: float = 0.0
    seed: int = 0

    def parameters(self, rows: int) -> dict[str, Any]:
        """LightGBM's parameters: those of `training.boosting`, with these leaves."""
        parameters = Boosting(seed=self.seed).parameters(rows)
        return parameters | {
            "objective": "binary" if self.binary else "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": max(parameters["min_data_in_leaf"], round(self.least_share * rows)),
        }


@dataclass(frozen=True)
class Grown:
    """Trees, or a constant if there are none.

    Attributes
    ----------
    booster : lightgbm.Booster or None
    constant : float
    """

    booster: lgb.Booster | None
    constant: float = 0.0

    @classmethod
    def on(cls, X: FloatArray, y: FloatArray, recipe: Recipe) -> Self:
        """Grow trees; the mean, or nothing of no rows, where all targets are equal."""
        if len(y) < 2 or y.min() == y.max() or recipe.rounds == 0:
            return cls(None, float(y.mean()) if len(y) else 0.0)
        parameters = recipe.parameters(len(y))
        data = lgb.Dataset(
            X, label=y, params=parameters, categorical_feature=list(recipe.categorical)
        )
        return cls(lgb.train(parameters, data, num_boost_round=recipe.rounds))

    def predict(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected value of each row, by the first rounds or all of them; shape (rows,)."""
        if self.booster is None or not len(X):
            return np.full(len(X), self.constant)
        return np.asarray(self.booster.predict(X, num_iteration=rounds or -1), dtype=np.float64)

    def text(self, rounds: int | None = None) -> str:
        """LightGBM's text of the first rounds, or the constant."""
        if self.booster is None:
            return f"constant {self.constant!r}\n"
        return str(self.booster.model_to_string(num_iteration=rounds or -1))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `text` gave."""
        if text.startswith("constant "):
            return cls(None, float(text.removeprefix("constant ")))
        return cls(lgb.Booster(model_str=text))
