"""Assignments: offers made in the past, each as known when it was made, and what followed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.history.history import Past
from features.table import describe
from features.to_pandas import to_pandas
from training.btyd.population import PopulationModel
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.panel.labels import Value, covered_until, outcomes
from training.panel.panel import Progress, purchase_history

# A column beside those of the feature table: what a buy-till-you-die model expects.
EXPECTED = "logit_no_order"


@dataclass(frozen=True)
class Assignments:
    """Who was assigned what, one row each; a customer may be in several.

    Attributes
    ----------
    X : pandas.DataFrame, shape (assignments, features)
        Index `customer_id`. The feature table at the moment of assignment, and what MBG/NBD
        expected then.
    offer : numpy.ndarray of str, shape (assignments,)
        What the customer got, `none` for controls.
    propensity : numpy.ndarray, shape (assignments,)
        The probability of getting just that; NaN where it was not logged.
    ordered, spend : numpy.ndarray, shape (assignments,)
        Whether an order came within the horizon, and net spend in it.
    btyd : PopulationModel
        Fitted to the purchases before the first assignment.
    left_out : mapping of str to int
        Why assignments are not among the rows, and how many.
    """

    X: pd.DataFrame
    offer: NDArray[np.object_]
    propensity: FloatArray
    ordered: FloatArray
    spend: FloatArray
    btyd: PopulationModel
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.X)


def assignments_of(
    past: Past, horizon_days: int, value: Value, progress: Progress = lambda _: None
) -> Assignments:
    """Describe every assignment by what was known strictly before it, and join what followed.

    Parameters
    ----------
    past : Past
        Cut at the instant of training, with codes for its text attributes.
    horizon_days : int
        Length of the window after an assignment.
    value : Value
        Margin and discount rate of `spend`.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    TrainingError
        If no offers were logged, the window of none is over, or none was made to a customer with
        an earlier order.

    Notes
    -----
    Where some propensities were logged, assignments without are left out: to guess theirs beside
    known ones would bias what is learnt.
    """
    rows = _logged(past)
    left_out = Counter[str]()
    is_over = rows["day"] + horizon_days <= covered_until(past)
    left_out["their window is not over"] = int((~is_over).sum())
    rows = rows[is_over]
    if rows.empty:
        raise TrainingError(
            f"horizon_days must be over for some offer that was made; got {horizon_days}, and no "
            "offer is that old. Choose a shorter horizon or a later as_of."
        )
    if (is_logged := rows["propensity"].notna()).any():
        left_out["their propensity was not logged, as that of others was"] = int((~is_logged).sum())
        rows = rows[is_logged]
    tables, facts = [], []
    instants = rows.groupby("day")
    for number, (_, part) in enumerate(instants, start=1):
        progress(f"assignments of instant {number} of {len(instants)}")
        table, known = _followed(past, part, horizon_days, value)
        tables.append(table)
        facts.append(known)
    X, fact = pd.concat(tables), pd.concat(facts)
    left_out["the customer had not ordered before"] = len(rows) - len(X)
    if X.empty:
        raise TrainingError(
            f"offers must have been made to customers with an order before; none of {len(rows)} "
            "was. Check the customer ids and times of the offers table."
        )
    btyd = PopulationModel.of_purchases(purchase_history(past.upto(float(fact["day"].min()))))
    return Assignments(
        X=described(X, btyd, horizon_days),
        offer=fact["offer_id"].to_numpy(dtype=object),
        propensity=fact["propensity"].to_numpy(dtype=np.float64),
        ordered=fact["ordered"].to_numpy(),
        spend=fact["spend"].to_numpy(),
        btyd=btyd,
        left_out={why: count for why, count in left_out.items() if count},
    )


def described(table: pd.DataFrame, btyd: PopulationModel, horizon_days: float) -> pd.DataFrame:
    """A feature table with what MBG/NBD expects of every customer."""
    return table.assign(**{EXPECTED: btyd.logit_no_order(table, horizon_days)})


def _logged(past: Past) -> pd.DataFrame:
    if past.offers is None:
        raise TrainingError(
            "the history must have a table offers with what was offered to whom; it has none. Log "
            "the rows of a plan there, see docs/history.md."
        )
    columns = ("customer_id", "day", "offer_id", "propensity")
    rows = to_pandas(past.offers.select(*columns).collect("polars").to_native())
    return rows.sort_values(["day", "customer_id", "offer_id"], kind="stable")


def _followed(
    past: Past, part: pd.DataFrame, horizon_days: int, value: Value
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The assignments of one instant: features of before it, and what was done and followed."""
    day = float(part["day"].iloc[0])
    concerned = past.of_customers(part["customer_id"].unique())
    table = describe(concerned.upto(day), horizon_days)
    known = part[part["customer_id"].isin(table.index)].set_index("customer_id")
    after = outcomes(concerned, day, horizon_days, value).reindex(known.index, fill_value=0.0)
    return table.loc[known.index], known.assign(
        ordered=after["ordered"].to_numpy(), spend=after["spend"].to_numpy()
    )
