"""What is not known of an offer's effects, so that totals over customers can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation import FloatArray
from training.uplift.calibration import Calibration


@dataclass(frozen=True)
class Doubt:
    """How sure an offer's effects on some customers are: the same line for all of them.

    Attributes
    ----------
    calibration : Calibration
    predicted : numpy.ndarray, shape (customers,)
        What the learner says of each, before calibration.
    observations : int
        Rows with the offer and without any that this rests on.
    """

    calibration: Calibration
    predicted: FloatArray
    observations: int

    def draw(self, generator: np.random.Generator, rows: NDArray[np.int64]) -> FloatArray:
        """Effects on some customers as they may be, by one draw of mean and slope; (rows,)."""
        line = self.calibration
        mean = generator.normal(line.mean, line.mean_doubt)
        slope = max(generator.normal(line.slope, line.slope_doubt), 0.0)
        return np.asarray(mean + slope * (self.predicted[rows] - line.centre))
