"""The rows of snapshots that a model is fitted on, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from training.errors import TrainingError
from training.evaluation import FloatArray


@dataclass(frozen=True)
class Rows:
    """Rows of one or more snapshots, with what happened next.

    Attributes
    ----------
    X : pandas.DataFrame, shape (rows, features)
    y : numpy.ndarray, shape (rows,)
    days : numpy.ndarray, shape (rows,)
        The instant of each row's snapshot.
    """

    X: pd.DataFrame
    y: FloatArray
    days: FloatArray

    @classmethod
    def of(cls, X: pd.DataFrame, y: ArrayLike, days: ArrayLike | None = None) -> Self:
        """Check what a model is given; without `days` it is one snapshot.

        Raises
        ------
        TrainingError
            If there are no rows, their numbers differ, or an outcome is no finite number.
        """
        if not isinstance(X, pd.DataFrame):
            raise TrainingError(
                f"X must be a pandas frame from feature_table; got {type(X).__name__}."
            )
        outcome = _column("y", y, len(X))
        return cls(X, outcome, np.zeros(len(X)) if days is None else _column("days", days, len(X)))

    def latest(self, snapshots: int) -> NDArray[np.bool_]:
        """Which rows belong to so many of the latest snapshots, shape (rows,)."""
        return np.isin(self.days, np.unique(self.days)[-snapshots:])


def _column(name: str, values: ArrayLike, rows: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (rows,) or not rows:
        raise TrainingError(
            f"{name} must have one value for each row of X, at least one; got shape "
            f"{array.shape} for {rows} rows."
        )
    if not np.isfinite(array).all():
        raise TrainingError(f"{name} must be finite; got {array[~np.isfinite(array)][0]}.")
    return array
