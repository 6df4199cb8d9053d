"""The one cut in time, of rows and of the facts inside them."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.schema import Column, later_facts


def cut(table: str, frame: nw.LazyFrame[Any], day: float) -> nw.LazyFrame[Any]:
    """The rows known strictly before a day, without the facts that became known later.

    Blanks are read from the uncut frame, so one later fact cannot hide another's blanking.
    """
    known = frame.filter(nw.col("known_day") < day)
    blanks = [
        _known_before(day, known_day, column).alias(column.target)
        for known_day, columns in later_facts(table).items()
        for column in columns
    ]
    superseded = nw.col("superseded_day")
    return known.with_columns(nw.when(superseded < day).then(superseded), *blanks)


def _known_before(day: float, known_day: str, column: Column) -> nw.Expr:
    """The fact, or null where it became known later.

    Of kinds that are known with the row, and where nobody tells when, the row's own time counts.
    """
    fact, when = nw.col(column.target), nw.col(known_day)
    if not column.known_later_of:
        return nw.when(when < day).then(fact)
    later = nw.col("kind").is_in(list(column.known_later_of)) & (when >= day)
    return nw.when(~later | when.is_null()).then(fact)
