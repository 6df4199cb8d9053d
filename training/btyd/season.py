"""The pace: how much faster than a stationary model expects purchases come, by season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import brentq
from scipy.special import expit

from features.feature import YEAR
from training.btyd.population import PopulationModel
from training.evaluation import FloatArray

# Logarithm of the pace: 4.5 times as fast is more than any season makes purchases come.
FURTHEST = 1.5
# Standard deviations of the level that are considered.
SPREADS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
# The share of its variance that comes every year; the rest is constant.
YEARLY_SHARE = 0.5
# In days: six weeks are much alike, as the weeks before Christmas are.
SEASON_WIDTH_DAYS = 45.0
# The share of an error that snapshots close to each other have in common.
SHARED_ERROR = 0.7
# A model of a young shop is off by about 50 divided by its age in days.
YOUTH_DAYS = 50.0


@dataclass(frozen=True)
class SeasonalLevel:
    """How far what happened in the windows after past snapshots was from what was expected.

    Attributes
    ----------
    days : numpy.ndarray, shape (snapshots,)
    log_ratio : numpy.ndarray, shape (snapshots,)
        Logarithm of what happened over what was expected.
    variance : numpy.ndarray, shape (snapshots,)
        Of the error of `log_ratio`.
    """

    days: FloatArray
    log_ratio: FloatArray
    variance: FloatArray

    @classmethod
    def of(cls, observed: Sequence[tuple[float, float, float]]) -> Self:
        """Take them from tuples of day, log ratio and variance, in any order."""
        return cls(*np.array(sorted(observed), dtype=np.float64).reshape(-1, 3).T)

    def forecast(self, at: float, window_days: float) -> float:
        """Expected log ratio of the window after `at`.

        A Gaussian process of two parts: a constant and what comes back every year (Rasmussen &
        Williams 2006, section 2.2, with these as kernel). How large they are is averaged over
        `SPREADS` by their evidence (equation 5.8). What a snapshot says counts by how sure it is;
        neighbours, whose customers and windows are much the same, are mostly wrong together.
        Without any snapshot nothing drifts.

        Parameters
        ----------
        at : float
            The instant of prediction, as `day`.
        window_days : float
            Length of the windows.

        Examples
        --------
        >>> level = SeasonalLevel.of([(0.0, 0.4, 0.01), (180.0, 0.0, 0.01)])
        >>> round(level.forecast(365.0, 30.0), 2)
        0.33
        """
        if not len(self.days):
            return 0.0
        instants = np.append(self.days, at)
        apart = np.abs(instants[:, None] - instants[None, :])
        of_year = np.abs((apart + YEAR / 2) % YEAR - YEAR / 2)
        yearly = np.exp(-0.5 * (of_year / SEASON_WIDTH_DAYS) ** 2)
        kernel = 1 - YEARLY_SHARE + YEARLY_SHARE * yearly
        errors = self._errors(apart[:-1, :-1] / window_days)
        found = [self._posterior(spread**2 * kernel, errors) for spread in SPREADS]
        evidence, forecasts = np.array(found).T
        return float(np.average(forecasts, weights=np.exp(evidence - evidence.max())))

    def _errors(self, windows_apart: FloatArray) -> FloatArray:
        """Covariance of the errors of the snapshots."""
        deviation = np.sqrt(self.variance)
        together = SHARED_ERROR * np.exp(-0.5 * windows_apart**2)
        np.fill_diagonal(together, 1.0)
        return np.asarray(np.outer(deviation, deviation) * together)

    def _posterior(self, kernel: FloatArray, errors: FloatArray) -> tuple[float, float]:
        """Log evidence for a kernel over the days and the asked instant, and its forecast."""
        root = cholesky(kernel[:-1, :-1] + errors, lower=True)
        whitened = solve_triangular(root, self.log_ratio, lower=True)
        evidence = -0.5 * float(whitened @ whitened) - float(np.log(np.diag(root)).sum())
        return evidence, float(solve_triangular(root, kernel[-1, :-1], lower=True) @ whitened)


def youth(X: pd.DataFrame) -> float:
    """Variance of what a buy-till-you-die model is off by in a shop as old as its customers."""
    return (YOUTH_DAYS / max(float(X["T"].quantile(0.99)), 1.0)) ** 2


def observed_pace(
    btyd: PopulationModel,
    X: pd.DataFrame,
    churned: FloatArray,
    window_days: float,
    weight: FloatArray | None = None,
) -> tuple[float, float]:
    """The pace at which a stationary model expects as many customers to order as did.

    Parameters
    ----------
    btyd : PopulationModel
        At the start of the window.
    X : pandas.DataFrame, shape (customers, features)
        The feature table then.
    churned : numpy.ndarray, shape (customers,)
    window_days : float
    weight : numpy.ndarray, shape (customers,), optional
        How many customers each stands for; default: 1.

    Returns
    -------
    tuple of float
        The pace, within -1.5 and 1.5, and the variance of its error.
    """
    w = np.ones(len(churned)) if weight is None else weight

    def risk_at(pace: float) -> FloatArray:
        return expit(btyd.at_pace(pace, window_days).logit_no_order(X, window_days))

    def expected(pace: float) -> float:
        return float(np.average(risk_at(pace), weights=w))

    risk = risk_at(0.0)
    # One more customer, as expected, keeps the pace finite where nobody or everybody ordered.
    actual = ((w * churned).sum() + expected(0.0)) / (w.sum() + 1.0)
    slope = (expected(-0.1) - expected(0.1)) / 0.2
    chance = float((w**2 * risk * (1 - risk)).sum() / w.sum() ** 2)
    variance = chance / max(slope, 1e-6) ** 2 + youth(X)
    if expected(FURTHEST) >= actual:
        return FURTHEST, variance
    if expected(-FURTHEST) <= actual:
        return -FURTHEST, variance
    return float(
        brentq(lambda pace: expected(pace) - actual, -FURTHEST, FURTHEST, xtol=1e-4)
    ), variance
