"""Treated against held out: differences with intervals, adjusted for forecasts made before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation import CONFIDENCE, FloatArray

# Fewer customers in an arm say too little about amounts with a long tail for an interval to hold.
FEWEST = 20
# Forecasts that hardly differ from a multiple of another count as one.
COLLINEAR = 1e-10
UNKNOWN = float("nan")

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A mean, a difference or a total of such, and how uncertain it is.

    Attributes
    ----------
    value : float
        NaN where there is nobody to look at.
    variances, freedoms : tuple of float
        Of its independent parts, one for each arm: squared standard errors, and the degrees of
        freedom that each was estimated with. NaN where a part is too small for an interval.
    """

    value: float
    variances: tuple[float, ...]
    freedoms: tuple[float, ...]

    @classmethod
    def without_interval(cls, value: float) -> Self:
        """For what too few customers speak for."""
        return cls(value, (UNKNOWN,), (UNKNOWN,))

    @classmethod
    def total(cls, parts: Iterable[Estimate]) -> Self:
        """The sum of independent estimates."""
        known = tuple(parts)
        return cls(
            float(sum(part.value for part in known)),
            tuple(v for part in known for v in part.variances),
            tuple(f for part in known for f in part.freedoms),
        )

    def times(self, factor: float) -> Self:
        """The estimate in another unit, or weighted."""
        variances = tuple(v * factor**2 for v in self.variances)
        return replace(self, value=self.value * factor, variances=variances)

    def less(self, other: Estimate) -> Estimate:
        """The difference to an independent estimate."""
        return Estimate.total((self, other.times(-1.0)))

    @property
    def standard_error(self) -> float:
        """NaN where a part is too small."""
        return float(np.sqrt(sum(self.variances)))

    def interval(self) -> tuple[float, float]:
        """The 95% interval, by Student's t with the degrees of freedom of Welch (1947)."""
        error = self.standard_error
        if error == 0.0:
            return self.value, self.value
        parts = zip(self.variances, self.freedoms, strict=True)
        freedom = error**4 / sum(v**2 / f for v, f in parts)
        margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
        return self.value - margin, self.value + margin


def difference(outcome: FloatArray, treated: Rows, forecasts: FloatArray) -> Estimate:
    """Estimate by how much an offer changed an outcome on average.

    Regression of the outcome on the arm, on forecasts made before the campaign, and on their
    products (Lin 2013, "Agnostic notes on regression adjustments to experimental data", Annals of
    Applied Statistics 7(1)), with standard errors HC2 of
    MacKinnon & White (1985). Forecasts are centred over both arms, so the coefficient of the arm
    is the average effect; since all products are there, it is the difference of one regression in
    each arm. Asymptotically it is never less precise than the plain difference, whatever the
    forecasts are worth; without forecasts it is that difference, and its interval is Welch's.

    Parameters
    ----------
    outcome : numpy.ndarray, shape (customers,)
    treated : numpy.ndarray of bool, shape (customers,)
        Whether the customer is in the arm that gets the offer, whatever came of it.
    forecasts : numpy.ndarray, shape (customers, forecasts)
        May have no columns.

    Returns
    -------
    Estimate
        With an arm of fewer than 20 customers: the plain difference, without an interval.

    Examples
    --------
    >>> outcome, treated = np.array([3.0, 5.0, 1.0, 3.0] * 10), np.array([1, 1, 0, 0] * 10) > 0
    >>> found = difference(outcome, treated, np.empty((40, 0)))
    >>> found.value, [round(bound, 3) for bound in found.interval()]
    (2.0, [1.343, 2.657])
    """
    if not FEWEST <= treated.sum() <= len(treated) - FEWEST:
        return Estimate.without_interval(_mean(outcome[treated]) - _mean(outcome[~treated]))
    spread = forecasts.std(axis=0)
    centred = (forecasts - forecasts.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return _adjusted_mean(outcome[treated], centred[treated]).less(
        _adjusted_mean(outcome[~treated], centred[~treated])
    )


def mean(outcome: FloatArray) -> Estimate:
    """The mean over some customers, uncertain by how much they differ."""
    if len(outcome) < FEWEST:
        return Estimate.without_interval(_mean(outcome))
    return _adjusted_mean(outcome, np.empty((len(outcome), 0)))


def _adjusted_mean(outcome: FloatArray, centred: FloatArray) -> Estimate:
    """The mean of an arm if its forecasts were those of all: intercept and HC2 variance."""
    if (outcome == outcome[0]).all():
        return Estimate(float(outcome[0]), (0.0,), (len(outcome) - 1.0,))
    n, own = len(outcome), centred.mean(axis=0)
    apart = centred - own
    gram = apart.T @ apart
    inverse = np.linalg.pinv(gram, rcond=COLLINEAR, hermitian=True) @ apart.T
    slopes = inverse @ outcome
    residual = outcome - outcome.mean() - apart @ slopes
    leverage = 1.0 / n + np.einsum("ij,ji->i", apart, inverse)
    scaled = residual**2 / np.maximum(1.0 - leverage, np.finfo(float).eps)
    variance = float((1.0 / n - own @ inverse) ** 2 @ scaled)
    freedom = n - 1.0 - float(np.trace(inverse @ apart))
    return Estimate(float(outcome.mean() - own @ slopes), (variance,), (freedom,))


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else UNKNOWN
