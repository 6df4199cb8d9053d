"""The level: how much riskier this season is than the average snapshot a model learnt from."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from features.feature import YEAR

SEASON_WIDTH_DAYS = 30.0
SHRINKAGE = 0.5


def mean_shift(score: np.ndarray, outcome: np.ndarray) -> float:
    """The shift on the logit scale that makes the mean probability match the outcome's mean.

    Parameters
    ----------
    score : numpy.ndarray, shape (rows,)
        Logits.
    outcome : numpy.ndarray, shape (rows,)
        0 or 1.
    """
    rows = len(outcome)
    target = (outcome.sum() + 0.5) / (rows + 1.0)
    return float(brentq(lambda d: expit(score + d).mean() - target, -40.0, 40.0))


def seasonal_shift(shifts: np.ndarray, days: np.ndarray, at: float) -> float:
    """Shrunk mean of earlier shifts, those from the same season of the year weighing most.

    Parameters
    ----------
    shifts, days : numpy.ndarray, shape (snapshots,)
        Each snapshot's shift and instant.
    at : float
        The instant to forecast from.

    Examples
    --------
    >>> round(seasonal_shift(np.array([0.0, 0.3]), np.array([180.0, 0.0]), 365.0), 3)
    0.2
    """
    apart = np.abs((at - days + YEAR / 2) % YEAR - YEAR / 2)
    weights = np.exp(-0.5 * (apart / SEASON_WIDTH_DAYS) ** 2)
    return float((weights * shifts).sum() / (weights.sum() + SHRINKAGE))


def shifts_by_snapshot(
    probability: np.ndarray, outcome: np.ndarray, days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each snapshot's shift and its instant, from probabilities of all rows, shape (rows,)."""
    score = logit(np.clip(probability, 1e-9, 1 - 1e-9))
    instants = np.unique(days)
    shifts = [mean_shift(score[days == day], outcome[days == day]) for day in instants]
    return np.array(shifts), instants
