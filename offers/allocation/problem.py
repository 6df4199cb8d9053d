"""What an allocation is made from: profits, costs, and what there is to spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from offers.errors import OffersError
from training.evaluation import FloatArray

# In the place of an offer's column.
NONE = -1

Choice = NDArray[np.int64]


@dataclass(frozen=True)
class AllocationProblem:
    """What allocations are made from.

    Attributes
    ----------
    profit : numpy.ndarray, shape (customers, offers)
        Expected profit of every offer to every customer; NaN where it may not be made.
    cost : numpy.ndarray, shape (customers, offers)
        Expected cost, which the budget is spent on.
    budget : float
        May be infinite.
    capacity : numpy.ndarray, shape (offers,)
        How often each offer can be made; may be infinite.
    """

    profit: FloatArray
    cost: FloatArray
    budget: float
    capacity: FloatArray

    @classmethod
    def of(
        cls,
        profit: ArrayLike,
        cost: ArrayLike,
        budget: float = np.inf,
        capacity: ArrayLike | None = None,
    ) -> AllocationProblem:
        """Check what is given.

        Raises
        ------
        OffersError
            If shapes differ, or a cost, a capacity or the budget is negative or no number.
        """
        gain, price = np.asarray(profit, np.float64), np.asarray(cost, np.float64)
        if gain.ndim != 2 or gain.shape != price.shape:
            raise OffersError(
                "profit and cost must have one row per customer and one column per offer; got "
                f"shapes {gain.shape} and {price.shape}."
            )
        most = np.full(gain.shape[1], np.inf) if capacity is None else np.asarray(capacity, float)
        if most.shape != (gain.shape[1],) or not (most >= 0).all():
            raise OffersError(f"capacity must hold one number >= 0 for each offer; got {most}.")
        allowed = ~np.isnan(gain)
        if np.isinf(gain).any() or not (price[allowed] >= 0).all():
            raise OffersError("profit must be finite and cost >= 0 wherever an offer may be made.")
        if not budget >= 0:
            raise OffersError(f"budget must be a number >= 0; got {budget!r}.")
        return cls(gain, price, float(budget), np.floor(most))

    def __len__(self) -> int:
        return len(self.profit)

    def take(self, rows: NDArray[np.int64]) -> AllocationProblem:
        """A part of the customers, with their share of the budget and the capacities."""
        share = len(rows) / len(self)
        parts = self.profit[rows], self.cost[rows]
        return AllocationProblem(*parts, self.budget * share, self.capacity * share)
