"""Is there enough data: for the rule, for buy-till-you-die models, for boosted trees."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw

from features.quality.context import CheckContext, many, on_day, sums


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
        Snapshots whose label windows do not overlap and which have a horizon of history before.
    """

    method: str
    title: str
    customers: int
    repeat_buyers: int
    each_outcome: int
    snapshots: int


# Customers, repeat buyers, each outcome, snapshots; `python -m benchmarks.small_shops` shows how
# the candidates do in shops of 100 to 3,000 customers.
NEEDS = (
    DataRequirement("rule", "a rule on recency", 50, 0, 20, 1),
    DataRequirement("btyd", "a buy-till-you-die model", 200, 100, 0, 1),
    DataRequirement("pool", "a pool with boosted trees", 1000, 200, 200, 2),
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


@dataclass(frozen=True)
class LabelCounts:
    """What a history can teach about a horizon.

    Attributes
    ----------
    horizon_days : int
    snapshots : int
        Snapshots whose label windows do not overlap, each with a horizon of history before it.
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
    """Measure what the history can teach about a horizon."""
    repeat_buyers = context.totals.customers - context.totals.one_time
    days, lag = context.solid_days, context.mapping.recording_lag_days
    if days.is_empty():
        return LabelCounts(horizon_days, 0, None, 0, 0, repeat_buyers)
    start, end = float(days["day"][0]), float(days["day"][-1] + 1)
    snapshots = max(int((end - lag - start) // horizon_days) - 1, 0)
    if snapshots == 0:
        return LabelCounts(horizon_days, 0, None, 0, 0, repeat_buyers)
    at = end - lag - horizon_days
    known = context.customers.filter(nw.col("first_known") < at).select("customer_id")
    day = nw.col("day")
    window = context.past.purchases.filter(day >= at, day < at + horizon_days)
    came = window.select("customer_id").unique().join(known, on="customer_id", how="inner")
    customers = sums(known)["rows"]
    returned = sums(came)["rows"]
    return LabelCounts(horizon_days, snapshots, at, customers, returned, repeat_buyers)


def readiness(found: LabelCounts) -> tuple[Readiness, ...]:
    """Judge each kind of forecast by what the history can teach.

    Examples
    --------
    >>> young = LabelCounts(90, 1, 19_000.0, 400, 150, 120)
    >>> [(r.method, r.ready) for r in readiness(young)]
    [('rule', True), ('btyd', True), ('pool', False)]
    """
    return tuple(_judged(need, found) for need in NEEDS)


def _judged(need: DataRequirement, found: LabelCounts) -> Readiness:
    lost = found.customers - found.returned
    counts = (
        (found.snapshots, need.snapshots, "labelled snapshots"),
        (found.customers, need.customers, "customers at the last snapshot"),
        (found.repeat_buyers, need.repeat_buyers, "repeat buyers"),
        (found.returned, need.each_outcome, "customers who came back"),
        (lost, need.each_outcome, "customers who did not come back"),
    )
    missing = tuple(
        f"{have:,} {what}, {least:,} needed" for have, least, what in counts if have < least
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
