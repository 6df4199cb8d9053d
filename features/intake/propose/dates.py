"""When an order was placed, and how the source writes it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from features.intake.propose.candidates import MOSTLY
from features.intake.propose.export import COLUMNS, Export, unreadable
from features.intake.propose.guesses import Guess, Question
from features.text_dates import AmbiguousDatesError, read_days


def ordered_at(source: Export) -> Iterator[Guess]:
    """The date of the order, its time where that stands apart, and how dates are written."""
    column, doubt = source.settled("ordered_at", "dates")
    what = "dates" if column.dates >= MOSTLY else column.epoch
    share = column.dates if column.dates >= MOSTLY else 1.0
    doubt = doubt or unreadable(share)
    yield Guess(COLUMNS, "ordered_at", column.name, column.told(what, share), doubt)
    text = source.text(column.name)
    if source.has("time") and not source.frame.schema[column.name].is_temporal():
        time = source.column("time")
        yield Guess("orders", "time", time.name, time.told("times of day", time.times))
        text = text + " " + source.text(time.name)
    if column.dates < MOSTLY:
        yield Guess("orders", "date_format", column.epoch, "whole numbers of that size")
    elif source.frame.schema[column.name].is_integer():
        yield Guess("orders", "date_format", "%Y%m%d", "whole numbers of eight digits")
    elif source.frame.schema[column.name] == pl.String:
        yield from _date_format(source, text)
    if source.has("recorded_at"):
        told = source.column("recorded_at")
        yield Guess(COLUMNS, "recorded_at", told.name, told.told("dates", told.dates))


def _date_format(source: Export, dates: pl.Series) -> Iterator[Guess]:
    """Nothing where the cells say it; else the two formats that they may have."""
    try:
        read_days(dates, (), "UTC")
    except AmbiguousDatesError as error:
        cell = next(iter(dates.drop_nulls()))
        told = tuple(f"{cell} is {_read(cell, f)}, by {f}" for f in error.formats)
        answer = source.ask(Question("How are dates written?", told))
        chosen = error.formats[answer or 0]
        other = next(format for format in error.formats if format != chosen)
        if answer is not None:
            yield Guess("orders", "date_format", chosen, "as was said")
            return
        unsure = f"cells such as {cell} may be of either format"
        yield Guess("orders", "date_format", chosen, "", unsure)
        yield Guess("orders", "date_format", other, "the other one", is_offered=True)


def _read(cell: str, format: str) -> str:
    day = read_days(pl.Series([cell]), (format,), "UTC").cast(pl.Int32, strict=False).cast(pl.Date)
    return str(day[0])
