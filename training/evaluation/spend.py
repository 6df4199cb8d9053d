"""How good a forecast of spend was: error, level and ranking."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics

from training.evaluation.binning import captured
from training.evaluation.group_tables import decile_table
from training.evaluation.validation import FloatArray, constant, ratio, value_arrays

# Between Poisson (1) and gamma (2): many zeros and a long tail.
TWEEDIE_POWER = 1.5
# Of the mean spend: a forecast of nothing would cost infinitely much.
TWEEDIE_FLOOR = 0.01


def value_metrics(spend: ArrayLike, forecast: ArrayLike) -> dict[str, float]:
    """Every metric of a spend forecast, in a fixed order.

    Parameters
    ----------
    spend : array of float, shape (n,)
        What each customer spent in the window, 0 or more.
    forecast : array of float, shape (n,)
        Expected spend, 0 or more, in the same currency.

    Returns
    -------
    dict of str to float
        mae, mae_over_mean_spend, rmse, total_bias, spearman, normalised_gini, tweedie_deviance,
        top_20_capture, decile_mape.

    Raises
    ------
    ValueError
        If lengths differ, or a value is missing or negative.

    Examples
    --------
    >>> found = value_metrics([0.0, 10.0, 0.0, 30.0], [4.0, 9.0, 1.0, 16.0])
    >>> {name: round(value, 3) for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'mae': 5.0, 'mae_over_mean_spend': 0.5, 'rmse': 7.314, 'total_bias': -0.25,
     'spearman': 0.949, 'normalised_gini': 1.0, 'tweedie_deviance': 3.554,
     'top_20_capture': 0.6, 'decile_mape': 0.417}
    """
    spend, forecast = value_arrays(spend, forecast)
    return {
        "mae": mae(spend, forecast),
        "mae_over_mean_spend": mae_over_mean_spend(spend, forecast),
        "rmse": rmse(spend, forecast),
        "total_bias": total_bias(spend, forecast),
        "spearman": spearman(spend, forecast),
        "normalised_gini": normalised_gini(spend, forecast),
        "tweedie_deviance": tweedie_deviance(spend, forecast),
        "top_20_capture": top_20_capture(spend, forecast),
        "decile_mape": decile_mape(spend, forecast),
    }


def mae(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error, in currency."""
    spend, forecast = value_arrays(spend, forecast)
    return float(metrics.mean_absolute_error(spend, forecast))


def mae_over_mean_spend(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error over mean spend; a forecast of 0 for everybody has exactly 1."""
    spend, forecast = value_arrays(spend, forecast)
    return ratio(mae(spend, forecast), float(spend.mean()))


def rmse(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Root of the mean squared error, in currency."""
    spend, forecast = value_arrays(spend, forecast)
    return float(metrics.root_mean_squared_error(spend, forecast))


def total_bias(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Total forecast over total spend, minus 1: +0.1 is 10% too much."""
    spend, forecast = value_arrays(spend, forecast)
    return ratio(float(forecast.sum()), float(spend.sum())) - 1


def spearman(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Rank correlation of forecast and spend, ties at mean rank; NaN if either is constant."""
    spend, forecast = value_arrays(spend, forecast)
    if constant(spend) or constant(forecast):
        return float("nan")
    return float(stats.spearmanr(spend, forecast).statistic)


def normalised_gini(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Gini coefficient of spend ranked by forecast, over that of spend ranked by itself.

    1 for the perfect ranking, 0 for a constant forecast, -1 for the reverse ranking. The Gini is
    twice the area between diagonal and Lorenz curve, which is the covariance of spend and rank up
    to a constant that cancels here (Lerman & Yitzhaki, Economics Letters 15, 1984); ranking by a
    forecast: Frees, Meyers & Cummings (JASA 106, 2011); normalised, for customer value: Wang, Liu
    & Miao (arXiv:1912.07753, 2019). Equal forecasts share their mean rank.
    """
    spend, forecast = value_arrays(spend, forecast)
    if constant(spend):
        return float("nan")
    middle = (len(spend) + 1) / 2
    by_forecast = float(spend @ (stats.rankdata(forecast) - middle))
    by_spend = float(spend @ (stats.rankdata(spend) - middle))
    return ratio(by_forecast, by_spend)


def tweedie_deviance(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean Tweedie deviance of power 1.5, the likelihood of many zeros and a long tail.

    A forecast of nothing for somebody who spent would cost infinity, so forecasts below 1% of the
    mean actual spend count as that; the floor moves with the currency. NaN if nobody spent.
    """
    spend, forecast = value_arrays(spend, forecast)
    floor = TWEEDIE_FLOOR * spend.mean()
    if floor == 0:
        return float("nan")
    floored = np.maximum(forecast, floor)
    return float(metrics.mean_tweedie_deviance(spend, floored, power=TWEEDIE_POWER))


def tweedie_losses(spend: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """What each customer adds to `tweedie_deviance`, shape (n,); NaN if nobody spent."""
    spend, forecast = value_arrays(spend, forecast)
    if not spend.any():
        return np.full(len(spend), np.nan)
    floored = np.maximum(forecast, TWEEDIE_FLOOR * spend.mean())
    return np.asarray(4 * (np.sqrt(spend) - np.sqrt(floored)) ** 2 / np.sqrt(floored))


def top_20_capture(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Share of all spend that came from the 20% of customers with the highest forecasts.

    The height of the gain curve at 20%: a fraction of a customer counts by that fraction, and of
    customers with equal forecasts across the boundary each counts in part. What a perfect ranking
    would have captured is in `gain_table`.
    """
    spend, forecast = value_arrays(spend, forecast)
    return float(captured(spend, forecast, np.array([0.2]))[0])


def decile_mape(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute percentage error of the total forecast over the deciles of `decile_table`.

    Decile-level MAPE of Wang, Liu & Miao (arXiv:1912.07753, 2019), deciles weighted by their
    customers. A decile in which nobody spent has no percentage, yet leaving it out would forgive
    any forecast there: it is joined to the next higher one in which somebody did (the top one, to
    the next lower).
    """
    spend, forecast = value_arrays(spend, forecast)
    table = decile_table(spend, forecast)
    customers = table["customers"].to_numpy()
    spent = (table["mean_spend"] > 0).to_numpy()
    if not spent.any():
        return float("nan")
    joined = np.minimum(np.cumsum(spent) - spent, spent.sum() - 1)
    actual = np.bincount(joined, weights=customers * table["mean_spend"])
    expected = np.bincount(joined, weights=customers * table["mean_forecast"])
    error = np.abs(expected - actual) / actual
    return float(np.average(error, weights=np.bincount(joined, weights=customers)))
