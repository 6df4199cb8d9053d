"""Suggest the horizon of churn: how long customers usually take to come back, if they do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.agreement import many
from features.clock import Instant
from features.history.history import History
from features.history.order_days import order_days, solid

FloatArray = NDArray[np.float64]

# In days: those that people name, from a week to a year.
HORIZONS = (7, 14, 30, 60, 90, 120, 180, 365)
# In days: a quarter, the most usual horizon in retail.
CUSTOMARY = 90
# Of the repeat purchases that come: the few latecomers would need a horizon of years.
SHARE = 0.8
# Repeat purchases: fewer draw no curve.
FEWEST_REPEATS = 30
# Purchases of one customer, so that a few wholesalers do not speak for all.
CUSTOMER_LIMIT = 10


@dataclass(frozen=True)
class HorizonSuggestion:
    """A horizon for the churn label, and why.

    Attributes
    ----------
    horizon_days : int
        One of 7, 14, 30, 60, 90, 120, 180, 365; at most a third of the span, unless even a week is
        more than that.
    explanation : str
    wanted_days : float or None
        The time by which 80 % of the repeat purchases have come, before rounding; None where there
        are too few repeat purchases to tell.
    share_within : float or None
        The share of repeat purchases that have come by `horizon_days`.
    repeat_purchases : int
        Intervals between purchase days that were seen from beginning to end.
    span_days : int
        Calendar days from the first order to the last.
    """

    horizon_days: int
    explanation: str
    wanted_days: float | None
    share_within: float | None
    repeat_purchases: int
    span_days: int


def suggest_horizon(history: History, as_of: Instant) -> HorizonSuggestion:
    """Suggest `horizon_days` from the intervals between purchase days known before `as_of`.

    The curve of how many purchases have been followed by another is Kaplan and Meier's (1958), so
    that a purchase without a successor counts for as long as it was watched; otherwise the short
    intervals, which alone are seen to end in a young history, would decide. A customer counts for
    at most ten purchases. Sought is the time by which 80 % of those repeat purchases have come
    that come within half of the span (within all of it, if hardly any come in half). It is rounded
    to the nearest customary horizon, by ratio, that fits three times into the span: to look back
    on, to learn from, and to judge by.

    Parameters
    ----------
    history : History
    as_of : str, date, datetime or float
        Nothing known at or after it is used.

    Examples
    --------
    >>> import polars as pl
    >>> monthly = pl.DataFrame({
    ...     "order_id": [str(i) for i in range(120)],
    ...     "customer_id": [f"c{i % 10}" for i in range(120)],
    ...     "ordered_at": [f"2022-{1 + i // 10:02}-15" for i in range(120)],
    ...     "amount": [10.0] * 120})
    >>> suggest_horizon(History(monthly), "2023-01-01").horizon_days
    30
    """
    return suggest_within(history.upto(as_of))


def suggest_within(past: History) -> HorizonSuggestion:
    """The same from everything in a history, as for one that is cut already."""
    orders = past.orders.filter(nw.col("amount") > 0)
    days = solid(order_days(orders))
    if days.is_empty():
        return HorizonSuggestion(CUSTOMARY, _no_orders(), None, None, 0, 0)
    first, last = int(days["day"][0]), int(days["day"][-1])
    span = last - first + 1
    limit = (span - past.mapping.recording_lag_days) / 3
    returned, repeats = _returned(_waits(orders, first, last), span)
    if repeats[-1] < FEWEST_REPEATS:
        horizon = _nearest(CUSTOMARY, limit)
        text = _too_few(horizon, int(repeats[-1]), span, limit)
        return HorizonSuggestion(horizon, text, None, None, int(repeats[-1]), span)
    within = span // 2 if repeats[span // 2] >= FEWEST_REPEATS else span - 1
    wanted = float(np.argmax(returned >= SHARE * returned[within]))
    horizon = _nearest(wanted, limit)
    share = float(returned[min(horizon, within)] / returned[within])
    found = HorizonSuggestion(horizon, "", wanted, share, int(repeats[-1]), span)
    return replace(found, explanation=_reason(found, within) + _bound(found, limit))


def _waits(orders: nw.LazyFrame[Any], first: int, last: int) -> pl.DataFrame:
    """How often each wait was seen, whether a purchase ended it, how often its customer bought."""
    purchase = nw.col("purchase_day")
    days = orders.select(
        "customer_id", nw.col("day").floor().cast(nw.Float64).alias("purchase_day")
    )
    days = days.filter(purchase >= first, purchase <= last).unique()
    following = purchase.shift(-1).over("customer_id", order_by="purchase_day")
    days = days.with_columns(
        following.alias("following"),
        purchase.count().over("customer_id").cast(nw.Int64).alias("purchases"),
    )
    waits = days.select(
        "purchases",
        (nw.col("following").fill_null(float(last)) - purchase).cast(nw.Int64).alias("wait"),
        (~nw.col("following").is_null()).alias("came"),
    )
    counted = waits.group_by("wait", "came", "purchases").agg(nw.len().cast(nw.Int64).alias("rows"))
    native: pl.DataFrame = counted.collect("polars").to_native()
    return native.sort("wait", "came", "purchases")


def _returned(waits: pl.DataFrame, span: int) -> tuple[FloatArray, FloatArray]:
    """For waits of 0, 1, 2, … days: share of purchases followed by another, and repeats seen."""
    wait, came = waits["wait"].to_numpy(), waits["came"].to_numpy()
    rows = waits["rows"].to_numpy()
    weight = rows * np.minimum(1.0, CUSTOMER_LIMIT / waits["purchases"].to_numpy())
    ending = np.bincount(wait, weights=weight, minlength=span)
    coming = np.bincount(wait, weights=weight * came, minlength=span)
    watched = ending[::-1].cumsum()[::-1]
    hazard = np.divide(coming, watched, out=np.zeros_like(coming), where=watched > 0)
    repeats = np.bincount(wait, weights=rows * came, minlength=span).cumsum()
    return 1.0 - np.cumprod(1.0 - hazard), repeats


def _nearest(days: float, limit: float) -> int:
    fitting = [h for h in HORIZONS if h <= limit] or [HORIZONS[0]]
    return min(fitting, key=lambda h: abs(math.log(h / max(days, 1.0))))


def _reason(found: HorizonSuggestion, within: int) -> str:
    part = "half of" if within == found.span_days // 2 else "all of"
    return (
        f"Of the repeat purchases that come within {within} days ({part} the history), {SHARE:.0%} "
        f"have come {many(round(found.wanted_days or 0.0), 'day')} after the purchase before; at "
        f"{found.horizon_days} days it is {found.share_within:.0%}. Counted from "
        f"{found.repeat_purchases:,} repeat purchases; purchases not yet followed by another count "
        f"as still open, and no customer for more than {CUSTOMER_LIMIT} purchases."
    )


def _bound(found: HorizonSuggestion, limit: float) -> str:
    if found.horizon_days > limit:
        return f" {_too_short(found.span_days)}"
    if _nearest(found.wanted_days or 0.0, math.inf) == found.horizon_days:
        return ""
    return (
        " A longer horizon would fit better, but the history spans "
        f"{many(found.span_days, 'day')} and must hold the horizon three times: "
        "to look back on, to learn from and to judge by."
    )


def _too_few(horizon: int, repeats: int, span: int, limit: float) -> str:
    text = (
        f"Repeat purchases seen: {repeats}, too few to read a horizon from (at least "
        f"{FEWEST_REPEATS}); {CUSTOMARY} days are customary"
    )
    if horizon > limit:
        return f"{text}. {_too_short(span)}"
    if horizon == CUSTOMARY:
        return f"{text}."
    return f"{text}, and {horizon} fit three times into the history's {span} days."


def _too_short(span: int) -> str:
    return (
        f"The history spans {many(span, 'day')}, too short to learn and judge even a "
        f"{HORIZONS[0]}-day horizon: collect more, or forecast without labels."
    )


def _no_orders() -> str:
    return f"There are no orders to read a horizon from; {CUSTOMARY} days are customary."
