"""Purchase histories as (x, t_x, T): checked, and identical ones counted once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.errors import TrainingError
from training.evaluation import FloatArray


@dataclass(frozen=True)
class Histories:
    """Purchase histories with their weights.

    Attributes
    ----------
    frequency : numpy.ndarray, shape (rows,)
        Repeat purchases x.
    recency : numpy.ndarray, shape (rows,)
        Time t_x from the first purchase to the last.
    T : numpy.ndarray, shape (rows,)
        Time from the first purchase to the end of observation.
    weights : numpy.ndarray, shape (rows,)
        How many customers have each history.
    """

    frequency: FloatArray
    recency: FloatArray
    T: FloatArray
    weights: FloatArray

    @classmethod
    def of(
        cls,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> Self:
        """Check the histories of customers, shape (customers,) each.

        Raises
        ------
        TrainingError
            If lengths differ or a history cannot be.
        """
        x, t_x, age = (column(v, n) for v, n in zip((frequency, recency, T), NAMES, strict=True))
        w = np.ones(len(x)) if weights is None else column(weights, "weights")
        lengths = [len(x), len(t_x), len(age), len(w)]
        if len(set(lengths)) > 1:
            raise TrainingError(
                "frequency, recency, T and weights must have one value per customer; "
                f"got lengths {lengths}. Take them from one table."
            )
        refuse(x, (x < 0) | (x != np.floor(x)), "frequency must be a whole number of repeat "
               "purchases, 0 or more", "Count purchases after the first.")  # fmt: skip
        refuse(t_x, (t_x < 0) | (t_x > age), "recency must be between 0 and T",
               "Measure both from the first purchase.")  # fmt: skip
        refuse(t_x, (x == 0) & (t_x > 0), "recency must be 0 where frequency is 0",
               "It is the time from the first purchase to the last.")  # fmt: skip
        refuse(w, w < 0, "weights must be 0 or more", "Leave rows out by a weight of 0.")
        return cls(x, t_x, age, w)

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weights.sum())

    def collapsed(self) -> Self:
        """Each history once, in a fixed order, with the weights of all customers who have it.

        Examples
        --------
        >>> Histories.of([0, 2, 0], [0, 5, 0], [9, 9, 9]).collapsed().weights.tolist()
        [2.0, 1.0]
        """
        columns = (self.frequency, self.recency, self.T)
        key = np.zeros(len(self), dtype=np.int64)
        for values in columns:
            levels, code = np.unique(values, return_inverse=True)
            # Renumbering at every step keeps the key below rows squared, whatever the values.
            _, key = np.unique(key * len(levels) + code, return_inverse=True)
        weights = np.bincount(key, self.weights).astype(np.float64)
        first = np.empty(len(weights), dtype=np.intp)
        first[key[::-1]] = np.arange(len(self))[::-1]
        rows = first[weights > 0]
        return replace(
            self,
            frequency=self.frequency[rows],
            recency=self.recency[rows],
            T=self.T[rows],
            weights=weights[weights > 0],
        )

    def rescaled(self, unit: float) -> Self:
        """The same histories with time in another unit."""
        return replace(self, recency=self.recency / unit, T=self.T / unit)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some of the histories."""
        return replace(
            self,
            frequency=self.frequency[rows],
            recency=self.recency[rows],
            T=self.T[rows],
            weights=self.weights[rows],
        )


NAMES = ("frequency", "recency", "T")


def column(values: ArrayLike, name: str) -> FloatArray:
    """One column of finite numbers, shape (rows,)."""
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1:
        raise TrainingError(
            f"{name} must be one column; got shape {array.shape}. Pass one value per customer."
        )
    refuse(array, ~np.isfinite(array), f"{name} must be finite", "Leave out or repair such rows.")
    return array


def refuse(values: FloatArray, wrong: NDArray[np.bool_], rule: str, remedy: str) -> None:
    """Raise for the first wrong value."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TrainingError(f"{rule}; got {values[row]:g} in row {row}. {remedy}")
