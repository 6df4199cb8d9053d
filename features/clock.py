"""Time at the edges: instants become `day`, days since 1970-01-01 on the shop's wall clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from numbers import Real
from zoneinfo import ZoneInfo

from features.errors import HistoryError

Instant = str | date | datetime | float

EPOCH = datetime(1970, 1, 1)
LAST_DAY = float((date.max - EPOCH.date()).days)
# The finest step of a datetime.
MICROSECONDS_PER_DAY = 86_400_000_000
# How many microseconds a unit has.
EPOCH_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}


def as_day(when: Instant, timezone: str = "UTC") -> float:
    """Turn an instant into a `day`.

    Parameters
    ----------
    when : str, date, datetime or float
        An ISO date or instant; without an offset it is read on the shop's wall clock. A number is
        a `day` already.
    timezone : str
        The shop's IANA time zone.

    Returns
    -------
    float
        Days since 1970-01-01 00:00 on the shop's wall clock.

    Raises
    ------
    HistoryError
        If `when` is no date.

    Examples
    --------
    >>> as_day("1970-01-02T12:00")
    1.5
    >>> as_day("1970-01-01T23:00+00:00", "Europe/Paris")
    1.0
    """
    if isinstance(when, Real) and not isinstance(when, bool):
        return _checked_day(float(when))
    if isinstance(when, str):
        when = _parsed(when)
    is_not_a_time = when != when  # pandas' NaT, which is a datetime otherwise
    if not isinstance(when, date) or is_not_a_time:
        raise HistoryError(
            f"a date must be text, a date, a datetime or a day number; got {when!r}. "
            "Write for example 2011-09-10."
        )
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if when.tzinfo is not None:
        when = when.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return (when - EPOCH) / timedelta(days=1)


def as_instant(day: float) -> datetime:
    """Turn a `day` into the datetime on the shop's wall clock, to the microsecond.

    Examples
    --------
    >>> as_instant(1.5).isoformat()
    '1970-01-02T12:00:00'
    """
    return EPOCH + timedelta(microseconds=round(day * MICROSECONDS_PER_DAY))


def _checked_day(day: float) -> float:
    if not -LAST_DAY < day < LAST_DAY:
        raise HistoryError(
            f"a day must be a number of days since 1970-01-01; got {day:g}. "
            "Write dates as text, for example 2011-09-10."
        )
    return day


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise HistoryError(
            f"a date must be YYYY-MM-DD or an ISO instant; got {text!r}. "
            "Write for example 2011-09-10 or 2011-09-10T08:00."
        ) from None
