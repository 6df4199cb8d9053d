"""The table of a plan: who is to get which offer, as it was written, checked when it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import pandas as pd

from features.schema import NO_OFFER
from offers.errors import OffersError
from offers.planning.plan_columns import COLUMNS, EVIDENCE, PLAN_COLUMNS, PlanColumn

# Names the row of all offers together where results are listed by offer.
TOTAL = "total"
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
        rows = rows.assign(**{c.name: READERS[c.dtype](rows, c) for c in PLAN_COLUMNS})
        _require_arms(rows)
        for column in PLAN_COLUMNS:
            if column.constant:
                _require_constant(rows, column.name)
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
    """Arms are in keeping with the offers, and offers say what kind they are."""
    intended = rows["intended_offer"] != NO_OFFER
    _require(rows, "intended_offer", rows["intended_offer"] != TOTAL, f"no offer named {TOTAL}")
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


def _texts(rows: pd.DataFrame, column: PlanColumn) -> pd.Series:
    texts = rows[column.name]
    if not column.nullable:
        given = texts.map(lambda cell: isinstance(cell, str) and cell != "")
        _require(rows, column.name, given, "text")
        if column.texts:
            _require(rows, column.name, texts.isin(column.texts), column.rule)
    return texts


def _instants(rows: pd.DataFrame, column: PlanColumn) -> pd.Series:
    instants = pd.to_datetime(rows[column.name], errors="coerce", format="ISO8601")
    _require(rows, column.name, instants.notna(), column.rule)
    return instants


def _flags(rows: pd.DataFrame, column: PlanColumn) -> pd.Series:
    known = {"true": True, "false": False}
    flags = rows[column.name].map(lambda cell: known.get(str(cell).lower()))
    _require(rows, column.name, flags.notna(), column.rule)
    return flags.astype(bool)


def _numbers(rows: pd.DataFrame, column: PlanColumn) -> pd.Series:
    numbers = pd.to_numeric(rows[column.name], errors="coerce").astype(np.float64)
    right = numbers.between(column.low, column.high) & np.isfinite(numbers)
    if column.above_low:
        right &= numbers > column.low
    if column.dtype == "whole":
        right &= numbers % 1 == 0
    _require(rows, column.name, right, column.rule)
    return numbers


READERS = {
    "text": _texts,
    "instant": _instants,
    "flag": _flags,
    "whole": _numbers,
    "number": _numbers,
}
