"""Minimise over log parameters: several starts on few rows, then the best of them on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from training.evaluation import FloatArray

# exp(10) = 22,026: a Gamma of that shape has no spread left, one of its inverse is nearly all zero.
BOUND = 10.0
# Slopes per customer by a log parameter: to aim at, to search on above, and to call converged.
AIM = 1e-9
# Slope: above it Newton's steps have not arrived, and descent goes on.
STALLED = 1e-7
# Slope at which the optimum counts as found.
ENOUGH = 1e-5
# Steps: from a good start a handful is enough.
NEWTON_STEPS = 12
# Of a logarithm: between the noise of a float and the curvature.
DIFFERENCE = 1e-4

Objective = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True)
class Minimum:
    """Where the search ended.

    Attributes
    ----------
    point : numpy.ndarray, shape (parameters,)
        Log parameters.
    slope : float
        Largest slope that is left, per customer; slopes out of bounds do not count.
    """

    point: FloatArray
    slope: float

    @property
    def converged(self) -> bool:
        """Whether hardly any slope is left."""
        return self.slope <= ENOUGH


def minimum(
    objectives: Sequence[Objective],
    starts: Sequence[FloatArray],
    lower: FloatArray,
    upper: FloatArray,
) -> Minimum:
    """Find the lowest point of the last objective; those before show the way.

    Parameters
    ----------
    objectives : sequence of callable
        Value and gradient at log parameters, of ever more rows and at last of all.
    starts : sequence of numpy.ndarray, shape (parameters,)
    lower, upper : numpy.ndarray, shape (parameters,)
        Bounds.
    """
    ends = [_descend(objectives[0], np.clip(s, lower, upper), lower, upper) for s in starts]
    point = min(ends, key=lambda end: end[0])[1]
    curved = objectives[0]
    for objective in objectives:
        point, slope = _newton(objective, curved, point, lower, upper)
        if slope > STALLED:
            point = _descend(objective, point, lower, upper)[1]
            point, slope = _newton(objective, objective, point, lower, upper)
        curved = objective
    return Minimum(point, slope)


def _descend(
    objective: Objective, start: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[float, FloatArray]:
    bounds = list(zip(lower, upper, strict=True))
    end = minimize(
        objective,
        start.tolist(),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-14, "gtol": AIM},
    )
    return float(end.fun), np.asarray(end.x)


def _newton(
    objective: Objective, curved: Objective, point: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, float]:
    """Newton steps with the slope of one objective and the curvature of another like it."""
    value, gradient = objective(point)
    curvature = None
    for _ in range(NEWTON_STEPS):
        free = _free(point, gradient, lower, upper)
        if not free.any() or np.abs(gradient[free]).max() <= AIM:
            break
        if curvature is None:
            curvature = _curvature(curved, point)
        values, vectors = np.linalg.eigh(curvature[np.ix_(free, free)])
        values = np.maximum(values, 1e-10)
        step = np.zeros_like(point)
        step[free] = -vectors @ ((vectors.T @ gradient[free]) / values)
        step /= max(1.0, float(np.abs(step).max()))
        trial = np.clip(point + step, lower, upper)
        trial_value, trial_gradient = objective(trial)
        if not trial_value <= value + 1e-13 * (1.0 + abs(value)):
            break
        point, value, gradient = trial, trial_value, trial_gradient
    free = _free(point, gradient, lower, upper)
    return point, float(np.abs(gradient[free]).max(initial=0.0))


def _free(
    point: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    held = ((point <= lower) & (gradient > 0)) | ((point >= upper) & (gradient < 0))
    return np.asarray(~held)


def _curvature(objective: Objective, point: FloatArray) -> FloatArray:
    """Second derivatives from differences of the gradient, shape (parameters, parameters)."""
    rows = []
    for shift in DIFFERENCE * np.eye(len(point)):
        up, down = objective(point + shift)[1], objective(point - shift)[1]
        rows.append((up - down) / (2 * DIFFERENCE))
    matrix = np.array(rows)
    return np.asarray((matrix + matrix.T) / 2)
