"""The metrics of a shop, period by period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from features.clock import Instant, as_day, as_instant
from features.errors import HistoryError
from features.history.history import History, Past
from features.history.order_days import solid
from features.metrics.catalogue import METRICS
from features.metrics.every import Every
from features.metrics.frames import Frame, frames_of
from features.metrics.groups import GROUP, groups_of, values_of
from features.metrics.loyalty import with_student
from features.metrics.metric import Metric, RowKind
from features.metrics.periods import Period, beginning, periods_of

KEYS = ("start", "end", "is_whole", "group")


@dataclass(frozen=True)
class RetentionMetrics:
    """Figures of periods, and what they rest on.

    Attributes
    ----------
    table : pandas.DataFrame, shape (periods x (1 + groups), 4 + metrics)
        start, end, is_whole, group (None: of all customers) and a float64 column for each metric,
        NaN where unknown; by group, then in the order of time.
    horizon_days : float
        A customer who does not order for so long is lost.
    every : str
    by : str or None
        Column that the groups are of.
    currency : str or None
    first_day, last_day : datetime
        Of the orders that the figures rest on.
    """

    table: pd.DataFrame
    horizon_days: float
    every: Every
    by: str | None
    currency: str | None
    first_day: datetime
    last_day: datetime

    @property
    def overall(self) -> pd.DataFrame:
        """Those of all customers."""
        return self.table[self.table["group"].isna()]

    def as_dict(self) -> dict[str, Any]:
        """The figures as `holdfast metrics --json` has them; None where unknown."""
        groups = self.table["group"].dropna().unique()
        return {
            "horizon_days": self.horizon_days,
            "every": self.every,
            "by": self.by,
            "currency": self.currency,
            "first_day": self.first_day.date().isoformat(),
            "last_day": self.last_day.date().isoformat(),
            "periods": _documents(self.overall),
            "groups": [
                {"group": group, "periods": _documents(self.table[self.table["group"] == group])}
                for group in groups
            ],
        }


def retention_metrics(
    history: History,
    horizon_days: float,
    start: Instant | None = None,
    end: Instant | None = None,
    every: Every = "month",
    by: str | None = None,
) -> RetentionMetrics:
    """Who came, stayed, came back and was lost, what they bought and said, period by period.

    Parameters
    ----------
    history : History
        On Polars, DuckDB or PySpark; the same expressions run on each. Every period sees what was
        known before its end, and nothing else.
    horizon_days : float
        A customer who does not order for so long is lost.
    start : str, date, datetime or float, optional
        Where the first period begins; default: the week, month ... of the first order.
    end : str, date, datetime or float, optional
        Where the last period ends; default: the midnight after the last order.
    every : {"week", "month", "quarter", "year", "all"}
        How long periods are; `all`: one period.
    by : str, optional
        A column of customers, or of orders, whose value on the first order counts: the figures of
        its values come beside those of all.

    Returns
    -------
    RetentionMetrics

    Raises
    ------
    HistoryError
        If `horizon_days` is not positive, the interval is empty, or there is no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> from features.history.history import History, Past
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2", "3"], "customer_id": ["a", "a", "b"],
    ...     "ordered_at": ["2024-01-05", "2024-02-01", "2024-02-09"], "amount": [20.0, 35.0, 5.0]}))
    >>> found = retention_metrics(history, 30).table.set_index("start")
    >>> found[["customers_at_start", "new_customers", "customers_at_end", "revenue"]]
                customers_at_start  new_customers  customers_at_end  revenue
    start
    2024-01-01                 NaN            1.0               1.0     20.0
    2024-02-01                 1.0            1.0               2.0     40.0
    """
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise HistoryError(f"horizon_days must be a number of days > 0; got {horizon_days}.")
    days = solid(history.order_days)
    if days.is_empty():
        raise HistoryError("the history must have an order of a positive amount; got none.")
    first, last = float(days["day"][0]), float(days["day"][-1]) + 1.0
    zone = history.mapping.timezone
    begin = beginning(first, every) if start is None else as_day(start, zone)
    over = last if end is None else as_day(end, zone)
    periods = periods_of(begin, over, every)
    values: Sequence[str] = ()
    if by is not None:
        values = values_of((history.upto(period.end) for period in periods[::-1]), by)
    found = [
        _of_period(history.upto(p.end), p, float(horizon_days), by, values, last) for p in periods
    ]
    table = pl.concat(found).to_pandas()
    order = table["group"].map({value: place for place, value in enumerate(values)}).fillna(-1)
    table = table.iloc[order.argsort(kind="stable")].reset_index(drop=True)
    return RetentionMetrics(
        table, float(horizon_days), every, by, history.mapping.currency,
        as_instant(first), as_instant(last - 1.0),
    )  # fmt: skip


def _documents(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "start": row["start"].isoformat(),
            "end": row["end"].isoformat(),
            "is_whole": bool(row["is_whole"]),
            **{metric.name: _plain(metric, row[metric.name]) for metric in METRICS},
        }
        for _, row in rows.iterrows()
    ]


def _plain(metric: Metric, value: float) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if metric.is_count else float(value)


@dataclass(frozen=True)
class _Known:
    """From when to when orders are known, as `day`; and whether any answer is."""

    first: float | None
    last: float
    has_answers: bool

    @classmethod
    def of(cls, past: Past, last: float) -> _Known:
        """What is known at a cut; no row that comes later changes it."""
        answers = None if past.feedback is None else _least(past.feedback, "known_day")
        return cls(_least(past.purchases, "day"), last, answers is not None)

    def knows(self, metric: Metric, period: Period) -> bool:
        """Whether a figure of a period can be told."""
        if metric.rows in ("answers", "tickets"):
            return self.has_answers
        if self.first is None or period.start >= self.last:
            return False
        return not metric.needs_start or self.first < period.start


def _least(rows: Frame, column: str) -> float | None:
    value: float | None = _collected(rows.select(nw.col(column).min()))[column][0]
    return value


def _of_period(
    past: Past,
    period: Period,
    horizon_days: float,
    by: str | None,
    values: Sequence[str],
    last: float,
) -> pl.DataFrame:
    """The rows of one period: that of all customers, and one for each group."""
    frames, known = frames_of(past, period, horizon_days), _Known.of(past, last)
    parts = [_aggregated(frames, pl.DataFrame({GROUP: [None]}, {GROUP: pl.String}), None)]
    if by is not None:
        wanted = pl.DataFrame({GROUP: list(values)}, {GROUP: pl.String})
        parts.append(_aggregated(frames, wanted, groups_of(past, by)))
    counted = [metric for metric in METRICS if metric.rows != "table"]
    told = nw.from_native(pl.concat(parts)).with_columns(
        _told(metric, known.knows(metric, period)) for metric in counted
    )
    rows = nw.from_native(with_student(told.to_native()))
    for metric in METRICS:
        if metric.rows == "table":  # It may stand on those before it.
            rows = rows.with_columns(metric.column)
    keys = {
        "start": as_instant(period.start),
        "end": as_instant(period.end),
        "is_whole": period.is_whole,
    }
    dated = rows.to_native().with_columns(pl.lit(value).alias(key) for key, value in keys.items())
    return dated.select(*KEYS, *(pl.col(m.name).cast(pl.Float64) for m in METRICS))


def _told(metric: Metric, is_known: bool) -> nw.Expr:
    """The metric's own value, what it is without rows, or null where nobody can know."""
    if not is_known:
        return nw.lit(None, dtype=nw.Float64).alias(metric.name)
    value = nw.col(metric.name)
    return value if metric.empty is None else value.fill_null(metric.empty)


def _aggregated(
    frames: dict[RowKind, Frame], wanted: pl.DataFrame, groups: Frame | None
) -> pl.DataFrame:
    """All that is counted over rows: a row for each group wanted, null where it has no rows."""
    for rows in dict.fromkeys(m.rows for m in METRICS if m.rows != "table"):
        own = [metric for metric in METRICS if metric.rows == rows]
        frame = frames.get(rows)
        if frame is None:
            none = (pl.lit(None, pl.Float64).alias(metric.name) for metric in own)
            wanted = wanted.with_columns(none)
            continue
        columns = [metric.column for metric in own]
        if groups is None:
            found = _collected(frame.select(*columns))
            wanted = pl.concat([wanted, found], how="horizontal")
        else:
            grouped = frame.join(groups, on="customer_id", how="inner")
            found = _collected(grouped.group_by(GROUP).agg(*columns))
            wanted = wanted.join(found, on=GROUP, how="left")
    return wanted


def _collected(frame: Frame) -> pl.DataFrame:
    found: Any = frame.collect("polars").to_native()
    table: pl.DataFrame = found
    return table
