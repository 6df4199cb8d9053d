"""What happened after an instant: who stopped coming, and what the others spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import narwhals as nw
import pandas as pd
import polars as pl

from features.clock import Instant, as_day, as_instant
from features.feature import YEAR
from features.history.history import History
from features.history.order_days import solid
from features.to_pandas import to_pandas
from training.errors import TrainingError


@dataclass(frozen=True)
class Value:
    """How spend becomes value: a margin, and a yearly discount rate for later money."""

    margin_rate: float = 1.0
    discount_rate_yearly: float = 0.0

    def mean_rate(self, window_days: float) -> float:
        """What a unit of spend is worth on average, if it comes evenly over a window.

        Examples
        --------
        >>> round(Value(0.5, 0.1).mean_rate(365), 4)
        0.4769
        """
        discount = math.log1p(self.discount_rate_yearly) * window_days / YEAR
        evenly = -math.expm1(-discount) / discount if discount else 1.0
        return self.margin_rate * evenly


def label_table(
    history: History, as_of: Instant, horizon_days: float, value: Value | None = None
) -> pd.DataFrame:
    """Outcomes in `[as_of, as_of + horizon_days)` of every customer known before it.

    Parameters
    ----------
    history : History
        Everything known by now: a `Past` to learn from, the whole history to judge forecasts by.
    as_of : str, date, datetime or float
        The instant of prediction.
    horizon_days : float
        Length of the label window.
    value : Value, optional
        Margin and discount rate of `spend`.

    Returns
    -------
    pandas.DataFrame
        A row for each of `feature_table(history, as_of, horizon_days)`, in its order: index
        `customer_id`; `churned` (int, 1 if there was no positive order), `spend` (net of refunds,
        times the margin, discounted, never below 0).

    Raises
    ------
    TrainingError
        If the window is not fully covered by the history.

    Examples
    --------
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2", "3", "3", "4"], "customer_id": ["a", "b", "a", "a", "b"],
    ...     "ordered_at": ["2024-01-05", "2024-01-09", "2024-02-01", "2024-02-09", "2024-03-05"],
    ...     "amount": [20.0, 40.0, 50.0, -15.0, 30.0]}))
    >>> label_table(history, "2024-02-01", 30)
                 churned  spend
    customer_id
    a                  0   35.0
    b                  1    0.0
    """
    start = as_day(as_of, history.mapping.timezone)
    known = covered_until(history)
    if start + horizon_days > known:
        raise TrainingError(
            f"labels need the history up to {as_instant(start + horizon_days):%Y-%m-%d %H:%M}; it "
            f"is known up to {as_instant(known):%Y-%m-%d %H:%M}. Choose an earlier as_of or a "
            "shorter horizon."
        )
    buyers = history.upto(start).purchases.select("customer_id").unique().sort("customer_id")
    population = to_pandas(buyers.collect("polars").to_native()).set_index("customer_id")
    found = outcomes(history, start, horizon_days, value or Value())
    labels = found.reindex(population.index, fill_value=0.0)
    churned = (labels["ordered"] == 0.0).astype("int64")
    return pd.DataFrame({"churned": churned, "spend": labels["spend"]})


def covered_until(history: History) -> float:
    """The day up to which the history can say that an order did *not* happen.

    It is the time of the last order, less the recording lag: after it, silence may only mean that
    nobody has written yet. A lone refund, an order recorded late or a stray date far from all
    others does not reach further.
    """
    days = solid(history.order_days)
    if days.is_empty():
        raise TrainingError("the history has no orders before as_of. Check as_of and the dates.")
    whole = history.purchases.filter(nw.col("day") < float(days["day"][-1]) + 1.0)
    last = whole.select(nw.col("day").max()).collect()["day"].to_list()[0]
    return float(last) - history.mapping.recording_lag_days


def outcomes(history: History, start: float, horizon_days: float, value: Value) -> pd.DataFrame:
    """Who did something in a window that is known to be covered, and what it came to.

    Returns
    -------
    pandas.DataFrame
        Index `customer_id`, only of those who ordered or were refunded; `ordered` (1.0 if there was
        a positive order), `spend` as in `label_table`.
    """
    day = nw.col("day")
    window = history.orders.filter((day >= start) & (day < start + horizon_days))
    rows = window.select("customer_id", "day", "amount").collect("polars").to_native()
    rate = math.log1p(value.discount_rate_yearly) / YEAR
    # The column first: a NumPy number on its left would have Polars call Python in its own threads.
    worth = pl.col("amount") * ((pl.col("day") - start) * -rate).exp() * value.margin_rate
    # Sorted, so that a sum does not depend on how the engine parts its work.
    outcome = (
        rows.sort(pl.all())
        .group_by("customer_id", maintain_order=True)
        .agg(
            ordered=(pl.col("amount") > 0).any().cast(pl.Float64),
            spend=worth.sum().clip(lower_bound=0.0),
        )
    )
    return to_pandas(outcome).set_index("customer_id")
