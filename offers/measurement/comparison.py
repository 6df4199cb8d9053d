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
EPSILON = np.finfo(float).eps
UNKNOWN = float("nan")

Mask = NDArray[np.bool_]


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


def difference(outcome: FloatArray, treated: Mask, forecasts: FloatArray) -> Estimate:
    """Estimate by how much an offer changed an outcome on average.

    Regression of the outcome on the arm and on forecasts made before the campaign, with standard
    errors HC2 (MacKinnon & White 1985), which hold whatever the forecasts are worth (Lin 2013,
    "Agnostic notes on regression adjustments to experimental data", Annals of Applied Statistics
    7(1)). Without forecasts it is the difference of means, and its interval is Welch's.

    The slopes are common to both arms, as in CUPED (Deng, Xu, Kohavi & Walker 2013). Lin's
    products of arm and forecast leave the slopes of the held out to them alone. With 60 to 120
    held out and spend of a long tail that noise costs a fifth to a half of what adjustment saves,
    with 300 a tenth (`benchmarks.experiment`). Common slopes would lose where an offer more than
    doubled them.

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
    arms = (treated, ~treated)
    simple = _mean(outcome[treated]) - _mean(outcome[~treated])
    if min(arm.sum() for arm in arms) < FEWEST:
        return Estimate.without_interval(simple)
    if all((outcome[arm] == outcome[arm][0]).all() for arm in arms):
        return Estimate(simple, (0.0, 0.0), tuple(arm.sum() - 1.0 for arm in arms))
    spread = forecasts.std(axis=0)
    scaled = (forecasts - forecasts.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    imbalance = scaled[treated].mean(axis=0) - scaled[~treated].mean(axis=0)
    apart, left = _within(scaled, arms), _within(outcome, arms)
    inverse = np.linalg.pinv(apart.T @ apart, rcond=COLLINEAR, hermitian=True) @ apart.T
    slopes = inverse @ left
    share = np.where(treated, 1.0 / treated.sum(), -1.0 / (~treated).sum())
    leverage = np.abs(share) + np.einsum("ij,ji->i", apart, inverse)
    weight = (share - imbalance @ inverse) ** 2
    parts = weight * (left - apart @ slopes) ** 2 / np.maximum(1.0 - leverage, EPSILON)
    return Estimate(
        simple - float(imbalance @ slopes),
        tuple(float(parts[arm].sum()) for arm in arms),
        tuple(float(arm.sum() - 1.0) for arm in arms),
    )


def mean(outcome: FloatArray) -> Estimate:
    """The mean over some customers, uncertain by how much they differ."""
    n = len(outcome)
    if n < FEWEST:
        return Estimate.without_interval(_mean(outcome))
    if (outcome == outcome[0]).all():
        return Estimate(float(outcome[0]), (0.0,), (n - 1.0,))
    return Estimate(_mean(outcome), (float(outcome.var(ddof=1)) / n,), (n - 1.0,))


def _within(values: FloatArray, arms: tuple[Mask, Mask]) -> FloatArray:
    """The values less the mean of their arm."""
    apart = np.empty_like(values)
    for arm in arms:
        apart[arm] = values[arm] - values[arm].mean(axis=0)
    return apart


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else UNKNOWN
