"""The level: how much riskier a season is than the snapshots a model learnt from on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from features.feature import YEAR
from training.evaluation import FloatArray

SEASON_WIDTH_DAYS = 30.0
SHRINKAGE = 0.5
# Shifts between seasons have a standard deviation of about 0.3, the worth of ten such rows.
PRIOR_INFORMATION = 10.0
FURTHEST = 40.0


@dataclass(frozen=True)
class Shifts:
    """How far each snapshot's outcomes lay from their forecast.

    Attributes
    ----------
    days : numpy.ndarray, shape (snapshots,)
    shifts : numpy.ndarray, shape (snapshots,)
        What to add to the logits, so that the mean probability is the mean outcome.
    certainty : numpy.ndarray, shape (snapshots,)
        From 0 to 1, by how many customers there were and how open their outcome was.
    """

    days: FloatArray
    shifts: FloatArray
    certainty: FloatArray

    @classmethod
    def of(cls, probability: FloatArray, outcome: FloatArray, days: FloatArray) -> Self:
        """Take them from the probabilities, outcomes and instants of rows, shape (rows,)."""
        score = logit(np.clip(probability, 1e-9, 1 - 1e-9))
        instants = np.unique(days)
        rows = [days == day for day in instants]
        shifts = [mean_shift(score[r], outcome[r]) for r in rows]
        information = np.array([(probability[r] * (1 - probability[r])).sum() for r in rows])
        certainty = information / (information + PRIOR_INFORMATION)
        return cls(instants, np.array(shifts), certainty)

    def in_season(self, at: float) -> float:
        """Shrunk mean of the shifts, those from the season of the instant `at` weighing most.

        Examples
        --------
        >>> shifts = Shifts(np.array([0.0, 180.0]), np.array([0.3, 0.0]), np.array([1.0, 1.0]))
        >>> round(shifts.in_season(365.0), 3)
        0.2
        """
        apart = np.abs((at - self.days + YEAR / 2) % YEAR - YEAR / 2)
        weights = self.certainty * np.exp(-0.5 * (apart / SEASON_WIDTH_DAYS) ** 2)
        return float((weights * self.shifts).sum() / (weights.sum() + SHRINKAGE))


def mean_shift(score: FloatArray, outcome: FloatArray) -> float:
    """What to add to logits, so that the mean probability is the mean outcome.

    Parameters
    ----------
    score : numpy.ndarray, shape (rows,)
        Logits.
    outcome : numpy.ndarray, shape (rows,)
        0 or 1. One more row, as forecast, keeps the shift finite where all are the same.

    Examples
    --------
    >>> round(mean_shift(np.zeros(999), np.repeat([0.0, 1.0], [250, 749])), 3)
    1.096
    """
    target = (outcome.sum() + expit(score).mean()) / (len(outcome) + 1.0)

    def missing(shift: float) -> float:
        return float(expit(score + shift).mean() - target)

    return float(brentq(missing, -FURTHEST, FURTHEST))
