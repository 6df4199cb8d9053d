"""What the scripts of uplift libraries share: read the splits, fit each half, score the other.

Runs in the environments of the libraries, so it uses NumPy, pandas 2.0 or later and nothing else.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

SMALL = {
    "n_estimators": 200,
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_child_samples": 100,
    "reg_lambda": 20.0,
    "subsample": 0.7,
    "subsample_freq": 1,
}
TREES: dict[str, dict[str, Any]] = {"default": {}, "small": SMALL}


@dataclass(frozen=True)
class Half:
    """Customers to learn from and customers to score.

    Attributes
    ----------
    X, X_other : pandas.DataFrame
        Numbers only.
    outcome, treated : numpy.ndarray of int
        Of the customers to learn from.
    trees : mapping
        Settings of LightGBM.
    """

    X: pd.DataFrame
    outcome: np.ndarray
    treated: np.ndarray
    X_other: pd.DataFrame
    trees: dict[str, Any]

    def classifier(self) -> lgb.LGBMClassifier:
        """A fresh classifier."""
        return lgb.LGBMClassifier(random_state=0, n_jobs=1, verbosity=-1, **self.trees)

    def regressor(self) -> lgb.LGBMRegressor:
        """A fresh regressor."""
        return lgb.LGBMRegressor(random_state=0, n_jobs=1, verbosity=-1, **self.trees)


def run(models: dict[str, Callable[[Half], np.ndarray]]) -> None:
    """Fit one model on every split and write scores of the other half, a column per split."""
    parser = argparse.ArgumentParser()
    for name in ("model", "trees", "data", "output"):
        parser.add_argument(name)
    given = parser.parse_args()
    table = pd.read_parquet(given.data)
    splits = [name for name in table.columns if name.startswith("split_")]
    X = pd.get_dummies(table.drop(columns=["outcome", "treated", *splits])).astype(float)
    X.columns = [f"x{place}" for place in range(X.shape[1])]
    scores = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for split in splits:
            rows = table[split].to_numpy()
            own = table[rows]
            half = Half(
                X[rows].reset_index(drop=True),
                own["outcome"].to_numpy(),
                own["treated"].to_numpy(),
                X[~rows].reset_index(drop=True),
                TREES[given.trees],
            )
            found = np.full(len(table), np.nan)
            found[~rows] = np.asarray(models[given.model](half)).ravel()
            scores[split] = found
    pd.DataFrame(scores).to_parquet(Path(given.output))
