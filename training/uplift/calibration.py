"""How much of the predicted differences between customers is real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from training.evaluation import Estimate, FloatArray

# What the slope was in pilots of simulated shops, whose true effects are known.
EXPECTED_SLOPE, EXPECTED_ERROR = 0.7, 0.3


@dataclass(frozen=True)
class Calibration:
    """The line that leads from what a learner predicts of an offer to what the offer changes.

    Attributes
    ----------
    mean : float
        Doubly robust mean effect.
    slope : float
        Share of the predicted differences that is taken for real.
    slope_seen : float
        The share that showed on rows the learner never saw.
    slope_error : float
        Its standard error.
    centre : float
        Mean prediction.
    """

    mean: float
    slope: float
    slope_seen: float
    slope_error: float
    centre: float

    @classmethod
    def of(cls, change: FloatArray, predicted: FloatArray) -> Self:
        """The best linear predictor of the effect (Chernozhukov, Demirer, Duflo & Fernandez-Val).

        "Generic machine learning inference on heterogeneous treatment effects in randomized
        experiments" (NBER working paper 24678, 2018; Econometrica 93, 2025), by regression of the
        doubly robust scores of the effect on its out-of-fold prediction. In a pilot of thousands
        that slope is hardly known, so it is averaged, by precision, with what is expected of it
        before: 0.7, give or take 0.3. It is 0 to 1.

        Parameters
        ----------
        change : numpy.ndarray, shape (rows,)
            Doubly robust scores with the offer less those without.
        predicted : numpy.ndarray, shape (rows,)
            Out-of-fold predictions.
        """
        centred = predicted - predicted.mean()
        spread = float(centred @ centred)
        mean = Estimate.of(change).value
        if spread <= 1e-12 * len(change):
            return cls(mean, 0.0, 0.0, float("nan"), float(predicted.mean()))
        seen = float(centred @ change) / spread
        residual = change - mean - seen * centred
        error = float(np.sqrt(((centred * residual) ** 2).sum())) / spread
        trust = EXPECTED_ERROR**2 / (EXPECTED_ERROR**2 + error**2)
        slope = trust * seen + (1 - trust) * EXPECTED_SLOPE
        clipped = float(np.clip(slope, 0.0, 1.0))
        return cls(mean, clipped, seen, error, float(predicted.mean()))

    def apply(self, predicted: FloatArray) -> FloatArray:
        """Calibrated effects, shape (rows,)."""
        return np.asarray(self.mean + self.slope * (predicted - self.centre))
