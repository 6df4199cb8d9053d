"""The shop's flow of orders by the day: where it starts, stops, dries up or shows holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

# In days: over a week, so that no shop is silent for its weekends.
HOLE_DAYS = 7
# Orders that were to be expected: by chance alone that many do not fail to come.
HOLE_EXPECTED = 20.0
# In days: four whole weeks on either side.
SIDE_DAYS = 28
# Of a usual week's orders: no season takes nine tenths away.
THIN_SHARE = 0.1
# In days: longer than a shop is closed for a holiday and its weekend.
THIN_DAYS = 4
# Half a year, so that a season is not the usual.
THIN_WEEKS = 26
# So many usual intervals without an order hardly happen by chance.
STALE_GAPS = 3.0
# In days: even a shop with orders every hour may be closed for a week.
STALE_DAYS = 7.0
# In days: a year has every season once.
RECENT_DAYS = 365


@dataclass(frozen=True)
class Staleness:
    """How long before `as_of` the shop's last order lies, against the shop's usual interval.

    Attributes
    ----------
    days_since_last_order : float
        From the last order of any customer to `as_of`.
    usual_gap_days : float
        95 % of the intervals between days with orders, in the year before the last, are no longer.
    limit_days : float
        Three usual intervals, at least a week.
    """

    days_since_last_order: float
    usual_gap_days: float
    limit_days: float

    @property
    def is_stale(self) -> bool:
        """Whether the silence before `as_of` is longer than the shop ever is silent by itself."""
        return self.days_since_last_order > self.limit_days


@dataclass(frozen=True)
class SilentWeeks:
    """Consecutive days without an order, between busy weeks."""

    first_day: int
    days: int
    expected_orders: float


@dataclass(frozen=True)
class ThinEnd:
    """The days at the end in which hardly an order came."""

    first_day: int
    days: int
    orders: int
    usual_week: float


def staleness(days: pl.DataFrame, last_order: float, as_of: float) -> Staleness:
    """Compare the silence before `as_of` with the intervals between days with orders.

    Parameters
    ----------
    days : polars.DataFrame
        Orders by day known before `as_of`, as from `order_days`.
    last_order, as_of : float
        As `day`.
    """
    day = days["day"].to_numpy()
    gaps = np.diff(day[day >= day[-1] - RECENT_DAYS])
    usual = float(np.quantile(gaps, 0.95, method="higher")) if gaps.size else STALE_DAYS
    return Staleness(as_of - last_order, usual, max(STALE_GAPS * usual, STALE_DAYS))


def holes(days: pl.DataFrame) -> list[SilentWeeks]:
    """Find a week or more without any order where the weeks before and after had many.

    A hole counts if, at the lower of the daily rates in the four weeks on either side, at least 20
    orders were to be expected in it: by chance alone that many do not fail to come.
    """
    day, orders = days["day"].to_numpy(), days["orders"].to_numpy()
    found = []
    for i in np.flatnonzero(np.diff(day) > HOLE_DAYS):
        before = orders[(day > day[i] - SIDE_DAYS) & (day <= day[i])].sum()
        after = orders[(day >= day[i + 1]) & (day < day[i + 1] + SIDE_DAYS)].sum()
        silent = int(day[i + 1] - day[i] - 1)
        expected = silent * min(before, after) / SIDE_DAYS
        if expected >= HOLE_EXPECTED:
            found.append(SilentWeeks(int(day[i]) + 1, silent, float(expected)))
    return found


def thin_end(days: pl.DataFrame) -> ThinEnd | None:
    """Find a last stretch of days with under a tenth of the usual orders: half an import, say.

    It is four days or more, in which at least 20 orders were to be expected, and goes back as far
    as the orders stay so few. The usual is the median week of the half year before it.
    """
    if days.is_empty():
        return None
    day, orders = days["day"].to_numpy(), days["orders"].to_numpy()
    # The latest first, days without an order included.
    counts = np.bincount(day[-1] - day, weights=orders).astype(np.float64)
    found = 0
    for length in range(THIN_DAYS, len(counts) - 7):
        usual = _usual_day(counts[length:])
        if usual * length < HOLE_EXPECTED:
            continue
        if counts[:length].sum() < THIN_SHARE * usual * length:
            found = length
        elif found or length >= 7:
            break
    if not found:
        return None
    # A day as usual may hide behind many empty ones.
    while counts[found - 1] >= _usual_day(counts[found:]) / 2:
        found -= 1
    usual_week = 7 * _usual_day(counts[found:])
    return ThinEnd(int(day[-1]) - found + 1, found, int(counts[:found].sum()), usual_week)


def _usual_day(counts: NDArray[np.float64]) -> float:
    """A seventh of the median week, of the half year or less that there is of whole weeks."""
    weeks = min(THIN_WEEKS, len(counts) // 7)
    return float(np.median(counts[: 7 * weeks].reshape(weeks, 7).sum(axis=1)) / 7)
