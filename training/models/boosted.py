"""Boosted trees of one regression, or a constant where there is nothing to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import lightgbm as lgb
import numpy as np

from training.evaluation import FloatArray
from training.models.boosting import Boosting

# Drawing neither rows nor features, boosting follows the strongest feature first, like a lasso
# (Buehlmann & Yu, Journal of the American Statistical Association 98, 2003): few rounds are sparse.
SCARCE_LEAST_SHARE = 0.05
UNDRAWN = {"bagging_fraction": 1.0, "bagging_freq": 0, "feature_fraction": 1.0, "lambda_l2": 200.0}


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
    scarce : bool
        Whether the target scatters many times as much as what is to be learnt of it, as scores of
        effects do: a leaf then holds a twentieth of the rows, and nothing is drawn.
    seed : int
    """

    leaves: int
    rounds: int
    categorical: tuple[int, ...] = ()
    binary: bool = False
    learning_rate: float = 0.03
    scarce: bool = False
    seed: int = 0

    def parameters(self, rows: int) -> dict[str, Any]:
        """LightGBM's parameters: those of `training.models.boosting`, with these leaves."""
        parameters = Boosting(seed=self.seed).parameters(rows) | {
            "objective": "binary" if self.binary else "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
        }
        if not self.scarce:
            return parameters
        least = max(parameters["min_data_in_leaf"], round(SCARCE_LEAST_SHARE * rows))
        return parameters | UNDRAWN | {"min_data_in_leaf": least}


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
    def on(
        cls, X: FloatArray, y: FloatArray, recipe: Recipe, weight: FloatArray | None = None
    ) -> Self:
        """Grow trees; the mean, or nothing of no rows, where all targets are equal."""
        if len(y) < 2 or y.min() == y.max() or recipe.rounds == 0:
            return cls(None, float(y.mean()) if len(y) else 0.0)
        parameters = recipe.parameters(len(y))
        data = lgb.Dataset(
            X,
            label=y,
            weight=weight,
            params=parameters,
            categorical_feature=list(recipe.categorical),
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
