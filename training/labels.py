"""What happened after an instant: who stopped coming, and what the others spent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from features.clock import Instant, as_day, as_instant
from features.history import History
from training.errors import TrainingError


@dataclass(frozen=True)
class Value:
    """How spend becomes value: a margin, and a yearly discount rate for later money."""

    margin_rate: float = 1.0
    discount_rate_yearly: float = 0.0


def covered_until(history: History) -> float:
    """The day up to which the history can say that an order did *not* happen.

    It is when the last order became known, less the recording lag: after it, silence may only
    mean that nobody has written yet. Cut the history with `upto` first.
    """
    last = history.orders.select(nw.col("known_day").max()).collect()["known_day"].to_list()[0]
    if last is None:
        raise TrainingError("the history has no orders before as_of. Check as_of and the dates.")
    return float(last) - history.mapping.recording_lag_days


def label_table(
    history: History, as_of: Instant, horizon_days: float, value: Value | None = None
) -> pd.DataFrame:
    """Outcomes in `[as_of, as_of + horizon_days)` of the customers who ordered or were refunded.

    Parameters
    ----------
    history : History
        Everything known by now; cut it at the training instant first.
    as_of : str, date, datetime or float
        The instant of prediction.
    horizon_days : float
        Length of the label window.
    value : Value, optional
        Margin and discount rate of `spend`.

    Returns
    -------
    pandas.DataFrame
        Index `customer_id`; `ordered` (1.0 if any positive order), `spend` (net of refunds, times
        the margin, discounted, never below 0). A customer of the population who is not in it had
        no order: churned, spend 0.

    Raises
    ------
    TrainingError
        If the window is not fully covered by the history.
    """
    start = as_day(as_of, history.mapping.timezone)
    end = start + horizon_days
    known = covered_until(history)
    if end > known:
        raise TrainingError(
            f"labels need the history up to {as_instant(end):%Y-%m-%d}; it is known up to "
            f"{as_instant(known):%Y-%m-%d}. Choose an earlier as_of or a shorter horizon."
        )
    return _outcomes(history.orders, start, end, value or Value())


def _outcomes(orders: nw.LazyFrame[Any], start: float, end: float, value: Value) -> pd.DataFrame:
    day, amount = nw.col("day"), nw.col("amount")
    rate = math.log1p(value.discount_rate_yearly) / 365.0
    window = orders.filter((day >= start) & (day < end)).with_columns(
        ordered=nw.when(amount > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0)),
        spend=amount * ((start - day) * rate).exp() * value.margin_rate,
    )
    outcome = window.group_by("customer_id").agg(nw.col("ordered").max(), nw.col("spend").sum())
    frame = pd.DataFrame(outcome.collect("polars").to_pandas())
    frame["spend"] = frame["spend"].clip(lower=0.0)
    return frame.sort_values("customer_id").set_index("customer_id").astype("float64")
