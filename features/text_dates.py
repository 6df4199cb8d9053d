"""Dates kept as text: one format for a column, chosen by what the whole column says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import polars as pl

from features.clock import MICROSECONDS_PER_DAY
from features.errors import HistoryError

ISO_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%d %H:%M%#z",
)
# With points the day always comes first.
ORDERS = {
    "/": ("dmY", "mdY", "dmy", "mdy", "Ymd", "dbY"),
    ".": ("dmY", "dmy", "Ymd"),
    "-": ("dmY", "mdY", "dmy", "mdy", "dbY", "dby", "Ybd"),
    " ": ("dbY", "dBY", "bdY", "BdY"),
}
DATES = (
    *(mark.join(f"%{part}" for part in parts) for mark, all in ORDERS.items() for parts in all),
    *("%b %d, %Y", "%B %d, %Y", "%d. %B %Y", "%d %b, %Y", "%Y%m%d"),
)
TIMES = (
    "", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %H:%M:%S%.f",
    ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", "T%H:%M:%S",
)  # fmt: skip
ZONES = ("", "%#z", " %#z")
OFFSETS = ("%z", "%:z", "%#z")
# Named in words or by a letter, it is the zone of instants.
ZULU = r"\s*(?:UTC|GMT|Z)$"
ZULU_FORMAT = r"\s*(?:UTC|GMT|Z|%Z)$"
FOUR_DIGITS = r"^\d{4}-"
# Distinct cells that a format is first tried on.
SAMPLE = 200
# In days: shops keep no dates before 1970, and none of the next century.
PLAUSIBLE = (0.0, 47482.0)
# How many times more cells must be readable by one order of day and month alone.
PLAIN = 10


class AmbiguousDatesError(HistoryError):
    """Dates that two formats read equally well and differently; `formats` are the two."""

    def __init__(self, message: str, formats: tuple[str, str]) -> None:
        super().__init__(message)
        self.formats = formats


def read_days(texts: pl.Series, formats: Sequence[str], timezone: str) -> pl.Series:
    """Read a column of dates as days; null where there is none.

    Where no format is given and most cells are not in ISO 8601, that is taken which reads most of
    the column. Two formats that read a cell differently, such as day and month exchanged, never
    read one column together.

    Parameters
    ----------
    texts : polars.Series of str
        Without blanks around.
    formats : sequence of str
        strptime formats to choose from; all usual ones if empty.
    timezone : str
        Cells with an offset, or a zone in words, are moved to it; others are its wall clock.

    Raises
    ------
    AmbiguousDatesError
        If two formats read the column equally well and differently. The message begins with
        "must", for the caller to say which column it is about.

    Examples
    --------
    >>> read_days(pl.Series(["02/01/2023", "13/01/2023"]), (), "UTC").to_list()
    [19359.0, 19370.0]
    """
    texts = texts.set(texts == "", None)
    if not formats:
        days = _in_turn(texts, ISO_FORMATS, timezone)
        early = (days < 0).fill_null(False)
        if early.any():
            # Else 2-1-23 is a day of the year 2.
            days = days.set(early & ~texts.str.contains(FOUR_DIGITS), None)
        given, read = len(texts) - texts.null_count(), len(days) - days.null_count()
        if read >= given / 2:
            return days
        unread = texts.set(days.is_not_null(), None)
        readings = dict(_readings(unread, _usual(unread, timezone), timezone))
        return days.zip_with(days.is_not_null(), _agreed(unread, readings))
    if len(formats) == 1:
        return days_by(texts, formats[0], timezone)
    return _agreed(texts, dict(_readings(texts, formats, timezone)))


def _usual(texts: pl.Series, timezone: str) -> list[str]:
    """The usual formats that read some of the cells."""
    some = texts.drop_nulls().unique(maintain_order=True).head(SAMPLE)
    formats = ("".join(parts) for parts in product(DATES, TIMES, ZONES) if parts[1] or not parts[2])
    return [format for format, _ in _readings(some, formats, timezone)]


def _readings(
    texts: pl.Series, formats: Iterable[str], timezone: str
) -> Iterator[tuple[str, pl.Series]]:
    """What each format reads as plausible days, if it reads any."""
    for format in formats:
        days = days_by(texts, format, timezone)
        days = days.set(~days.is_between(*PLAUSIBLE), None)
        if days.null_count() < len(days):
            yield format, days


def _agreed(texts: pl.Series, readings: dict[str, pl.Series]) -> pl.Series:
    """The readings that do not contradict each other, those of most cells first."""
    ranked = sorted(readings, key=lambda format: readings[format].null_count())
    kept: list[str] = []
    for format in ranked:
        if not any(_contradict(texts, readings, first, format) for first in kept):
            kept.append(format)
    days = pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    for format in kept:
        days = days.zip_with(days.is_not_null(), readings[format])
    return days


def _contradict(texts: pl.Series, readings: dict[str, pl.Series], first: str, other: str) -> bool:
    """Whether the first, of most cells, keeps the other from being read; refused if it may not."""
    one, two = readings[first], readings[other]
    differ = (one != two).fill_null(False)
    if not differ.any():
        return False
    alone = int((one.is_not_null() & two.is_null()).sum())
    against = int((two.is_not_null() & one.is_null()).sum())
    if alone < PLAIN * max(against, 0.1):
        cell = texts.filter(differ)[0]
        raise AmbiguousDatesError(
            f"must hold dates of one format; such as {cell!r} may be {first} or {other}: "
            f"{_shares(alone, against)}. Write date_format = {first!r}, or {other!r}, for it in "
            "history.toml.",
            (first, other),
        )
    return True


def _shares(alone: int, against: int) -> str:
    if not alone and not against:
        return "no cell tells them apart"
    return f"{alone:,} cells can only be the first and {against:,} only the second"


def _in_turn(texts: pl.Series, formats: Sequence[str], timezone: str) -> pl.Series:
    """Try the formats in turn, each only on what those before it could not read."""
    days = pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    for format in formats:
        if texts.null_count() == len(texts):
            break
        found = days_by(texts, format, timezone)
        days = days.zip_with(days.is_not_null(), found)
        texts = texts.set(found.is_not_null(), None)
    return days


def days_by(texts: pl.Series, format: str, timezone: str) -> pl.Series:
    """What a strptime format reads, as days; null where it does not fit."""
    zoned = re.sub(ZULU_FORMAT, "%#z", format)
    has_offset = any(directive in zoned for directive in OFFSETS)
    if has_offset:
        texts = texts.str.replace(ZULU, "+00:00")
    zone = "UTC" if has_offset else None
    parsed = pl.first().str.to_datetime(zoned, strict=False, time_unit="us", time_zone=zone)
    try:
        instants = texts.to_frame().select(parsed).to_series()
    except pl.exceptions.ComputeError:
        return _by_python(texts, zoned, timezone)
    return wall_clock(instants.dt.convert_time_zone(timezone) if has_offset else instants)


def _by_python(texts: pl.Series, format: str, timezone: str) -> pl.Series:
    """By Python's strptime, which also reads hours without minutes."""
    known = texts.drop_nulls().unique()
    instants = [_instant(text, format.replace("%#z", "%z"), timezone) for text in known]
    days = pl.DataFrame({"cell": known, "at": pl.Series(instants, dtype=pl.Datetime("us"))})
    found = texts.to_frame("cell").join(days, on="cell", how="left", maintain_order="left")
    return wall_clock(found["at"])


def _instant(text: str, format: str, timezone: str) -> datetime | None:
    try:
        instant = datetime.strptime(text, format)
    except ValueError:
        return None
    if instant.tzinfo is None:
        return instant
    return instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def wall_clock(instants: pl.Series) -> pl.Series:
    """Instants of the shop's clock as days, a float."""
    wall = pl.first().dt.replace_time_zone(None).dt.epoch("us").cast(pl.Float64)
    micros = instants.to_frame().select(wall).to_series()
    # Divided in NumPy: Polars multiplies by the reciprocal, a bit less than `as_day` at times.
    days = micros.to_numpy() / MICROSECONDS_PER_DAY
    return pl.Series(instants.name, days, nan_to_null=True)


def moved(days: pl.Series, zone: str, timezone: str) -> pl.Series:
    """Days on the clock of one zone as days on that of another."""
    micros = (days * MICROSECONDS_PER_DAY).round().cast(pl.Int64).cast(pl.Datetime("us"))
    instants = micros.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return wall_clock(instants.dt.convert_time_zone(timezone))
