"""How trees are boosted here: small ones, much regularisation, nothing drawn twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from training.config import TrainingConfig

# Where the target scatters many times as much as what is to be learnt of it, a leaf holds a
# twentieth of the rows.
SCARCE_LEAST_SHARE = 0.05
# Drawing neither rows nor features, boosting follows the strongest feature first, like a lasso
# (Buehlmann & Yu, Journal of the American Statistical Association 98, 2003): few rounds are sparse.
UNDRAWN = {"bagging_fraction": 1.0, "bagging_freq": 0, "feature_fraction": 1.0, "lambda_l2": 200.0}


@dataclass(frozen=True)
class Boosting:
    """Settings of boosted trees.

    Three leaves, up to a hundred rows in each and a heavy ridge: with the settings of the tutorials
    trees lose to a two-parameter rule on sparse order logs (`python -m benchmarks.leaderboard`).

    Attributes
    ----------
    rounds : int
    leaves : int
    learning_rate : float
    objective : str
        `binary` for a probability, `regression` for a mean, `multiclass` for one of `classes`.
    classes : int
        Of `multiclass`.
    categorical : tuple of int
        Places of columns whose values are codes.
    scarce : bool
        Whether the target scatters many times as much as what is to be learnt of it, as scores of
        effects do: a leaf then holds a twentieth of the rows, and nothing is drawn.
    seed : int
    rows : int, optional
        Number that the least size of a leaf goes by; default: the rows that are learnt from.
    ridge : float
        On the values of leaves.
    leaf_rows : int, optional
        Least size of a leaf; default: a two-hundredth of the rows, within 20 and 100.
    """

    rounds: int = 400
    leaves: int = 3
    learning_rate: float = 0.03
    objective: Literal["binary", "regression", "multiclass"] = "binary"
    classes: int = 1
    categorical: tuple[int, ...] = ()
    scarce: bool = False
    seed: int = 0
    rows: int | None = None
    ridge: float = 20.0
    leaf_rows: int | None = None

    @classmethod
    def of(cls, config: TrainingConfig) -> Self:
        """The settings of a training."""
        return cls(
            rounds=config.tree_rounds,
            leaves=config.tree_leaves,
            learning_rate=config.tree_learning_rate,
            ridge=config.tree_ridge,
            leaf_rows=config.tree_leaf_rows,
        )

    def parameters(self, rows: int) -> dict[str, Any]:
        """LightGBM's parameters for a number of rows."""
        rows = self.rows or rows
        parameters = {
            "objective": self.objective,
            "num_class": self.classes,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.leaf_rows or int(np.clip(rows / 200, 20, 100)),
            # Of a single row 0.7 would be none.
            "bagging_fraction": max(0.7, 1.0 / rows),
            "bagging_freq": 1,
            "feature_fraction": 0.5,
            "lambda_l2": self.ridge,
            "max_bin": 63,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            # Folds run side by side instead; LightGBM's own threads stall on a busy machine.
            "num_threads": 1,
            "verbosity": -1,
        }
        if not self.scarce:
            return parameters
        least = max(parameters["min_data_in_leaf"], round(SCARCE_LEAST_SHARE * rows))
        return parameters | UNDRAWN | {"min_data_in_leaf": least}


def usable_columns(X: pd.DataFrame) -> list[str]:
    """Columns that vary; the others cannot part anybody from anybody. One if none does."""
    low, high = X.min(), X.max()
    has_unknown = X.isna().any() & X.notna().any()
    usable = X.columns[(low < high) | has_unknown]
    return list(usable if len(usable) else X.columns[:1])
