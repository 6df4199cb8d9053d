"""How good a forecast of churn was: ranking, probability and calibration."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics

from training.evaluation.group_tables import calibration_table
from training.evaluation.validation import FloatArray, churn_arrays, constant


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
    churned, churn_risk = churn_arrays(churned, churn_risk)
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


def auc(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Chance that a churned customer had a higher risk than one who stayed, ties counting half."""
    churned, churn_risk = churn_arrays(churned, churn_risk)
    if constant(churned):
        return float("nan")
    return float(metrics.roc_auc_score(churned, churn_risk))


def average_precision(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Precision averaged over the churned customers as the list is read from the riskiest down."""
    churned, churn_risk = churn_arrays(churned, churn_risk)
    if constant(churned):
        return float("nan")
    return float(metrics.average_precision_score(churned, churn_risk))


def log_loss(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Mean negative log-likelihood in nats; a certainty proved wrong costs 36, not infinity."""
    churned, churn_risk = churn_arrays(churned, churn_risk)
    return float(metrics.log_loss(churned, churn_risk, labels=[0, 1]))


def brier(churned: ArrayLike, churn_risk: ArrayLike) -> float:
    """Mean squared difference between the risk and the outcome (Brier, 1950)."""
    churned, churn_risk = churn_arrays(churned, churn_risk)
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
    churned, churn_risk = churn_arrays(churned, churn_risk)
    if not 0 <= base_rate <= 1:
        raise ValueError(
            f"base_rate must be between 0 and 1; got {base_rate}. "
            "Pass the share of churned customers in training."
        )
    if base_rate in (0, 1):
        return float("nan")
    return 1 - log_loss(churned, churn_risk) / log_loss(churned, np.full(len(churned), base_rate))


def log_losses(churned: ArrayLike, churn_risk: ArrayLike) -> FloatArray:
    """What each customer adds to `log_loss`, shape (n,)."""
    churned, churn_risk = churn_arrays(churned, churn_risk)
    smallest = np.finfo(np.float64).eps
    said = np.clip(np.where(churned == 1, churn_risk, 1 - churn_risk), smallest, None)
    return np.asarray(-np.log(said))
