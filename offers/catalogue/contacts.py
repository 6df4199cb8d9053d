"""Contacts: who may be contacted, what they were offered lately, and what they refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.history.history import Past
from features.intake.consent import GIVEN, WITHHELD
from features.schema import NO_OFFER

CONSENT_STATES = ("unrecorded", "withheld", "unclear", "given")


@dataclass(frozen=True)
class Contacts:
    """What was known of consent and earlier offers strictly before `as_of`.

    Attributes
    ----------
    as_of : datetime
        On the shop's wall clock.
    consent : pandas.Series of str
        Index `customer_id`: `marketing_consent` as recorded, in small letters.
    offered_days_ago : pandas.Series of float
        Index `customer_id`, a row for each offer received: days before `as_of`. Rows of customers
        held out as control are no offers.
    refused_days_ago : pandas.Series of float
        The same of refusals.
    """

    as_of: datetime
    consent: pd.Series[str]
    offered_days_ago: pd.Series[float]
    refused_days_ago: pd.Series[float]

    @classmethod
    def of(cls, past: Past) -> Self:
        """Read them from what was known before the cut.

        Examples
        --------
        >>> from features.history.history import History
        >>> history = History(
        ...     pd.DataFrame({"order_id": ["1"], "customer_id": ["a"], "amount": [20.0],
        ...                   "ordered_at": ["2024-01-05"]}),
        ...     customers=pd.DataFrame({"customer_id": ["a"], "marketing_consent": ["Yes"]}))
        >>> Contacts.of(history.upto("2024-02-01")).consent_of(pd.Index(["a", "b"])).tolist()
        ['given', 'unrecorded']
        """
        offers, day = past.offers, past.day
        made = offers if offers is None else offers.filter(nw.col("offer_id") != NO_OFFER)
        return cls(
            as_of=past.as_of,
            consent=_column(past.customers, "marketing_consent").astype("string").str.lower(),
            offered_days_ago=day - _column(made, "day"),
            refused_days_ago=day - _column(made, "refused_day"),
        )

    def consent_of(self, customers: pd.Index) -> NDArray[np.object_]:
        """One of `CONSENT_STATES` for each customer; only `given` allows an offer."""
        said = self.consent.reindex(customers)
        states = [said.isna(), said.isin(WITHHELD), said.isin(GIVEN)]
        chosen = np.select(states, ["unrecorded", "withheld", "given"], "unclear")
        return chosen.astype(object)

    def offers_of(self, customers: pd.Index, days: float) -> NDArray[np.int64]:
        """How many offers each customer received in the last `days` days."""
        return _counted(self.offered_days_ago, customers, days)

    def refusals_of(self, customers: pd.Index, days: float) -> NDArray[np.int64]:
        """How many offers each customer refused in the last `days` days."""
        return _counted(self.refused_days_ago, customers, days)


def _column(frame: nw.LazyFrame[Any] | None, column: str) -> pd.Series[Any]:
    """What is known of one column, by customer, in an order that does not hang on that of rows."""
    if frame is None:
        return pd.Series(index=pd.Index([], dtype="str", name="customer_id"), dtype="float64")
    known = frame.filter(~nw.col(column).is_null()).select("customer_id", column)
    rows = known.collect("polars").to_native().sort("customer_id", column)
    index = pd.Index(rows["customer_id"].to_pandas(), name="customer_id")
    return pd.Series(rows[column].to_pandas().to_numpy(), index=index)


def _counted(days_ago: pd.Series[float], customers: pd.Index, days: float) -> NDArray[np.int64]:
    recent = days_ago.index[days_ago.to_numpy() <= days]
    rows = customers.get_indexer(recent)
    return np.bincount(rows[rows >= 0], minlength=len(customers))
