"""How well a ranking by predicted uplift finds the customers whom an offer changes.

Every metric takes three arrays of shape (n,): `outcome` (more is better), `uplift` (what customers
are ranked by, highest first) and `treated` (0 or 1) of a randomised experiment. Customers of equal
uplift enter together, so row order never changes a result.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from training.evaluation.validation import FloatArray, aligned, ratio, refuse, vector

# Of the customers, from the top: as campaigns reach.
SHARES = (0.1, 0.2, 0.3)


@dataclass(frozen=True)
class _Cumulated:
    """What the best-ranked customers add up to, from none of them to all; each shape (m,)."""

    treated: FloatArray
    untreated: FloatArray
    outcome_treated: FloatArray
    outcome_untreated: FloatArray

    @property
    def customers(self) -> FloatArray:
        return self.treated + self.untreated

    def at(self, customers: float) -> "_Cumulated":
        """The sums of so many customers, straight through tied ones."""
        names = ("treated", "untreated", "outcome_treated", "outcome_untreated")
        return _Cumulated(
            *(np.interp([customers], self.customers, getattr(self, n)) for n in names)
        )


def uplift_metrics(outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike) -> dict[str, float]:
    """Every metric of an uplift ranking, in a fixed order.

    Parameters
    ----------
    outcome : array of float, shape (n,)
        What each customer did, more is better.
    uplift : array of float, shape (n,)
        What customers are ranked by, highest first.
    treated : array of bool, shape (n,)
        Whether each customer got the offer.

    Returns
    -------
    dict of str to float
        qini, auuc, uplift_at_10, uplift_at_20, uplift_at_30.

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or `treated` is neither 0 nor 1.

    Examples
    --------
    >>> found = uplift_metrics([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1])
    >>> {name: round(value, 3) for name, value in found.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'qini': 0.833, 'auuc': 1.0, 'uplift_at_10': nan, 'uplift_at_20': nan, 'uplift_at_30': nan}
    """
    found = {"qini": qini(outcome, uplift, treated), "auuc": auuc(outcome, uplift, treated)}
    at = {f"uplift_at_{s:.0%}"[:-1]: uplift_at(outcome, uplift, treated, s) for s in SHARES}
    return found | at


def qini(outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike) -> float:
    """Qini coefficient: area between Qini curve and chance, over that of the perfect ranking.

    Curve and coefficient of Radcliffe (Direct Marketing Analytics Journal 1, 2007). Normalised by
    the ranking that puts treated customers who responded first and untreated ones who did last,
    which nobody can reach: good models score a few hundredths. The same as `qini_auc_score` of
    scikit-uplift with `negative_effect=True`. NaN if there is nothing to rank.

    Examples
    --------
    >>> round(qini([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1]), 3)
    0.833
    """
    y, score, t = _arrays(outcome, uplift, treated)
    own, best = _cumulated(y, score, t), _cumulated(y, y * (2 * t - 1), t)
    return ratio(_above_chance(own, _gained(own)), _above_chance(best, _gained(best)))


def auuc(outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike) -> float:
    """Area under the uplift curve above chance, over that of the perfect ranking.

    The uplift curve is the difference between the mean outcomes of treated and untreated among the
    best-ranked, times their number (Devriendt, Moldovan & Verbeke, Big Data 6, 2018). The same as
    `uplift_auc_score` of scikit-uplift; the outcome must be 0 or 1 for its perfect ranking.

    Raises
    ------
    ValueError
        As in `uplift_metrics`.

    Examples
    --------
    >>> auuc([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1])
    1.0
    """
    y, score, t = _arrays(outcome, uplift, treated)
    untreated_responders, treated_others = ((y == 1) & (t == 0)).sum(), ((y == 0) & (t == 1)).sum()
    first = y if untreated_responders > treated_others else t
    own, best = _cumulated(y, score, t), _cumulated(y, 2 * (y == t) + first, t)
    return ratio(_above_chance(own, _lifted(own)), _above_chance(best, _lifted(best)))


def uplift_at(
    outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike, share: float = 0.3
) -> float:
    """Mean outcome of the treated less that of the untreated among the best-ranked share.

    The same as `uplift_at_k` of scikit-uplift with strategy `overall`, except that of tied
    customers across the boundary each counts in part instead of the last rows counting fully. NaN
    if the share holds nobody treated or nobody untreated.

    Parameters
    ----------
    outcome, uplift, treated : array, shape (n,)
    share : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        As in `uplift_metrics`, or if `share` is not between 0 and 1.

    Examples
    --------
    >>> uplift_at([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1], share=0.5)
    1.0
    """
    y, score, t = _arrays(outcome, uplift, treated)
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1; got {share}. Use 0.3 for the top 30%.")
    top = _cumulated(y, score, t).at(int(len(y) * share))
    by_arm = ((top.outcome_treated, top.treated), (top.outcome_untreated, top.untreated))
    means = [ratio(float(total[0]), float(customers[0])) for total, customers in by_arm]
    return means[0] - means[1]


def uplift_table(outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike) -> pd.DataFrame:
    """The Qini curve: outcomes gained by treating the best-ranked 0, 1, 2 ... 100% of customers.

    Parameters
    ----------
    outcome, uplift, treated : array, shape (n,)

    Returns
    -------
    pandas.DataFrame
        101 rows: share_of_customers; gained, the outcomes of the treated among them beyond what
        as many untreated had, per 1,000 customers treated in all; at_random, the same in a random
        order.

    Raises
    ------
    ValueError
        As in `uplift_metrics`.

    Examples
    --------
    >>> table = uplift_table([1, 0, 1, 0], [4, 3, 2, 1], [1, 0, 0, 1])
    >>> table.iloc[[0, 50, 100]].round(1)
         share_of_customers  gained  at_random
    0                   0.0     0.0        0.0
    50                  0.5   500.0        0.0
    100                 1.0     0.0        0.0
    """
    own = _cumulated(*_arrays(outcome, uplift, treated))
    shares = np.linspace(0, 1, 101)
    gained = 1000 * _gained(own) / max(float(own.treated[-1]), 1.0)
    return pd.DataFrame(
        {
            "share_of_customers": shares,
            "gained": np.interp(shares, own.customers / own.customers[-1], gained),
            "at_random": shares * gained[-1],
        }
    )


def _arrays(
    outcome: ArrayLike, uplift: ArrayLike, treated: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    y = vector("outcome", outcome)
    score = aligned("outcome", y, "uplift", uplift)
    t = aligned("outcome", y, "treated", treated)
    refuse("treated", t, (t != 0) & (t != 1), "true or false (1 or 0)", "Compare one offer.")
    return y, score, t


def _cumulated(y: FloatArray, score: FloatArray, t: FloatArray) -> _Cumulated:
    _, group = np.unique(-score, return_inverse=True)
    each = (t, 1 - t, y * t, y * (1 - t))
    return _Cumulated(*(np.append(0.0, np.cumsum(np.bincount(group, v))) for v in each))


def _gained(sums: _Cumulated) -> FloatArray:
    """The Qini curve: outcomes of the treated beyond those of as many untreated."""
    scale = np.divide(sums.treated, sums.untreated, out=_zeros(sums), where=sums.untreated > 0)
    return sums.outcome_treated - sums.outcome_untreated * scale


def _lifted(sums: _Cumulated) -> FloatArray:
    """The uplift curve: difference between mean outcomes, times customers."""
    treated = np.divide(
        sums.outcome_treated, sums.treated, out=_zeros(sums), where=sums.treated > 0
    )
    untreated = np.divide(
        sums.outcome_untreated, sums.untreated, out=_zeros(sums), where=sums.untreated > 0
    )
    return (treated - untreated) * sums.customers


def _above_chance(sums: _Cumulated, curve: FloatArray) -> float:
    customers = sums.customers
    return float(trapezoid(curve, customers) - customers[-1] * curve[-1] / 2)


def _zeros(sums: _Cumulated) -> FloatArray:
    return np.zeros(len(sums.treated))
