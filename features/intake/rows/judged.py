"""What is wrong with a row, by what was read of it, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import narwhals as nw

from features.intake.casting import is_given
from features.intake.rows.deduplicate import BEFORE_ALL
from features.intake.rows.shape import CALLED_OFF, OWN_ID, PAID_BACK
from features.intake.steps import KEPT, Step, Steps
from features.schema import ANONYMOUS, RECORDED, SCORE, Column

# What the shape says of rows of orders, and what it is called here.
MADE = {PAID_BACK: "paid_back", CALLED_OFF: "called_off", OWN_ID: "refund_id"}
# Of scores on the ends of their scale.
ROUNDING = 1e-9
# Ids as spreadsheets shorten them, such as 6.00000E+12: several become the same.
SHORTENED = r"^\d([.,]\d+)?[eE]\+\d+$"
# In whatever currency, no order is worth so much; sums of such amounts lose their cents.
LARGEST = 1e12


@dataclass(frozen=True)
class RowsRead:
    """What was read of a table: by it, whatever the rows, they are judged.

    Attributes
    ----------
    table : str
    columns : tuple of Column
    present : tuple of (Column, narwhals dtype)
        Those that the source has, and what its cells are.
    made : tuple of str
        What the shape says of rows.
    signed : frozenset of Column
        Ids of which some have a plus.
    scales : tuple of (str, (float, float))
    is_lines : bool
    """

    table: str
    columns: tuple[Column, ...]
    present: tuple[tuple[Column, Any], ...]
    made: tuple[str, ...]
    signed: frozenset[Column]
    scales: tuple[tuple[str, tuple[float, float]], ...]
    is_lines: bool

    @property
    def given(self) -> dict[Column, nw.Expr]:
        """Whether cells say anything, by column."""
        return {column: is_given(column, dtype) for column, dtype in self.present}


@lru_cache(KEPT)
def judging(rows: RowsRead) -> Steps:
    """From cells that were read to the canonical columns, and what is wrong with each row."""
    present = {column for column, _ in rows.present}
    absent = (
        nw.lit(None, dtype=nw.String if c.kind in {"id", "text"} else nw.Float64).alias(c.target)
        for c in rows.columns
        if c not in present
    )
    derived = _derived(rows)
    wrong = _first(_checks(rows))
    said = (
        nw.coalesce(nw.col("aside"), wrong).alias("problem"),
        _first(_later_checks(rows)).alias("unread"),
    )
    targets = [c.target for c in rows.columns]
    told = [name for mark, name in MADE.items() if mark in rows.made]
    kept = ("row", *targets, *derived, *told, "problem", "unread")
    return Steps(
        (
            ("with_columns", tuple(absent)),
            ("with_columns", tuple(made.alias(name) for name, made in derived.items())),
            ("with_columns", said),
            *(_timed_scores(present) if rows.table == "feedback" else ()),
            ("select", tuple(nw.col(name) for name in kept)),
        )
    )


def _derived(rows: RowsRead) -> dict[str, nw.Expr]:
    """Columns made of others: when the row is known, and what scores and lines amount to."""
    derived = {"known_day": _known_day(rows.table)}
    if rows.table == "feedback":
        derived["satisfaction"] = satisfaction(rows.scales)
    if rows.is_lines:
        derived["amount"] = nw.col("quantity") * nw.col("price")
    return derived


def _known_day(table: str) -> nw.Expr:
    recorded = nw.col("recorded_day")
    if table == "offers":
        return nw.col("day")
    if table == "customers":
        return recorded.fill_null(BEFORE_ALL)
    return nw.when(recorded > nw.col("day")).then(recorded).otherwise(nw.col("day"))


def satisfaction(scales: Iterable[tuple[str, tuple[float, float]]]) -> nw.Expr:
    """Scores of every kind on one scale from -1 (worst) to 1 (best)."""
    found: nw.Expr = nw.lit(None, dtype=nw.Float64)
    for kind, (low, high) in scales:
        centred = (nw.col("score") - (low + high) / 2) * (2 / (high - low))
        found = nw.when(nw.col("kind") == kind).then(centred).otherwise(found)
    return found


def _timed_scores(present: Set[Column]) -> Iterator[Step]:
    """A ticket's score is given when it is resolved: where that is told, open tickets have none."""
    outside = _is_answered_later() & _outside()
    yield _only_scores_of(~outside.fill_null(False))
    if any(column.source == SCORE.known_with for column in present):
        yield _only_scores_of(~(_is_answered_later() & nw.col("resolved_day").is_null()))


def _only_scores_of(rows: nw.Expr) -> Step:
    scores = (nw.when(rows).then(nw.col(c)).alias(c) for c in ("score", "satisfaction"))
    return "with_columns", tuple(scores)


def _first(checks: Sequence[tuple[nw.Expr, str]]) -> nw.Expr:
    """The first thing that is wrong with a row, or null."""
    problem: nw.Expr = nw.lit(None, dtype=nw.String)
    for wrong, reason in reversed(checks):
        problem = nw.when(wrong).then(nw.lit(reason)).otherwise(problem)
    return problem


def _later_checks(rows: RowsRead) -> list[tuple[nw.Expr, str]]:
    """Facts known after their row, and attributes: a bad one is left out, and the row stays."""
    given = rows.given
    checks = [
        (is_there & nw.col(column.target).is_null(), f"unparsable {column.source}")
        for column, is_there in given.items()
        if column.is_later_fact or (column.is_attribute and column.kind == "number")
    ]
    if rows.table == "feedback":
        unusable = _outside() | _unreadable_score(given)
        checks.append((_is_answered_later() & unusable, "unusable score"))
    return checks


def _is_answered_later() -> nw.Expr:
    return nw.col("kind").is_in(list(SCORE.known_later_of))


def _outside() -> nw.Expr:
    return nw.col("satisfaction").abs() > 1 + ROUNDING


def _unreadable_score(given: dict[Column, nw.Expr]) -> nw.Expr:
    return given[SCORE] & nw.col("score").is_null() if SCORE in given else nw.lit(False)


def _checks(rows: RowsRead) -> list[tuple[nw.Expr, str]]:
    table, given = rows.table, rows.given
    checks: list[tuple[nw.Expr, str]] = []
    anonymous = []
    for column, is_there in given.items():
        value = nw.col(column.target)
        if column.target == "customer_id" and table != "customers":
            anonymous.append((~is_there, ANONYMOUS))
        elif column.required or (table == "customers" and column == RECORDED):
            checks.append((~is_there, f"missing {column.source}"))
        if column.is_later_fact or column.is_attribute:
            continue
        if column.kind in {"date", "number"}:
            unreadable = is_there & value.is_null()
            if column.known_later_of:
                unreadable = unreadable & ~nw.col("kind").is_in(list(column.known_later_of))
            checks.append((unreadable, f"unparsable {column.source}"))
        if column in rows.signed:
            checks.append((value.str.contains(SHORTENED), f"shortened {column.source}"))
        if column.kind == "date":
            checks.append((value < 0, f"{column.source} before 1970"))
        if column.kind == "number" and table in ("orders", "refunds"):
            checks.append((value.abs() > LARGEST, f"{column.source} beyond a million million"))
    if table == "feedback":
        checks.append((~nw.col("kind").is_in([kind for kind, _ in rows.scales]), "unknown kind"))
        checks.append((_outside() & ~_is_answered_later(), "score outside its scale"))
    named_by_order = table in ("feedback", "refunds")
    if named_by_order and not any(c.target == "customer_id" for c in given):
        anonymous.append((nw.lit(True), ANONYMOUS))
    return checks + anonymous
