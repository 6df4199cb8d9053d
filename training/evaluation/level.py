"""How far the level of a forecast was off, beside what chance alone would show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.binning import equal_mass
from training.evaluation.churn import ece
from training.evaluation.group_tables import CALIBRATION_BINS
from training.evaluation.validation import churn_arrays, ratio, value_arrays

# Of a standard normal variable, in absolute value.
MEAN_DISTANCE = float(np.sqrt(2 / np.pi))


@dataclass(frozen=True)
class LevelError:
    """How far a forecast was off in level.

    Attributes
    ----------
    bias : float
        Above 0 where too much was forecast. Of risks: mean risk less churn rate; of spend: total
        forecast over total spend, less 1.
    error : float
        Of risks the calibration error `ece`, of spend the distance of `bias` from 0.
    noise : float
        What `error` would be by chance alone, on average, were the level perfect.
    deviation : float
        Standard deviation of `bias` by chance alone, were the level perfect.
    """

    bias: float
    error: float
    noise: float
    deviation: float = float("nan")


def risk_level(churned: ArrayLike, churn_risk: ArrayLike) -> LevelError:
    """The level of churn risks.

    The churn rate of a bin of n customers varies by chance with a standard deviation of
    sqrt(sum of p (1 - p)) / n around the mean of their risks p; the mean distance of a normal
    variable from its mean is sqrt(2 / pi) of that.

    Parameters
    ----------
    churned : array of bool, shape (n,)
    churn_risk : array of float, shape (n,)

    Examples
    --------
    >>> found = risk_level([True, False, True, False], [0.5, 0.5, 0.5, 0.5])
    >>> found.bias, found.error, round(found.noise, 3)
    (0.0, 0.0, 0.199)
    """
    churned, risk = churn_arrays(churned, churn_risk)
    variance = np.bincount(equal_mass(risk, CALIBRATION_BINS), risk * (1 - risk))
    noise = MEAN_DISTANCE * float(np.sqrt(variance).sum()) / len(risk)
    deviation = float(np.sqrt(variance.sum())) / len(risk)
    return LevelError(float(risk.mean() - churned.mean()), ece(churned, risk), noise, deviation)


def spend_level(spend: ArrayLike, forecast: ArrayLike) -> LevelError:
    """The level of spend forecasts.

    The total varies by chance as what customers spend does around the forecast at the right level.

    Parameters
    ----------
    spend, forecast : array of float, shape (n,)

    Returns
    -------
    LevelError
        NaN throughout if nobody spent anything.

    Examples
    --------
    >>> found = spend_level([10.0, 0.0, 0.0, 20.0], [12.0, 12.0, 12.0, 12.0])
    >>> round(found.bias, 3), round(found.error, 3), round(found.noise, 3)
    (0.6, 0.6, 0.441)
    """
    spend, forecast = value_arrays(spend, forecast)
    bias = ratio(float(forecast.sum()), float(spend.sum())) - 1
    levelled = forecast / (1 + bias) if bias > -1 else forecast
    distance = float(np.sqrt(((spend - levelled) ** 2).sum()))
    deviation = ratio(distance, float(spend.sum()))
    return LevelError(bias, abs(bias), MEAN_DISTANCE * deviation, deviation)
