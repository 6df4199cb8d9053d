"""The one gradient-boosting recipe: small trees, much regularisation, nothing drawn twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from training.evaluation import FloatArray


@dataclass(frozen=True)
class Boosting:
    """Settings of boosted trees for a probability.

    Three leaves, up to a hundred rows in each and a heavy ridge: with the settings of the tutorials
    trees lose to a two-parameter rule on sparse order logs.

    Attributes
    ----------
    rounds : int
    seed : int
    """

    rounds: int = 400
    seed: int = 0

    def parameters(self, rows: int) -> dict[str, Any]:
        """LightGBM's parameters for a number of rows."""
        return {
            "objective": "binary",
            "learning_rate": 0.03,
            "num_leaves": 3,
            "min_data_in_leaf": int(np.clip(rows / 200, 20, 100)),
            # Of a single row 0.7 would be none.
            "bagging_fraction": max(0.7, 1.0 / rows),
            "bagging_freq": 1,
            "feature_fraction": 0.5,
            "lambda_l2": 20.0,
            "max_bin": 63,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            # Folds run side by side instead; LightGBM's own threads stall on a busy machine.
            "num_threads": 1,
            "verbosity": -1,
        }

    def fit(
        self,
        X: pd.DataFrame,
        y: FloatArray,
        offset: FloatArray | None = None,
        weight: FloatArray | None = None,
    ) -> lgb.Booster:
        """Fit trees on top of an offset on the link scale; all of shape (rows,)."""
        parameters = self.parameters(len(X))
        # Without names: LightGBM refuses some that a shop may give to a customer column.
        data = lgb.Dataset(
            X.to_numpy(), label=y, weight=weight, init_score=offset, params=parameters
        )
        return lgb.train(parameters, data, num_boost_round=self.rounds)


def usable_columns(X: pd.DataFrame) -> list[str]:
    """Columns that vary; the others cannot part anybody from anybody. One if none does."""
    low, high = X.min(), X.max()
    has_unknown = X.isna().any() & X.notna().any()
    usable = X.columns[(low < high) | has_unknown]
    return list(usable if len(usable) else X.columns[:1])


def raw(booster: lgb.Booster, X: pd.DataFrame) -> FloatArray:
    """What the trees add on the link scale, shape (rows,)."""
    return np.asarray(booster.predict(X.to_numpy(), raw_score=True), dtype=np.float64)


def contributions(booster: lgb.Booster, X: pd.DataFrame) -> pd.DataFrame:
    """Exact tree SHAP contributions on the link scale, without the constant.

    Returns
    -------
    pandas.DataFrame, shape (rows, features)
    """
    values = np.zeros((0, X.shape[1] + 1))
    if len(X):  # LightGBM divides by the number of rows here.
        values = np.asarray(booster.predict(X.to_numpy(), pred_contrib=True))
    return pd.DataFrame(values[:, :-1], index=X.index, columns=X.columns)


def save(booster: lgb.Booster, path: Path) -> None:
    """Write the trees as LightGBM text."""
    path.write_text(booster.model_to_string(), encoding="utf-8")


def load(path: Path) -> lgb.Booster:
    """Read the trees."""
    return lgb.Booster(model_str=path.read_text(encoding="utf-8"))
