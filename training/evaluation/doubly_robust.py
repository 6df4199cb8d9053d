"""Doubly robust estimates from logged offers: values of policies and effects, with intervals.

A score per customer and arm stands for the outcome that the customer would have had in that arm:
what a model expects, plus, for the arm that was given, the model's error over the probability of
having been given it. Means of scores are right if either the model or the probabilities are
(Robins, Rotnitzky & Zhao, Journal of the American Statistical Association 89, 1994), and nearly
normal with the usual standard error if the model never saw the customer it is applied to
(Chernozhukov et al., Econometrics Journal 21, 2018).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from training.evaluation.validation import CONFIDENCE, FloatArray, aligned, refuse, vector

# Standard errors on either side of a mean.
NORMAL = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class MeanEstimate:
    """A mean over customers with its standard error and 95% interval."""

    value: float
    standard_error: float
    low: float
    high: float
    customers: int

    @classmethod
    def of(cls, scores: FloatArray, customer: NDArray[np.int64] | None = None) -> "MeanEstimate":
        """The mean of scores, shape (n,); no interval from fewer than two customers.

        Rows of one `customer` count as dependent: errors are clustered (Liang & Zeger, Biometrika
        73, 1986). Default: every row is a customer of its own.
        """
        value = float(scores.mean()) if len(scores) else float("nan")
        off: FloatArray = scores - value
        if customer is not None:
            _, owner = np.unique(customer, return_inverse=True)
            off = np.asarray(np.bincount(owner, off), dtype=np.float64)
        customers = len(off)
        if customers < 2:
            return cls(value, float("nan"), float("nan"), float("nan"), customers)
        scale = customers / (customers - 1)
        error = float(np.sqrt(scale * (off**2).sum()) / len(scores))
        return cls(value, error, value - NORMAL * error, value + NORMAL * error, customers)


def doubly_robust_scores(
    outcome: ArrayLike, arm: ArrayLike, propensity: ArrayLike, expected: ArrayLike
) -> FloatArray:
    """Scores whose mean over customers is the mean outcome if all were in an arm.

    Equation 3 of Dudik, Langford & Li (Doubly Robust Policy Evaluation and Learning, ICML 2011).
    The propensity of an arm matters only for customers who were in it, so the probability of what
    each customer got, which is what logs hold, is enough.

    Parameters
    ----------
    outcome : array of float, shape (n,)
    arm : array of int, shape (n,)
        The arm each customer was in, 0 to arms - 1.
    propensity : array of float, shape (n,)
        Probability with which each customer got that arm, above 0.
    expected : array of float, shape (n, arms)
        Outcome expected of each customer in each arm, by a model that did not see the customer.

    Returns
    -------
    numpy.ndarray, shape (n, arms)

    Raises
    ------
    ValueError
        If shapes differ, an arm does not exist, or a propensity is not in (0, 1].

    Examples
    --------
    >>> doubly_robust_scores([1.0, 0.0], [1, 0], [0.5, 0.5], [[0.2, 0.6], [0.2, 0.6]])
    array([[ 0.2,  1.4],
           [-0.2,  0.6]])
    """
    y = vector("outcome", outcome)
    p = aligned("outcome", y, "propensity", propensity)
    refuse("propensity", p, (p <= 0) | (p > 1), "in (0, 1]", "Pass the chance of what each got.")
    model = np.asarray(expected, dtype=np.float64)
    if model.ndim != 2 or len(model) != len(y):
        raise ValueError(
            f"expected must have shape ({len(y)}, arms); got {model.shape}. "
            "Pass one column per arm."
        )
    given = _arms(arm, y, model.shape[1])
    scores = model.copy()
    rows = np.arange(len(y))
    scores[rows, given] += (y - model[rows, given]) / p
    return scores


def policy_value(scores: FloatArray, policy: ArrayLike) -> MeanEstimate:
    """Mean outcome if every customer were in the arm that a policy chooses.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n, arms)
        From `doubly_robust_scores`.
    policy : array of int, shape (n,)
        Arm of each customer, chosen without sight of the customer's outcome.

    Returns
    -------
    Estimate
        `low` and `high` are its 95% interval.

    Raises
    ------
    ValueError
        If lengths differ or an arm does not exist.

    Examples
    --------
    >>> policy_value(np.array([[0.2, 1.4], [-0.2, 0.6]]), [1, 1]).value
    1.0
    """
    chosen = _arms(policy, scores[:, 0], scores.shape[1])
    return MeanEstimate.of(scores[np.arange(len(scores)), chosen])


def policy_difference(scores: FloatArray, policy: ArrayLike, other: ArrayLike) -> MeanEstimate:
    """How much higher the value of a policy is than that of another, paired by customer.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n, arms)
        From `doubly_robust_scores`.
    policy, other : array of int, shape (n,)
        Arm of each customer under either policy.

    Examples
    --------
    >>> policy_difference(np.array([[0.25, 1.5], [-0.25, 0.5]]), [1, 0], [0, 0]).value
    0.625
    """
    rows, arms = np.arange(len(scores)), scores.shape[1]
    chosen = _arms(policy, scores[:, 0], arms)
    return MeanEstimate.of(scores[rows, chosen] - scores[rows, _arms(other, scores[:, 0], arms)])


def group_effect(
    scores: FloatArray,
    arm: int,
    group: NDArray[np.bool_],
    customer: NDArray[np.int64] | None = None,
) -> MeanEstimate:
    """Mean change that an arm makes, against arm 0, to the customers of a group.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n, arms)
        From `doubly_robust_scores`.
    arm : int
    group : array of bool, shape (n,)
        Chosen without sight of the outcomes.
    customer : array of int, shape (n,), optional
        Whose row it is, if customers have several.

    Examples
    --------
    >>> scores = np.array([[0.2, 1.4], [-0.2, 0.6], [0.2, 0.2]])
    >>> round(group_effect(scores, 1, np.array([True, True, False])).value, 3)
    1.0
    """
    owner = None if customer is None else customer[group]
    return MeanEstimate.of(scores[group, arm] - scores[group, 0], owner)


def _arms(values: ArrayLike, reference: FloatArray, arms: int) -> NDArray[np.int64]:
    given = aligned("outcome", reference, "arm", values)
    outside = (given < 0) | (given >= arms) | (given % 1 != 0)
    refuse("arm", given, outside, f"a whole number from 0 to {arms - 1}", "Number the arms.")
    return given.astype(np.int64)
