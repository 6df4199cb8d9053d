"""Order customers by a score so that equal scores are never parted."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation.validation import FloatArray


def equal_mass(score: FloatArray, bins: int) -> NDArray[np.int64]:
    """Bin of each customer, 0 up, by the middle of the ranks that its score occupies."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}. Use 10 for deciles.")
    # Twice the mean rank is a whole number, so no rounding can move a customer across an edge.
    doubled: NDArray[np.int64] = (2 * stats.rankdata(score)).astype(np.int64)
    return (doubled - 1) * bins // (2 * len(score))


def captured(outcome: FloatArray, score: FloatArray, shares: FloatArray) -> FloatArray:
    """Share of the outcome held by the top shares of customers, straight through tied scores."""
    if not outcome.any():
        return np.full(len(shares), np.nan)
    _, group = np.unique(-score, return_inverse=True)
    customers = np.append(0, np.cumsum(np.bincount(group)))
    held = np.append(0.0, np.cumsum(np.bincount(group, weights=outcome)))
    captured: FloatArray = np.interp(shares, customers / customers[-1], held / held[-1])
    return captured
