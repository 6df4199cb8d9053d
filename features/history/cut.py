"""The one cut in time, of rows and of the facts inside them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import narwhals as nw

from features.intake.steps import KEPT, Steps
from features.schema import Column, later_facts

# The instant of the cut, in every row for a while.
CUT = "as_of_day"
_DAY = nw.col(CUT)


def cut(table: str, frame: nw.LazyFrame[Any], day: float) -> nw.LazyFrame[Any]:
    """The rows known strictly before a day, without the facts that became known later.

    Blanks are read from the uncut frame, so one later fact cannot hide another's blanking.
    """
    cutting = _cutting(tuple(later_facts(table).items()))
    return cutting.of(frame.with_columns(nw.lit(day).alias(CUT))).drop(CUT)


@lru_cache(KEPT)
def _cutting(facts: tuple[tuple[str, tuple[Column, ...]], ...]) -> Steps:
    """The cut of rows with such later facts at the day that stands in them."""
    blanks = (
        _known_before(known_day, column).alias(column.target)
        for known_day, columns in facts
        for column in columns
    )
    superseded = nw.col("superseded_day")
    standing = nw.when(superseded < _DAY).then(superseded)
    return Steps(
        (
            ("filter", (nw.col("known_day") < _DAY,)),
            ("with_columns", (standing.alias("superseded_day"), *blanks)),
        )
    )


def _known_before(known_day: str, column: Column) -> nw.Expr:
    """The fact, or null where it became known later.

    Of kinds that are known with the row, and where nobody tells when, the row's own time counts.
    """
    fact, when = nw.col(column.target), nw.col(known_day)
    if not column.known_later_of:
        return nw.when(when < _DAY).then(fact)
    later = nw.col("kind").is_in(list(column.known_later_of)) & (when >= _DAY)
    return nw.when(~later | when.is_null()).then(fact)
