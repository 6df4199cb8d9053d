"""The table of a plan: who is to get which offer, as it was written, checked when it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import pandas as pd

from features.schema import NO_OFFER
from offers.errors import OffersError

ARMS = ("offer", "holdout", "none")
EVIDENCE = ("experiment", "prior")
# Names the row of all offers together where results are listed by offer.
TOTAL = "total"

IDS = ("campaign_id", "customer_id", "intended_offer", "arm")
CONSTANTS = ("campaign_id", "as_of", "horizon_days", "margin_rate", "currency")
NUMBERS = {
    "horizon_days": (0.0, np.inf, "a whole number of days above 0"),
    "propensity": (0.0, 1.0, "above 0 and at most 1"),
    "expected_uplift": (-1.0, 1.0, "from -1 to 1"),
    "expected_cost": (0.0, np.inf, "an amount of 0 or more"),
    "expected_profit": (-np.inf, np.inf, "an amount"),
    "churn_risk": (0.0, 1.0, "from 0 to 1"),
    "clv_if_active": (0.0, np.inf, "an amount of 0 or more"),
    "upfront_cost": (0.0, np.inf, "an amount of 0 or more"),
    "margin_rate": (0.0, np.inf, "a number above 0"),
}
POSITIVE = ("horizon_days", "propensity", "margin_rate")
COLUMNS = (
    "campaign_id",
    "customer_id",
    "as_of",
    "horizon_days",
    "intended_offer",
    "arm",
    "explored",
    "propensity",
    "expected_uplift",
    "expected_cost",
    "expected_profit",
    "churn_risk",
    "clv_if_active",
    "reason",
    "evidence",
    "kind",
    "upfront_cost",
    "margin_rate",
    "currency",
)
REMEDY = "Give the plan as it was written; ids must be read as text."


@dataclass(frozen=True)
class PlanTable:
    """A checked plan of one campaign at one instant.

    Attributes
    ----------
    rows : pandas.DataFrame
        Columns `COLUMNS`, one row per eligible customer; other columns of a file are left out.
    """

    rows: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Check a plan read from a CSV or Parquet file.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns `COLUMNS`. Numbers, dates and `explored` may be text, as CSV files have them.

        Raises
        ------
        OffersError
            If columns are missing, a cell cannot be right, a customer is there twice, or the rows
            are of several campaigns or instants.

        Examples
        --------
        >>> PlanTable.of(pd.DataFrame({"customer_id": ["c1"]}))
        Traceback (most recent call last):
            ...
        offers.errors.OffersError: a plan must have the columns ...
        """
        missing = [c for c in COLUMNS if c not in frame]
        if missing:
            raise OffersError(
                f"a plan must have the columns {', '.join(COLUMNS)}; got none named {missing}. "
                f"{REMEDY}"
            )
        if frame.empty:
            raise OffersError("a plan must have at least one row; got none. Plan again.")
        rows = frame[list(COLUMNS)].reset_index(drop=True)
        for name in IDS:
            texts = rows[name].map(lambda cell: isinstance(cell, str) and cell != "")
            _require(rows, name, texts, "text")
        rows = rows.assign(
            as_of=_instants(rows), explored=_flags(rows), **{n: _numbers(rows, n) for n in NUMBERS}
        )
        _require_arms(rows)
        for name in CONSTANTS:
            _require_constant(rows, name)
        twice = rows["customer_id"].duplicated()
        _require(rows, "customer_id", ~twice, "in a plan once")
        return cls(rows)

    @property
    def campaign_id(self) -> str:
        """The campaign of all rows."""
        return str(self._constant("campaign_id"))

    @property
    def as_of(self) -> datetime:
        """The instant of the plan, on the shop's clock."""
        instant: pd.Timestamp = self._constant("as_of")
        return instant.to_pydatetime()

    @property
    def horizon_days(self) -> int:
        """Length of the window in which the offers are to work."""
        return int(self._constant("horizon_days"))

    @property
    def margin_rate(self) -> float:
        """What a unit of net spend is worth."""
        return float(self._constant("margin_rate"))

    @property
    def currency(self) -> str | None:
        """The currency of all amounts, if it is known."""
        currency = self._constant("currency")
        return None if pd.isna(currency) else str(currency)

    @property
    def experiment(self) -> pd.DataFrame:
        """The rows of customers for whom an offer was intended, whether made or held out."""
        intended = self.rows["arm"] != "none"
        return self.rows[intended].reset_index(drop=True)

    def _constant(self, name: str) -> Any:
        return self.rows[name].iloc[0]


def _require(rows: pd.DataFrame, name: str, right: pd.Series, rule: str) -> None:
    """Refuse the first row that is wrong."""
    if right.all():
        return
    row = int((~right.astype(bool)).to_numpy().argmax())
    value, customer = (rows[c].tolist()[row] for c in (name, "customer_id"))
    raise OffersError(
        f"{name} of a plan must be {rule}; got {value!r} for customer {customer!r}. {REMEDY}"
    )


def _require_arms(rows: pd.DataFrame) -> None:
    """Arms are known ones, in keeping with the offers, and offers say what kind they are."""
    intended = rows["intended_offer"] != NO_OFFER
    _require(rows, "intended_offer", rows["intended_offer"] != TOTAL, f"no offer named {TOTAL}")
    _require(rows, "arm", rows["arm"].isin(ARMS), "offer, holdout or none")
    agrees = (rows["arm"] != "none") == intended
    _require(rows, "arm", agrees, "none where intended_offer is none, and only there")
    told = rows["evidence"].isin(EVIDENCE) | ~intended
    _require(rows, "evidence", told, "experiment or prior where an offer is intended")
    _require(rows, "kind", rows["kind"].notna() | ~intended, "given where an offer is intended")


def _require_constant(rows: pd.DataFrame, name: str) -> None:
    values = rows[name].drop_duplicates().tolist()
    if len(values) > 1:
        raise OffersError(
            f"{name} must be the same in all rows of a plan; got {values[0]!r} and {values[1]!r}. "
            "Measure one plan at a time."
        )


def _instants(rows: pd.DataFrame) -> pd.Series:
    instants = pd.to_datetime(rows["as_of"], errors="coerce", format="ISO8601")
    _require(rows, "as_of", instants.notna(), "an instant")
    return instants


def _flags(rows: pd.DataFrame) -> pd.Series:
    flags = rows["explored"].map(lambda cell: {"true": True, "false": False}.get(str(cell).lower()))
    _require(rows, "explored", flags.notna(), "true or false")
    return flags.astype(bool)


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    low, high, rule = NUMBERS[name]
    numbers = pd.to_numeric(rows[name], errors="coerce").astype(np.float64)
    right = numbers.between(low, high) & np.isfinite(numbers)
    if name in POSITIVE:
        right &= numbers > 0
    if name == "horizon_days":
        right &= numbers % 1 == 0
    _require(rows, name, right, rule)
    return numbers
