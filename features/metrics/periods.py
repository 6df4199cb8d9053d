"""The periods that metrics are of: weeks, months, quarters or years one after the other, or one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from features.clock import as_day, as_instant
from features.errors import HistoryError
from features.metrics.calendar import number_at, start_of
from features.metrics.every import EVERY, Every

STEPS: dict[Every, pd.DateOffset] = {
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}
# Twenty years of weeks. More is a date typed wrong.
MOST = 1100


@dataclass(frozen=True)
class Period:
    """The half-open interval [start, end), and the period before it.

    Attributes
    ----------
    start, end : float
        As `day`: days since 1970-01-01 on the shop's wall clock.
    previous : float
        Where the period before it begins, which ends at `start`.
    is_whole : bool
        Whether it is as long as the others; the last one may be cut off.
    """

    start: float
    end: float
    previous: float
    is_whole: bool = True


def periods_of(start: float, end: float, every: Every) -> tuple[Period, ...]:
    """Part an interval into periods that begin at its start; the last one ends with it.

    Parameters
    ----------
    start, end : float
        As `day`.
    every : {"week", "month", "quarter", "year", "all"}
        The length of a period; `all`: one period.

    Raises
    ------
    HistoryError
        If the interval is empty, or has more than 1,100 periods.

    Examples
    --------
    >>> [period.end - period.start for period in periods_of(0.0, 45.0, "month")]
    [31.0, 14.0]
    """
    if not start < end:
        raise HistoryError(
            f"start must be before end; got {_shown(start)} and {_shown(end)}. Choose others."
        )
    if every not in EVERY:
        raise HistoryError(f"every must be one of {', '.join(EVERY)}; got {every!r}.")
    if every == "all":
        return (Period(start, end, start - (end - start)),)
    step, first = STEPS[every], pd.Timestamp(as_instant(start))
    # From the start each time: a month after January 31st is February's last day, not all others'.
    bounds = [start]
    while bounds[-1] < end:
        if len(bounds) > MOST:
            raise HistoryError(
                f"there must be at most {MOST:,} periods; {_shown(start)} to {_shown(end)} has "
                f"more, by the {every}. Choose a later start, an earlier end or longer periods."
            )
        bounds.append(as_day((first + len(bounds) * step).to_pydatetime()))
    before = as_day((first - step).to_pydatetime())
    return tuple(
        Period(a, min(b, end), previous, is_whole=b <= end)
        for previous, a, b in zip([before, *bounds], bounds, bounds[1:], strict=False)
    )


def beginning(day: float, every: Every) -> float:
    """Where the week (from Monday), month, quarter or year of a day begins; for `all` the day.

    Examples
    --------
    >>> beginning(40.5, "month"), beginning(40.5, "all")
    (31.0, 40.0)
    """
    if every == "all":
        return float(math.floor(day))
    return as_day(start_of(number_at(day, every), every))


def _shown(day: float) -> str:
    return f"{as_instant(day):%Y-%m-%d}"
