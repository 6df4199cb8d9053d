"""Which orders do not count, and what was paid back: guesses from words for states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.agreement import many
from features.intake.propose.candidates import known_states
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.export import Export
from features.intake.propose.guesses import Guess, Question

STATUS, REFUND = "orders.status", "orders.refund"
# From such a share of the rows it is doubtful that they do not count.
MANY = 0.5
# States that are told in a comment.
SHOWN = 8


def status(source: Export) -> Iterator[Guess]:
    """Orders whose status says that they never were, or were paid back."""
    if not source.has("status"):
        return
    column = source.column("status")
    cancelled, refunded = known_states(column)
    is_offered = not cancelled and not refunded
    doubt = "none of its words is known; name those of orders that do not count"
    yield Guess(
        STATUS, "column", column.name, _told(column, column.states),
        doubt if is_offered else "", is_offered,
    )  # fmt: skip
    if is_offered:
        yield Guess(STATUS, "not_counted", (), "", "", is_offered=True)
    if cancelled:
        rows = sum(column.states[cell] for cell in cancelled)
        unsure = "these are most rows" if rows > MANY * column.given else ""
        yield Guess(STATUS, "not_counted", tuple(cancelled), _told(column, cancelled), unsure)
    if refunded:
        yield Guess(STATUS, "refunded", tuple(refunded), _told(column, refunded))


def _told(column: ColumnEvidence, cells: Sequence[str] | dict[str, int]) -> str:
    shown = ", ".join(f"{cell} in {column.states[cell]:,}" for cell in list(cells)[:SHOWN])
    return f"{shown} and more" if len(cells) > SHOWN else shown


def cancelled(source: Export) -> Iterator[Guess]:
    """Rows that say why, or when, their order was taken back."""
    if not source.has("cancelled"):
        return
    column = source.column("cancelled")
    rows = many(column.given, "row")
    told = (f"no: the {rows} with a {column.name} are left out", "yes, they count as the others")
    answer = source.ask(Question(f"Do orders with a {column.name} count?", told))
    quoted = '"' + column.name.replace('"', '""') + '"'
    unsure = "orders that have one may count all the same" if answer is None else ""
    why = f"given in {column.given:,} of {column.rows:,} rows"
    yield Guess("orders", "drop", f"{quoted} IS NOT NULL", why, unsure, is_offered=answer == 1)


def refund(source: Export) -> Iterator[Guess]:
    """What was given back beside the amount, and when."""
    if not source.has("refund_amount"):
        return
    column = source.column("refund_amount")
    back = int((source.numbers(column.name).fill_null(0) != 0).sum())
    yield Guess(REFUND, "amount", column.name, f"other than 0 in {back:,} of {column.rows:,} rows")
    if source.has("refunded_at"):
        at = source.column("refunded_at")
        yield Guess(REFUND, "at", at.name, at.told("dates", at.dates))
