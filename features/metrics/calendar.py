"""The calendar as arithmetic: which week, month, quarter or year a day is in, on any engine."""

from __future__ import annotations

from datetime import datetime, timedelta

import narwhals as nw
import polars as pl

from features.clock import EPOCH
from features.metrics.every import Every

# From 0000-03-01, where Hinnant's years begin so that leap days come last, to 1970-01-01.
SHIFT = 719_468
DAYS_IN_400_YEARS = 146_097


def number_of(day: nw.Expr, every: Every) -> nw.Expr:
    """The number of the week (from Monday), month, quarter or year of a day, counted from 1970.

    Parameters
    ----------
    day : narwhals.Expr
        Days since 1970-01-01.
    every : {"week", "month", "quarter", "year"}

    Notes
    -----
    Months by `civil_from_days` of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    """
    whole = day.floor().cast(nw.Int64)
    if every == "week":
        return (whole + 3) // 7
    months = _months(whole)
    return months // {"month": 1, "quarter": 3, "year": 12}[every]


def _months(day: nw.Expr) -> nw.Expr:
    shifted = day + SHIFT
    era = shifted // DAYS_IN_400_YEARS
    of_era = shifted - era * DAYS_IN_400_YEARS
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (year * 365 + year // 4 - year // 100)
    month_from_march = (of_year * 5 + 2) // 153
    # January and February are the eleventh and twelfth month of the year before.
    return (era * 400 + year) * 12 + month_from_march + 2 - 1970 * 12


def number_at(day: float, every: Every) -> int:
    """The same of one instant.

    Examples
    --------
    >>> number_at(31.5, "month")
    1
    """
    rows = nw.from_native(pl.DataFrame({"day": [day]}))
    return int(rows.select(number_of(nw.col("day"), every))["day"][0])


def start_of(number: int, every: Every) -> datetime:
    """Where the week, month, quarter or year of a number begins.

    Examples
    --------
    >>> [str(start_of(number, "month"))[:10] for number in (0, 649)]
    ['1970-01-01', '2024-02-01']
    >>> start_of(2820, "week").strftime("%a %Y-%m-%d")
    'Mon 2024-01-15'
    """
    if every == "week":
        return EPOCH + timedelta(days=7 * number - 3)
    months = number * {"month": 1, "quarter": 3, "year": 12}[every]
    return EPOCH.replace(year=1970 + months // 12, month=months % 12 + 1)
