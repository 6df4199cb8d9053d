"""What a metric is: a named expression over one frame of a period, with its unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import narwhals as nw

RowKind = Literal["customers", "refunds", "answers", "tickets", "table"]

COUNTED = ("customers", "orders", "answers", "tickets")


@dataclass(frozen=True)
class Metric:
    """One figure of a period.

    Attributes
    ----------
    name : str
        Column name.
    family : str
        activity, purchases, bridge or loyalty.
    unit : str
        customers, orders, currency, share, days ...
    meaning : str
        What it says of the shop, in one phrase.
    rows : str
        The frame that `value` aggregates over the customers of a group (see
        `features.metrics.frames`), or `table` for a value computed from other metrics.
    value : narwhals.Expr
        The expression.
    empty : float or None
        The value where a group has no such rows: 0 where 0 is the truth, else None.
    needs_start : bool
        Whether it is unknown unless the history reaches back before the period.
    """

    name: str
    family: str
    unit: str
    meaning: str
    rows: RowKind
    value: nw.Expr = field(compare=False, repr=False)
    empty: float | None = None
    needs_start: bool = False

    @property
    def is_count(self) -> bool:
        """Whether it is how many there are of something, and no mean or share."""
        return self.empty is not None and self.unit in COUNTED

    @property
    def column(self) -> nw.Expr:
        """The expression under the metric's name."""
        return self.value.alias(self.name)


@dataclass(frozen=True)
class MetricFamily:
    """Writes the metrics of one family over one frame, a line each."""

    name: str
    rows: RowKind
    empty: float | None = None
    needs_start: bool = False

    def __call__(self, name: str, unit: str, meaning: str, value: nw.Expr) -> Metric:
        """One metric of the family."""
        return Metric(
            name, self.name, unit, meaning, self.rows, value, self.empty, self.needs_start
        )
