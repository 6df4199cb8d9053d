"""How good intervals were: how often they held, and how wide they had to be for it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from training.evaluation.binning import equal_mass
from training.evaluation.validation import aligned, interval_arrays


def coverage(outcome: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of outcomes within their intervals, ends included.

    Parameters
    ----------
    outcome, low, high : array of float, shape (n,)
        What happened, and the interval that was forecast of it.

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or an interval ends below its start.

    Examples
    --------
    >>> coverage([0.0, 10.0, 30.0], [0.0, 5.0, 5.0], [0.0, 10.0, 20.0])
    0.6666666666666666
    """
    outcome, low, high = interval_arrays(outcome, low, high)
    return float(((low <= outcome) & (outcome <= high)).mean())


def interval_score(
    outcome: ArrayLike, low: ArrayLike, high: ArrayLike, level: float = 0.8
) -> float:
    """Mean width of intervals plus what outcomes outside of them cost; lower is better.

    The interval score of Gneiting & Raftery (Journal of the American Statistical Association 102,
    2007, equation 43): a miss costs `2 / (1 - level)` times its distance, so that the central
    quantiles score best.

    Parameters
    ----------
    outcome, low, high : array of float, shape (n,)
        What happened, and the interval that was forecast of it.
    level : float
        Probability that the intervals claim, between 0 and 1.

    Raises
    ------
    ValueError
        As in `coverage`, or if `level` is not between 0 and 1.

    Examples
    --------
    >>> interval_score([5.0, 12.0], [0.0, 0.0], [10.0, 10.0], level=0.5)
    14.0
    """
    outcome, low, high = interval_arrays(outcome, low, high)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1; got {level}. Use 0.8 for 80%.")
    missed = np.maximum(low - outcome, 0.0) + np.maximum(outcome - high, 0.0)
    return float((high - low + 2 / (1 - level) * missed).mean())


def coverage_by_decile(
    outcome: ArrayLike, forecast: ArrayLike, low: ArrayLike, high: ArrayLike
) -> pd.DataFrame:
    """Coverage of intervals in tenths of the customers ordered by forecast.

    Parameters
    ----------
    outcome : array of float, shape (n,)
        What happened.
    forecast : array of float, shape (n,)
        What customers are ordered by; ties are kept together as in `decile_table`.
    low, high : array of float, shape (n,)
        The intervals.

    Returns
    -------
    pandas.DataFrame
        One row per decile: decile (int, 1 has the lowest forecasts), customers (int), coverage,
        mean_low, mean_high.

    Raises
    ------
    ValueError
        As in `coverage`.

    Examples
    --------
    >>> coverage_by_decile([0.0, 9.0, 4.0], [1.0, 1.0, 5.0], [0.0, 0.0, 1.0], [2.0, 2.0, 9.0])
       decile  customers  coverage  mean_low  mean_high
    0       4          2       0.5       0.0        2.0
    1       9          1       1.0       1.0        9.0
    """
    outcome, low, high = interval_arrays(outcome, low, high)
    forecast = aligned("outcome", outcome, "forecast", forecast)
    covered = (low <= outcome) & (outcome <= high)
    rows = pd.DataFrame({"covered": covered, "low": low, "high": high})
    table = rows.groupby(equal_mass(forecast, 10) + 1).agg(
        customers=("covered", "size"),
        coverage=("covered", "mean"),
        mean_low=("low", "mean"),
        mean_high=("high", "mean"),
    )
    return table.rename_axis("decile").reset_index()
