"""What a feature is: a named expression over one frame of the past, with its unit and meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import narwhals as nw
import polars as pl

from features.intake.steps import in_polars

RowKind = Literal["orders", "days", "refunds", "feedback", "offers", "customers", "table"]

# In days, as people ask: the last week, fortnight, month, two, a quarter, half a year, a year.
WINDOWS_D = (7, 14, 30, 60, 90, 180, 365)
# In horizons, for models: what lies within a quarter of the window that is forecast, up to four.
WINDOWS_H = {"025h": 0.25, "05h": 0.5, "1h": 1.0, "2h": 2.0, "4h": 4.0}
# In days: what is a month, a quarter and three quarters old counts half.
HALF_LIVES_D = (30, 90, 270)
# In horizons, likewise.
HALF_LIVES_H = {"025h": 0.25, "1h": 1.0, "4h": 4.0}
# In days: a year ago is the same weekday but one.
YEAR = 365.0


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Attributes
    ----------
    name : str
        Column name, with its window or unit in it.
    family : str
        horizon, recency, frequency, spend, rhythm, returns, feedback, exposure or profile.
    unit : str
        days, orders, currency, share, ratio, points ...
    meaning : str
        What it says of the customer, in one phrase.
    rows : str
        The frame that `value` aggregates per customer (see `features.table`), or `table` for a
        value computed from other features of the same customer.
    value : narwhals.Expr
        The expression. It sees ages (days before `as_of`), never dates.
    empty : float or None
        The value where the customer has no such rows: 0 where 0 is the truth, else None.
    source : str
        Where a feature of a shop's own is from, as `features.own.named` knows it; empty for those
        of the catalogue.
    digest : str
        Of the module that it is from; empty of a declared column.
    """

    name: str
    family: str
    unit: str
    meaning: str
    rows: RowKind
    value: nw.Expr = field(compare=False, repr=False)
    empty: float | None = None
    source: str = ""
    digest: str = ""

    @property
    def column(self) -> nw.Expr:
        """The expression under the feature's name."""
        return self.value.alias(self.name)

    @cached_property
    def polars_column(self) -> pl.Expr:
        """The same in Polars' own terms, kept: translating takes longer than a small table."""
        return in_polars(self.column)


@dataclass(frozen=True)
class Family:
    """Writes the features of one family over one frame, a line each."""

    name: str
    rows: RowKind
    empty: float | None = None

    def __call__(self, name: str, unit: str, meaning: str, value: nw.Expr) -> Feature:
        """One feature of the family."""
        return Feature(name, self.name, unit, meaning, self.rows, value, self.empty)


def count(condition: nw.Expr) -> nw.Expr:
    """How many rows fulfil a condition, as a float."""
    return count_of(nw.when(condition).then(nw.lit(1.0)))


def count_of(value: nw.Expr) -> nw.Expr:
    """How many rows have a value, as a float."""
    return value.count().cast(nw.Float64)


def total(value: nw.Expr, condition: nw.Expr) -> nw.Expr:
    """Sum of a value over the rows that fulfil a condition."""
    return nw.when(condition).then(value).otherwise(nw.lit(0.0)).sum()


def only(value: nw.Expr, condition: nw.Expr) -> nw.Expr:
    """The value where the condition holds, null elsewhere."""
    return nw.when(condition).then(value).otherwise(nw.lit(None, dtype=nw.Float64))


def ratio(numerator: nw.Expr, denominator: nw.Expr) -> nw.Expr:
    """Quotient, null where the denominator is not positive."""
    return numerator / only(denominator, denominator > 0)


def in_horizons(width: float) -> str:
    """A length in horizons in words, as it follows "the last" or "every"."""
    words = {0.25: "quarter of a horizon", 0.5: "half horizon", 1.0: "horizon"}
    return words.get(width, f"{width:g} horizons")


def decay(age: nw.Expr, half_life: float) -> nw.Expr:
    """Weight of an event that halves every `half_life`, in the unit of `age`."""
    return (age * (-math.log(2) / half_life)).exp()
