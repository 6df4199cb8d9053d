"""Forecast beside what happened, group by group of customers."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from training.evaluation.binning import captured, equal_mass
from training.evaluation.validation import (
    CONFIDENCE,
    aligned,
    churn_arrays,
    not_negative,
    value_arrays,
    vector,
)

# Tenths of the customers, as calibration is usually shown.
CALIBRATION_BINS = 10


def calibration_table(
    churned: ArrayLike, churn_risk: ArrayLike, bins: int = CALIBRATION_BINS
) -> pd.DataFrame:
    """Forecast risk beside the churn rate that followed, in bins of equally many customers.

    Parameters
    ----------
    churned : array of bool, shape (n,)
        Whether each customer churned.
    churn_risk : array of float, shape (n,)
        Forecast probability of `churned`.
    bins : int
        Number of bins. Customers of equal risk are never split, so there may be fewer.

    Returns
    -------
    pandas.DataFrame
        One row per bin, safest first: customers (int), lowest_risk, highest_risk, mean_risk,
        churn_rate, and churn_rate_low and churn_rate_high, its 95% interval (Wilson, 1927).

    Raises
    ------
    ValueError
        If the arrays are unusable (as in `churn_metrics`) or `bins` is below 1.

    Examples
    --------
    >>> table = calibration_table([False, True, True, True], [0.1, 0.3, 0.8, 0.8], bins=2)
    >>> table[["customers", "mean_risk", "churn_rate"]]
       customers  mean_risk  churn_rate
    0          2        0.2         0.5
    1          2        0.8         1.0
    """
    churned, churn_risk = churn_arrays(churned, churn_risk)
    rows = pd.DataFrame({"churned": churned, "churn_risk": churn_risk})
    table = rows.groupby(equal_mass(churn_risk, bins)).agg(
        customers=("churned", "size"),
        lowest_risk=("churn_risk", "min"),
        highest_risk=("churn_risk", "max"),
        mean_risk=("churn_risk", "mean"),
        churn_rate=("churned", "mean"),
    )
    lost = (table["customers"] * table["churn_rate"]).round().astype(int)
    intervals = [
        stats.binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
        for k, n in zip(lost, table["customers"], strict=True)
    ]
    table["churn_rate_low"] = [interval.low for interval in intervals]
    table["churn_rate_high"] = [interval.high for interval in intervals]
    return table.reset_index(drop=True)


def gain_table(outcome: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """How much of an outcome the top 0, 1, 2 ... 100% of customers by score hold.

    Parameters
    ----------
    outcome : array, shape (n,)
        `churned` or `spend`, 0 or more.
    score : array of float, shape (n,)
        What customers are ranked by, highest first.

    Returns
    -------
    pandas.DataFrame
        101 rows: share_of_customers, captured (share of the total outcome they hold), and
        captured_at_best (the same had customers been ranked by the outcome itself). Customers of
        equal score enter together, in proportion. NaN if the outcome is 0 for everybody.

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or an outcome is negative.

    Examples
    --------
    >>> gain_table([0.0, 10.0, 0.0, 30.0], [4.0, 9.0, 1.0, 8.0]).iloc[[0, 25, 50, 100]]
         share_of_customers  captured  captured_at_best
    0                  0.00      0.00              0.00
    25                 0.25      0.25              0.75
    50                 0.50      1.00              1.00
    100                1.00      1.00              1.00
    """
    outcome = not_negative("outcome", vector("outcome", outcome))
    score = aligned("outcome", outcome, "score", score)
    shares = np.linspace(0, 1, 101)
    return pd.DataFrame(
        {
            "share_of_customers": shares,
            "captured": captured(outcome, score, shares),
            "captured_at_best": captured(outcome, outcome, shares),
        }
    )


def decile_table(spend: ArrayLike, forecast: ArrayLike) -> pd.DataFrame:
    """Forecast beside actual spend, in tenths of the customers ordered by forecast.

    Parameters
    ----------
    spend : array of float, shape (n,)
        What each customer spent, 0 or more.
    forecast : array of float, shape (n,)
        Expected spend, 0 or more, in the same currency.

    Returns
    -------
    pandas.DataFrame
        One row per decile: decile (int, 1 has the lowest forecasts, 10 the highest), customers
        (int), mean_forecast, mean_spend. Customers of equal forecast are never split: a group
        wider than a tenth stands in the decile of its middle, and the others it covers are absent.

    Raises
    ------
    ValueError
        As in `value_metrics`.

    Examples
    --------
    >>> decile_table([0.0, 2.0, 4.0, 30.0], [1.0, 1.0, 5.0, 20.0])
       decile  customers  mean_forecast  mean_spend
    0       3          2            1.0         1.0
    1       7          1            5.0         4.0
    2       9          1           20.0        30.0
    """
    spend, forecast = value_arrays(spend, forecast)
    rows = pd.DataFrame({"forecast": forecast, "spend": spend})
    table = rows.groupby(equal_mass(forecast, 10) + 1).agg(
        customers=("spend", "size"),
        mean_forecast=("forecast", "mean"),
        mean_spend=("spend", "mean"),
    )
    return table.rename_axis("decile").reset_index()
