"""Judge forecasts against what happened: arrays in, numbers and small tables out.

Every metric takes two arrays of shape (n,), what happened and what was forecast, in the same order
of customers: `churned` (bool or 0/1) and `churn_risk` (probability of `churned`), or `spend` and
`forecast` (both 0 or more, in the shop's currency). Row order never changes a result: customers
with equal forecasts are treated alike. Where a metric has no meaning (only one class, nobody spent,
no differences to rank) it is NaN, so that one poor fold does not stop a backtest; input that cannot
be right raises ValueError.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn import metrics

FloatArray = NDArray[np.float64]
Metric = Callable[[FloatArray, FloatArray], float]

CALIBRATION_BINS = 10
TWEEDIE_POWER = 1.5
TWEEDIE_FLOOR = 0.01
CONFIDENCE = 0.95
GROUPS = 2000


@dataclass(frozen=True)
class PairedDifference:
    """How much higher a metric is for one forecast than for another, with its 95% interval."""

    difference: float
    low: float
    high: float
    rounds: int


def churn_metrics(churned: ArrayLike, churn_risk: ArrayLike, base_rate: float) -> dict[str, float]:
    """Every metric of a churn forecast, in a fixed order.

    Parameters
    ----------
    churned : array of bool, shape (n,)
        Whether each customer churned.
    churn_risk : array of float, shape (n,)
        Forecast probability of `churned`.
    base_rate : float
        Share of churned customers known when the forecast was made, the yardstick of `skill`.

    Returns
    -------
    dict of str to float
        auc, average_precision, log_loss, brier, ece, skill, mean_risk, churn_rate.

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or a probability is outside [0, 1].

    Examples
    --------
    >>> found = churn_metrics([True, False, True, False], [0.9, 0.2, 0.6, 0.3], base_rate=0.5)
    >>> {name: round(value, 3) for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'auc': 1.0, 'average_precision': 1.0, 'log_loss': 0.299, 'brier': 0.075, 'ece': 0.25,
     'skill': 0.569, 'mean_risk': 0.5, 'churn_rate': 0.5}
    """
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    return {
        "auc": auc(churned, churn_risk),
        "average_precision": average_precision(churned, churn_risk),
        "log_loss": log_loss(churned, churn_risk),
        "brier": brier(churned, churn_risk),
        "ece": ece(churned, churn_risk),
        "skill": skill(churned, churn_risk, base_rate),
        "mean_risk": float(churn_risk.mean()),
        "churn_rate": float(churned.mean()),
    }


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
    spend, forecast = _value_arrays(spend, forecast)
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


def auc(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Chance that a churned customer had a higher risk than one who stayed, ties counting half."""
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    if _constant(churned):
        return float("nan")
    return float(metrics.roc_auc_score(churned, churn_risk))


def average_precision(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Precision averaged over the churned customers as the list is read from the riskiest down."""
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    if _constant(churned):
        return float("nan")
    return float(metrics.average_precision_score(churned, churn_risk))


def log_loss(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Mean negative log-likelihood in nats; a certainty proved wrong costs 36, not infinity."""
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    return float(metrics.log_loss(churned, churn_risk, labels=[0, 1]))


def brier(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Mean squared difference between the risk and the outcome (Brier, 1950)."""
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    return float(metrics.brier_score_loss(churned, churn_risk, pos_label=1))


def ece(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Mean distance between risk and churn rate over the ten bins of `calibration_table`.

    Expected calibration error (Naeini, Cooper & Hauskrecht, AAAI 2015), bins weighted by their
    customers. Bins hold equal numbers of customers, not equal ranges of risk, which biases the
    estimate less (Roelofs et al., AISTATS 2022). It stays above 0 even for the true risk, by
    chance: read it next to the intervals of the table.
    """
    table = calibration_table(churned, churn_risk)
    gap = (table["mean_risk"] - table["churn_rate"]).abs()
    return float(np.average(gap, weights=table["customers"]))


def skill(churned: ArrayLike, churn_risk: ArrayLike, base_rate: float) -> float:
    """Share of the log loss of always saying `base_rate` that the forecast avoids.

    0 is no better than the base rate, 1 is perfect, below 0 is worse. NaN if `base_rate` is 0 or 1:
    a certainty has a log loss of nothing or infinity and is no yardstick.
    """
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    if not 0 <= base_rate <= 1:
        raise ValueError(
            f"base_rate must be between 0 and 1; got {base_rate}. "
            "Pass the share of churned customers in training."
        )
    if base_rate in (0, 1):
        return float("nan")
    return 1 - log_loss(churned, churn_risk) / log_loss(churned, np.full(len(churned), base_rate))


def mae(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error, in currency."""
    spend, forecast = _value_arrays(spend, forecast)
    return float(metrics.mean_absolute_error(spend, forecast))


def mae_over_mean_spend(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error over mean spend; a forecast of 0 for everybody has exactly 1."""
    spend, forecast = _value_arrays(spend, forecast)
    return _ratio(mae(spend, forecast), float(spend.mean()))


def rmse(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Root of the mean squared error, in currency."""
    spend, forecast = _value_arrays(spend, forecast)
    return float(metrics.root_mean_squared_error(spend, forecast))


def total_bias(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Total forecast over total spend, minus 1: +0.1 is 10% too much."""
    spend, forecast = _value_arrays(spend, forecast)
    return _ratio(float(forecast.sum()), float(spend.sum())) - 1


def spearman(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Rank correlation of forecast and spend, ties at mean rank; NaN if either is constant."""
    spend, forecast = _value_arrays(spend, forecast)
    if _constant(spend) or _constant(forecast):
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
    spend, forecast = _value_arrays(spend, forecast)
    if _constant(spend):
        return float("nan")
    middle = (len(spend) + 1) / 2
    by_forecast = float(spend @ (stats.rankdata(forecast) - middle))
    by_spend = float(spend @ (stats.rankdata(spend) - middle))
    return _ratio(by_forecast, by_spend)


def tweedie_deviance(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean Tweedie deviance of power 1.5, the likelihood of many zeros and a long tail.

    A forecast of nothing for somebody who spent would cost infinity, so forecasts below 1% of the
    mean actual spend count as that; the floor moves with the currency. NaN if nobody spent.
    """
    spend, forecast = _value_arrays(spend, forecast)
    floor = TWEEDIE_FLOOR * spend.mean()
    if floor == 0:
        return float("nan")
    floored = np.maximum(forecast, floor)
    return float(metrics.mean_tweedie_deviance(spend, floored, power=TWEEDIE_POWER))


def top_20_capture(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Share of all spend that came from the 20% of customers with the highest forecasts.

    The height of the gain curve at 20%: a fraction of a customer counts by that fraction, and of
    customers with equal forecasts across the boundary each counts in part. What a perfect ranking
    would have captured is in `gain_table`.
    """
    spend, forecast = _value_arrays(spend, forecast)
    return float(_captured(spend, forecast, np.array([0.2]))[0])


def decile_mape(spend: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute percentage error of the total forecast over the deciles of `decile_table`.

    Decile-level MAPE of Wang, Liu & Miao (arXiv:1912.07753, 2019), deciles weighted by their
    customers. A decile in which nobody spent has no percentage, yet leaving it out would forgive
    any forecast there: it is joined to the next higher one in which somebody did (the top one, to
    the next lower).
    """
    spend, forecast = _value_arrays(spend, forecast)
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
    outcome, low, high = _interval_arrays(outcome, low, high)
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
    outcome, low, high = _interval_arrays(outcome, low, high)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1; got {level}. Use 0.8 for 80%.")
    missed = np.maximum(low - outcome, 0.0) + np.maximum(outcome - high, 0.0)
    return float((high - low + 2 / (1 - level) * missed).mean())


def paired_bootstrap(
    metric: Metric, truth: ArrayLike, a: ArrayLike, b: ArrayLike, seed: int, rounds: int = 1000
) -> PairedDifference:
    """Difference `metric(truth, a) - metric(truth, b)` with a 95% interval over customers.

    Customers are drawn with replacement, each with both forecasts, so what makes a sample hard for
    both cancels; the interval runs between the 2.5% and 97.5% quantiles of the resampled
    differences (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). A
    customer must appear once: repeated rows of one customer are not independent.

    Parameters
    ----------
    metric : callable
        Any metric of this module: (truth, forecast) to float.
    truth : array, shape (n,)
        What happened, one row per customer.
    a, b : array of float, shape (n,)
        The two forecasts.
    seed : int
        Seed of the resampling.
    rounds : int
        Number of resamples.

    Returns
    -------
    PairedDifference
        `rounds` counts the resamples in which the metric was defined for both forecasts; if there
        are none, the interval is NaN.

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or `rounds` is below 1.

    Examples
    --------
    >>> spend = [0.0, 10.0, 20.0, 30.0]
    >>> paired_bootstrap(mae, spend, [1.0, 11.0, 21.0, 31.0], [2.0, 12.0, 22.0, 32.0], seed=0)
    PairedDifference(difference=-1.0, low=-1.0, high=-1.0, rounds=1000)
    """
    truth = _vector("truth", truth)
    a = _aligned("truth", truth, "a", a)
    b = _aligned("truth", truth, "b", b)
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1; got {rounds}. Use 1000 for a 95% interval.")
    difference = metric(truth, a) - metric(truth, b)
    generator = np.random.default_rng(seed)
    differences = np.empty(rounds)
    for number in range(rounds):
        rows = generator.integers(len(truth), size=len(truth))
        differences[number] = metric(truth[rows], a[rows]) - metric(truth[rows], b[rows])
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return PairedDifference(difference, float("nan"), float("nan"), 0)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return PairedDifference(difference, float(low), float(high), len(defined))


def log_losses(churned: ArrayLike, churn_risk: ArrayLike) -> FloatArray:
    """What each customer adds to `log_loss`, shape (n,)."""
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    smallest = np.finfo(np.float64).eps
    said = np.clip(np.where(churned == 1, churn_risk, 1 - churn_risk), smallest, None)
    return np.asarray(-np.log(said))


def tweedie_losses(spend: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """What each customer adds to `tweedie_deviance`, shape (n,); NaN if nobody spent."""
    spend, forecast = _value_arrays(spend, forecast)
    if not spend.any():
        return np.full(len(spend), np.nan)
    floored = np.maximum(forecast, TWEEDIE_FLOOR * spend.mean())
    return np.asarray(4 * (np.sqrt(spend) - np.sqrt(floored)) ** 2 / np.sqrt(floored))


def clustered_bootstrap(difference: pd.Series, seed: int, rounds: int = 1000) -> PairedDifference:
    """Mean of paired differences with a 95% interval over customers, who may have several rows.

    All rows of a customer are drawn together; beyond 2000 customers, random groups of them are
    (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, sections 8.5 and 13.3).

    Parameters
    ----------
    difference : pandas.Series, shape (rows,)
        Loss of one forecast less that of another; index customer_id.
    seed : int
    rounds : int

    Examples
    --------
    >>> clustered_bootstrap(pd.Series([1.0, 1.0, 1.0], ["a", "a", "b"]), seed=0)
    PairedDifference(difference=1.0, low=1.0, high=1.0, rounds=1000)
    """
    sums = difference.groupby(level=0, sort=True).agg(["sum", "count"]).to_numpy(dtype=np.float64)
    generator = np.random.default_rng(seed)
    if len(sums) > GROUPS:
        group = generator.permutation(len(sums)) % GROUPS
        sums = np.column_stack([np.bincount(group, column) for column in sums.T])
    drawn = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), rounds) @ sums
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [tail, 1 - tail])
    return PairedDifference(float(difference.mean()), float(low), float(high), rounds)


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
    churned, churn_risk = _churn_arrays(churned, churn_risk)
    rows = pd.DataFrame({"churned": churned, "churn_risk": churn_risk})
    table = rows.groupby(_equal_mass(churn_risk, bins)).agg(
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
    outcome = _not_negative("outcome", _vector("outcome", outcome))
    score = _aligned("outcome", outcome, "score", score)
    shares = np.linspace(0, 1, 101)
    return pd.DataFrame(
        {
            "share_of_customers": shares,
            "captured": _captured(outcome, score, shares),
            "captured_at_best": _captured(outcome, outcome, shares),
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
    spend, forecast = _value_arrays(spend, forecast)
    rows = pd.DataFrame({"forecast": forecast, "spend": spend})
    table = rows.groupby(_equal_mass(forecast, 10) + 1).agg(
        customers=("spend", "size"),
        mean_forecast=("forecast", "mean"),
        mean_spend=("spend", "mean"),
    )
    return table.rename_axis("decile").reset_index()


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
    outcome, low, high = _interval_arrays(outcome, low, high)
    forecast = _aligned("outcome", outcome, "forecast", forecast)
    covered = (low <= outcome) & (outcome <= high)
    rows = pd.DataFrame({"covered": covered, "low": low, "high": high})
    table = rows.groupby(_equal_mass(forecast, 10) + 1).agg(
        customers=("covered", "size"),
        coverage=("covered", "mean"),
        mean_low=("low", "mean"),
        mean_high=("high", "mean"),
    )
    return table.rename_axis("decile").reset_index()


def _equal_mass(score: FloatArray, bins: int) -> NDArray[np.int64]:
    """Bin of each customer, 0 up, by the middle of the ranks that its score occupies."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}. Use 10 for deciles.")
    # Twice the mean rank is a whole number, so no rounding can move a customer across an edge.
    doubled: NDArray[np.int64] = (2 * stats.rankdata(score)).astype(np.int64)
    return (doubled - 1) * bins // (2 * len(score))


def _captured(outcome: FloatArray, score: FloatArray, shares: FloatArray) -> FloatArray:
    """Share of the outcome held by the top shares of customers, straight through tied scores."""
    if not outcome.any():
        return np.full(len(shares), np.nan)
    _, group = np.unique(-score, return_inverse=True)
    customers = np.append(0, np.cumsum(np.bincount(group)))
    held = np.append(0.0, np.cumsum(np.bincount(group, weights=outcome)))
    captured: FloatArray = np.interp(shares, customers / customers[-1], held / held[-1])
    return captured


def _churn_arrays(churned: ArrayLike, churn_risk: ArrayLike) -> tuple[FloatArray, FloatArray]:
    outcome = _vector("churned", churned)
    risk = _aligned("churned", outcome, "churn_risk", churn_risk)
    neither = (outcome != 0) & (outcome != 1)
    _refuse("churned", outcome, neither, "true or false (1 or 0)", "Pass labels, not forecasts.")
    outside = (risk < 0) | (risk > 1)
    _refuse("churn_risk", risk, outside, "between 0 and 1", "Pass probabilities, not percentages.")
    return outcome, risk


def _value_arrays(spend: ArrayLike, forecast: ArrayLike) -> tuple[FloatArray, FloatArray]:
    actual = _not_negative("spend", _vector("spend", spend))
    expected = _aligned("spend", actual, "forecast", forecast)
    return actual, _not_negative("forecast", expected)


def _interval_arrays(
    outcome: ArrayLike, low: ArrayLike, high: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    actual = _vector("outcome", outcome)
    lowest = _aligned("outcome", actual, "low", low)
    highest = _aligned("outcome", actual, "high", high)
    crossed = highest < lowest
    _refuse("high", highest, crossed, "at least low", "Pass low before high.")
    return actual, lowest, highest


def _vector(name: str, values: ArrayLike) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be numbers; got something else ({error}). Convert to float first."
        ) from error
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional; got shape {array.shape}. Pass one value per customer."
        )
    if not len(array):
        raise ValueError(f"{name} must hold at least one customer; got none. Check the population.")
    _refuse(name, array, ~np.isfinite(array), "finite", "Fill or drop those customers first.")
    return array


def _aligned(reference: str, first: FloatArray, name: str, values: ArrayLike) -> FloatArray:
    array = _vector(name, values)
    if len(array) != len(first):
        raise ValueError(
            f"{name} must be as long as {reference} ({len(first)}); got {len(array)}. "
            "Align both on customer_id."
        )
    return array


def _not_negative(name: str, array: FloatArray) -> FloatArray:
    _refuse(name, array, array < 0, "0 or more", "Clip each customer's total at 0.")
    return array


def _refuse(name: str, array: FloatArray, bad: NDArray[np.bool_], rule: str, remedy: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{name} must be {rule}; got {array[first]} at position {first} "
            f"({int(bad.sum())} such values). {remedy}"
        )


def _constant(array: FloatArray) -> bool:
    return bool((array == array[0]).all())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
