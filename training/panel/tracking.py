"""Week by week: the orders that came, and those that a buy-till-you-die model expected."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import as_instant
from features.history.history import Past
from training.btyd import MBGNBD
from training.evaluation import FloatArray
from training.panel.snapshot import Snapshot

IntArray = NDArray[np.int64]
WEEK = 7


def weekly_orders(past: Past, snapshot: Snapshot, window_days: float) -> pd.DataFrame:
    """Repeat purchase days of a snapshot's customers before and after it, as Fader and Hardie do.

    MBG/NBD, fitted at the snapshot, expects of everybody what it expects of a new customer from
    their first purchase on: the weeks before show its fit, those after its forecast, both without a
    season.

    Parameters
    ----------
    past : Past
        Knows what happened in the window.
    snapshot : Snapshot
    window_days : float
        How long after the snapshot; its whole weeks are shown.

    Returns
    -------
    pandas.DataFrame
        A row for each week: week, its first day; orders, purchase days after the first one of each
        customer; expected, the same by the model; is_after, whether the snapshot was before it.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), "'Counting Your Customers' the Easy Way",
    Marketing Science 24(2), 275-284: figure 3.
    """
    customer, day = _purchase_days(past, snapshot)
    origin = int(np.floor(snapshot.as_of))
    after = int(window_days // WEEK)
    first = np.full(len(snapshot), np.iinfo(np.int64).max)
    np.minimum.at(first, customer, day)
    before = int(np.ceil((origin - day.min(initial=origin)) / WEEK))
    start, weeks = origin - WEEK * before, before + after
    end = start + WEEK * weeks
    came = day[(day > first[customer]) & (day < end)]
    # Orders that were taken back since leave customers without any.
    expected = _expected(snapshot, np.bincount(first[first < end] - start), end - start)
    return pd.DataFrame(
        {
            "week": [as_instant(float(start + WEEK * week)) for week in range(weeks)],
            "orders": np.bincount((came - start) // WEEK, minlength=weeks),
            "expected": expected.reshape(weeks, WEEK).sum(axis=1),
            "is_after": np.arange(weeks) >= before,
        }
    )


def _purchase_days(past: Past, snapshot: Snapshot) -> tuple[IntArray, IntArray]:
    """Place of the customer in the snapshot and calendar day, each pair once."""
    days = past.purchases.select("customer_id", nw.col("day").floor().cast(nw.Int64))
    found = days.unique().collect("polars").to_native()
    place = pd.Index(snapshot.X.index).get_indexer(found["customer_id"].to_numpy())
    day = found["day"].to_numpy()
    return place[place >= 0], day[place >= 0]


def _expected(snapshot: Snapshot, joined: IntArray, days: int) -> FloatArray:
    """Expected repeat purchases of every day, given how many customers joined on each."""
    model = MBGNBD.from_parameters(snapshot.btyd.parameters)
    nothing = np.zeros(days)
    grown = model.expected_purchases(np.arange(float(days)), nothing, nothing, nothing)
    return np.convolve(joined, np.diff(grown, prepend=0.0))[:days]
