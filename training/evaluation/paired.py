"""How sure it is that one forecast is better than another of the same customers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from training.evaluation.validation import CONFIDENCE, Metric, aligned, vector

# Customers beyond it are drawn in so many groups: the interval is the same, the time is not.
GROUPS = 2000


@dataclass(frozen=True)
class PairedDifference:
    """How much higher a metric is for one forecast than for another, with its 95% interval."""

    difference: float
    low: float
    high: float
    rounds: int


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
        Any metric of `training.evaluation`: (truth, forecast) to float.
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
    >>> from training.evaluation import mae
    >>> spend = [0.0, 10.0, 20.0, 30.0]
    >>> paired_bootstrap(mae, spend, [1.0, 11.0, 21.0, 31.0], [2.0, 12.0, 22.0, 32.0], seed=0)
    PairedDifference(difference=-1.0, low=-1.0, high=-1.0, rounds=1000)
    """
    truth = vector("truth", truth)
    a = aligned("truth", truth, "a", a)
    b = aligned("truth", truth, "b", b)
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


def clustered_bootstrap(
    differences: Sequence[pd.Series], seed: int, rounds: int = 1000
) -> PairedDifference:
    """Mean of paired differences, every origin counting alike, with a 95% interval over customers.

    A customer's rows of all origins are drawn together; beyond 2000 customers, random groups of
    them are (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, sections 8.5 and 13.3).

    Parameters
    ----------
    differences : sequence of pandas.Series, shape (rows,) each
        One for each origin: loss of one forecast less that of another; index customer_id.
    seed : int
    rounds : int

    Returns
    -------
    PairedDifference
        `difference` is the mean over origins of their means over customers.

    Examples
    --------
    >>> many, few = pd.Series([1.0, 1.0, 1.0], ["a", "b", "c"]), pd.Series([3.0], ["a"])
    >>> clustered_bootstrap([many, few], seed=0).difference
    2.0
    """
    customer, known = pd.factorize(pd.concat(differences).index, sort=True)
    origin = np.repeat(np.arange(len(differences)), [len(found) for found in differences])
    members = len(known)
    generator = np.random.default_rng(seed)
    if members > GROUPS:
        customer = (generator.permutation(members) % GROUPS)[customer]
        members = GROUPS
    cell, cells = customer * len(differences) + origin, members * len(differences)
    values = np.concatenate([found.to_numpy(dtype=np.float64) for found in differences])
    drawn = generator.multinomial(members, np.full(members, 1 / members), rounds)
    sums, counts = (
        drawn @ np.bincount(cell, weights, cells).reshape(members, -1)
        for weights in (values, np.ones(len(values)))
    )
    # An origin of very few customers may be drawn without any.
    means = np.nanmean(
        np.divide(sums, counts, where=counts > 0, out=np.full(sums.shape, np.nan)), 1
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    difference = float(np.mean([found.mean() for found in differences]))
    return PairedDifference(difference, float(low), float(high), rounds)
