"""What a history cannot know of the window ahead: seasons hardly seen, and growth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import narwhals as nw
import numpy as np

from features.clock import as_instant
from training.panel.panel import Panel
from training.panel.schedule import first_day

# A season is told from chance by its coming back.
ENOUGH_TIMES = 2
# More newcomers than others: what was learnt is about other customers.
MOST = 0.5


@dataclass(frozen=True)
class WindowAhead:
    """What limits the level of a forecast, however well the past was learnt.

    Attributes
    ----------
    window_days : int
    unseen_months : tuple of str
        Months of the window ahead that the history has seen less than twice, in their order.
    newcomers : float
        Share of today's customers that the snapshots learnt from do not hold, on average.
    """

    window_days: int = 0
    unseen_months: tuple[str, ...] = ()
    newcomers: float = 0.0

    @classmethod
    def of(cls, panel: Panel, window_days: int, snapshots: int) -> Self:
        """Look ahead from the end of a panel that so many snapshots are learnt from.

        Parameters
        ----------
        panel : Panel
        window_days : int
        snapshots : int
        """
        past = panel.past
        start, end = (as_instant(day).date() for day in (first_day(past), past.day))
        months = unseen_months(start, end, window_days)
        bought = past.purchases.select(nw.col("customer_id").n_unique()).collect("polars")
        customers = int(bought["customer_id"][0])
        known = np.mean([len(snapshot) for snapshot in panel.snapshots[-snapshots:]])
        return cls(window_days, months, float(1 - known / customers))

    @property
    def is_outgrown(self) -> bool:
        """Whether most of today's customers are new compared with the snapshots learnt from."""
        return self.newcomers > MOST

    def cautions(self) -> tuple[str, ...]:
        """What to know before a grade is believed, a sentence each."""
        found = []
        if self.unseen_months:
            found.append(
                f"The {self.window_days} days ahead hold months that the history has seen less "
                f"than twice: {', '.join(self.unseen_months)}. It cannot know how strong their "
                "season is; the level may be off by as much."
            )
        if self.is_outgrown:
            found.append(
                f"{self.newcomers:.0%} of today's customers are not among those learnt from, on "
                "average: the shop has outgrown its past, and the level of the forecasts with it."
            )
        return tuple(found)


def unseen_months(start: date, end: date, window_days: int) -> tuple[str, ...]:
    """Months of the window from `end` on whose days since `start` came less than twice before.

    Parameters
    ----------
    start, end : date
        First day of the history, and the day after its last.
    window_days : int

    Examples
    --------
    >>> unseen_months(date(2023, 12, 1), date(2025, 11, 15), 60)
    ('November',)
    >>> unseen_months(date(2023, 11, 1), date(2025, 11, 15), 60)
    ()
    """
    days = [end + timedelta(days=ahead) for ahead in range(window_days)]
    months = list(dict.fromkeys((day.year, day.month) for day in days))
    return tuple(
        dict.fromkeys(
            f"{date(year, month, 1):%B}"
            for year, month in months
            if _times([d for d in days if (d.year, d.month) == (year, month)], start, end)
            < ENOUGH_TIMES
        )
    )


def _times(days: list[date], start: date, end: date) -> int:
    """In how many earlier years the history holds all of some days of a month."""
    years = range(start.year, end.year + 1)
    return sum(
        all(start <= day.replace(year=year, day=min(day.day, 28)) < end for day in days)
        for year in years
        if year < days[0].year
    )
