"""Check what metrics are given: arrays of one customer each, aligned, and possible."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Metric = Callable[[FloatArray, FloatArray], float]

# Of every interval of a figure.
CONFIDENCE = 0.95


def churn_arrays(churned: ArrayLike, churn_risk: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Outcomes of 0 or 1 and probabilities of them."""
    outcome = vector("churned", churned)
    risk = aligned("churned", outcome, "churn_risk", churn_risk)
    neither = (outcome != 0) & (outcome != 1)
    refuse("churned", outcome, neither, "true or false (1 or 0)", "Pass labels, not forecasts.")
    outside = (risk < 0) | (risk > 1)
    refuse("churn_risk", risk, outside, "between 0 and 1", "Pass probabilities, not percentages.")
    return outcome, risk


def value_arrays(spend: ArrayLike, forecast: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Spend and its forecast, each 0 or more."""
    actual = not_negative("spend", vector("spend", spend))
    expected = aligned("spend", actual, "forecast", forecast)
    return actual, not_negative("forecast", expected)


def interval_arrays(
    outcome: ArrayLike, low: ArrayLike, high: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Outcomes and intervals whose ends are in order."""
    actual = vector("outcome", outcome)
    lowest = aligned("outcome", actual, "low", low)
    highest = aligned("outcome", actual, "high", high)
    crossed = highest < lowest
    refuse("high", highest, crossed, "at least low", "Pass low before high.")
    return actual, lowest, highest


def vector(name: str, values: ArrayLike) -> FloatArray:
    """One finite number per customer."""
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
    refuse(name, array, ~np.isfinite(array), "finite", "Fill or drop those customers first.")
    return array


def aligned(reference: str, first: FloatArray, name: str, values: ArrayLike) -> FloatArray:
    """One finite number per customer of `reference`."""
    array = vector(name, values)
    if len(array) != len(first):
        raise ValueError(
            f"{name} must be as long as {reference} ({len(first)}); got {len(array)}. "
            "Align both on customer_id."
        )
    return array


def not_negative(name: str, array: FloatArray) -> FloatArray:
    """Refuse what is below 0."""
    refuse(name, array, array < 0, "0 or more", "Clip each customer's total at 0.")
    return array


def refuse(name: str, array: FloatArray, bad: NDArray[np.bool_], rule: str, remedy: str) -> None:
    """Raise if anything is bad, naming the first such value."""
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{name} must be {rule}; got {array[first]} at position {first} "
            f"({int(bad.sum())} such values). {remedy}"
        )


def constant(array: FloatArray) -> bool:
    """Whether all values are equal."""
    return bool((array == array[0]).all())


def ratio(part: float, whole: float) -> float:
    """`part / whole`, NaN if there is no whole."""
    return part / whole if whole else float("nan")
