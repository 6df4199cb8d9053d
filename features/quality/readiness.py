"""Is there enough data: for the rule, for buy-till-you-die models, for boosted trees."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import polars as pl

from features.agreement import many
from features.history.history import History, Past
from features.history.order_days import solid
from features.quality.context import CheckContext, Frame, by_customer, held, on_day, sums


@dataclass(frozen=True)
class DataRequirement:
    """The least data with which a kind of forecast is worth trying.

    Attributes
    ----------
    method : str
    title : str
    customers : int
        Customers known at the last labelled snapshot.
    repeat_buyers : int
        Customers with two purchase days or more.
    each_outcome : int
        Customers who came back, and customers who did not, after the last labelled snapshot.
    snapshots : int
        Snapshots whose label windows do not overlap, with some days to look back on before.
    """

    method: str
    title: str
    customers: int
    repeat_buyers: int
    each_outcome: int
    snapshots: int


# Days to look back on before the first snapshot: half the horizon, at least a month, of a short
# horizon two weeks.
LOOK_BACK_DAYS, SHORT_LOOK_BACK_DAYS, SHORT_HORIZON_DAYS = 30.0, 14.0, 30
# Customers, repeat buyers, each outcome, snapshots. In shops of 20 to 3,000 customers, by `python
# -m benchmarks.small_shops`, MBG/NBD does no worse than the base rate from 50 customers on where
# ten came again (of 50 customers of whom hardly one does, it does worse); rules do so where each
# outcome was seen some ten times; and the pool no worse than MBG/NBD from 100 customers on.
NEEDS = (
    DataRequirement("rule", "a simple rule", 50, 0, 10, 1),
    DataRequirement("btyd", "a buy-till-you-die model", 50, 10, 0, 1),
    DataRequirement("pool", "a pool with boosted trees", 100, 10, 10, 1),
)


@dataclass(frozen=True)
class Readiness:
    """Whether there is enough data for one kind of forecast.

    Attributes
    ----------
    method : str
        `rule`, `btyd` or `pool`.
    ready : bool
    missing : tuple of str
        What there is too little of, in words.
    explanation : str
    """

    method: str
    ready: bool
    missing: tuple[str, ...]
    explanation: str

    def shortage(self) -> str:
        """What it falls short of, to stand behind a semicolon."""
        title = next(need.title for need in NEEDS if need.method == self.method)
        return f"not enough for {title} ({'; '.join(self.missing)})"


@dataclass(frozen=True)
class LabelCounts:
    """What a history can teach about a horizon.

    Attributes
    ----------
    horizon_days : int
    snapshots : int
        Snapshots whose label windows do not overlap, with `look_back_days` before the first.
    last_snapshot : float or None
        The latest one whose label window is covered, as `day`.
    customers, returned : int
        Customers known at it, and those who bought within the horizon after it.
    repeat_buyers : int
        Customers with two purchase days or more, at the end of the history.
    """

    horizon_days: int
    snapshots: int
    last_snapshot: float | None
    customers: int
    returned: int
    repeat_buyers: int


def labelled(context: CheckContext, horizon_days: int) -> LabelCounts:
    """Measure what the history of a check can teach about a horizon."""
    repeat_buyers = context.totals.customers - context.totals.one_time
    return _counted(
        context.past, context.customers, context.solid_days, horizon_days, repeat_buyers
    )


def label_counts(past: Past, horizon_days: int) -> LabelCounts:
    """Measure what a history can teach about a horizon, as `labelled` does."""
    customers = held(by_customer(past.orders))
    again = nw.col("last_order").floor() > nw.col("first_order").floor()
    repeat_buyers = sums(customers, again=again)["again"]
    return _counted(past, customers, solid(past.order_days), horizon_days, repeat_buyers)


def _counted(
    past: History, customers: Frame, days: pl.DataFrame, horizon_days: int, repeat_buyers: int
) -> LabelCounts:
    if days.is_empty():
        return LabelCounts(horizon_days, 0, None, 0, 0, repeat_buyers)
    lag = past.mapping.recording_lag_days
    start, end = float(days["day"][0]), float(days["day"][-1] + 1)
    snapshots = max(int((end - lag - start - look_back_days(horizon_days)) // horizon_days), 0)
    if snapshots == 0:
        return LabelCounts(horizon_days, 0, None, 0, 0, repeat_buyers)
    at = end - lag - horizon_days
    known = customers.filter(nw.col("first_known") < at).select("customer_id")
    day = nw.col("day")
    window = past.purchases.filter(day >= at, day < at + horizon_days)
    came = window.select("customer_id").unique().join(known, on="customer_id", how="inner")
    counted, returned = sums(known)["rows"], sums(came)["rows"]
    return LabelCounts(horizon_days, snapshots, at, counted, returned, repeat_buyers)


def look_back_days(horizon_days: float) -> float:
    """Days of history that a first snapshot looks back on."""
    is_short = horizon_days < SHORT_HORIZON_DAYS
    return SHORT_LOOK_BACK_DAYS if is_short else max(horizon_days / 2, LOOK_BACK_DAYS)


def readiness(found: LabelCounts) -> tuple[Readiness, ...]:
    """Judge each kind of forecast by what the history can teach.

    Examples
    --------
    >>> young = LabelCounts(90, 1, 19_000.0, 80, 30, 20)
    >>> [(r.method, r.ready) for r in readiness(young)]
    [('rule', True), ('btyd', True), ('pool', False)]
    """
    return tuple(_judged(need, found) for need in NEEDS)


def _judged(need: DataRequirement, found: LabelCounts) -> Readiness:
    lost = found.customers - found.returned
    counts = (
        (found.snapshots, need.snapshots, ("labelled snapshot", "labelled snapshots")),
        (
            found.customers,
            need.customers,
            ("customer at the last snapshot", "customers at the last snapshot"),
        ),
        (found.repeat_buyers, need.repeat_buyers, ("repeat buyer", "repeat buyers")),
        (found.returned, need.each_outcome, ("customer who came back", "customers who came back")),
        (
            lost,
            need.each_outcome,
            ("customer who did not come back", "customers who did not come back"),
        ),
    )
    missing = tuple(
        f"{many(have, *what)}, {least:,} needed" for have, least, what in counts if have < least
    )
    if missing:
        text = f"Not enough for {need.title} at {found.horizon_days} days: {'; '.join(missing)}."
    else:
        text = f"Enough for {need.title} at {found.horizon_days} days."
    return Readiness(need.method, not missing, missing, f"{text} {_seen(found)}".rstrip())


def _seen(found: LabelCounts) -> str:
    if found.last_snapshot is None:
        return ""
    return (
        f"Of {many(found.customers, 'customer')} known on {on_day(found.last_snapshot)}, "
        f"{found.returned:,} came back within {found.horizon_days} days."
    )
