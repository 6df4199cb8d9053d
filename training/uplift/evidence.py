"""What was seen of effects, for groups of customers: single customers have none to see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation import FloatArray, group_effect
from training.evaluation.binning import equal_mass

# Fifths of the customers: in smaller groups intervals tell nothing.
GROUPS = 5


@dataclass(frozen=True)
class Evidence:
    """Effects predicted out of fold beside doubly robust scores of the same rows.

    It holds a row per customer, so it lives with a fitted model and is never saved.

    Attributes
    ----------
    offers : tuple of str
    scores : numpy.ndarray, shape (rows, offers + 1)
        Of no offer, and of each offer.
    effects : numpy.ndarray, shape (rows, offers)
        Calibrated.
    fold : numpy.ndarray of int, shape (rows,)
    customer : numpy.ndarray of int, shape (rows,)
        Whose row it is; intervals are over customers.
    """

    offers: tuple[str, ...]
    scores: FloatArray
    effects: FloatArray
    fold: NDArray[np.int64]
    customer: NDArray[np.int64]


def groups_of(effects: FloatArray, groups: int = GROUPS) -> NDArray[np.int64]:
    """Quantile group of each row, 1 lowest; rows of equal effect are never parted."""
    return equal_mass(effects, groups) + 1


def groups_by_fold(
    effects: FloatArray, fold: NDArray[np.int64], groups: int = GROUPS
) -> NDArray[np.int64]:
    """Quantile group of each row within its fold, whose effects come from one model."""
    found = np.empty(len(effects), dtype=np.int64)
    for number in np.unique(fold):
        found[fold == number] = groups_of(effects[fold == number], groups)
    return found


def group_effects(evidence: Evidence) -> pd.DataFrame:
    """Effect of each offer by quantile group of predicted uplift, with 95% intervals.

    Sorted group average treatment effects (Chernozhukov et al., Econometrica 93, 2025), with
    doubly robust scores of rows that neither the groups nor the scores' regressions saw.

    Returns
    -------
    pandas.DataFrame
        One row per offer and group: offer, group (1 has the lowest predicted uplift), customers,
        predicted (their mean), effect, standard_error, low, high.
    """
    rows = []
    for place, offer in enumerate(evidence.offers):
        predicted = evidence.effects[:, place]
        group = groups_by_fold(predicted, evidence.fold)
        for number in np.unique(group):
            mine = group == number
            seen = group_effect(evidence.scores, place + 1, mine, evidence.customer)
            found = (seen.value, seen.standard_error, seen.low, seen.high)
            rows.append((offer, int(number), int(mine.sum()), predicted[mine].mean(), *found))
    columns = ["offer", "group", "customers", "predicted", "effect", "standard_error"]
    return pd.DataFrame(rows, columns=[*columns, "low", "high"])


def with_edges(table: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Add `from_uplift`: from which prediction on a customer belongs to each group.

    Parameters
    ----------
    table : pandas.DataFrame
        From `group_effects`.
    effects : pandas.DataFrame, shape (rows, offers)
        Of the rows learnt from, by the final model.

    Returns
    -------
    pandas.DataFrame
        NaN where nobody is in a group, because more than its share are tied in another.
    """
    lowest = {
        (offer, group): float(found.min())
        for offer in effects.columns
        for group, found in effects[offer].groupby(groups_of(effects[offer].to_numpy()))
    }
    keys = zip(table["offer"], table["group"], strict=True)
    return table.assign(from_uplift=[lowest.get(key, np.nan) for key in keys])


def harmed(effects: pd.DataFrame, predicted: pd.Series) -> NDArray[np.bool_]:
    """Whether the group each customer belongs to is one to which the offer did harm.

    Parameters
    ----------
    effects : pandas.DataFrame
        Groups of one offer, from `with_edges`.
    predicted : pandas.Series, shape (rows,)
        Predicted uplift of that offer.
    """
    reachable = effects[effects["from_uplift"].notna()].sort_values("from_uplift")
    edges = reachable["from_uplift"].to_numpy()[1:]
    place = np.searchsorted(edges, predicted.to_numpy(), side="right")
    return np.asarray((reachable["high"] < 0).to_numpy()[place])
