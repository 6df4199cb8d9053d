"""An export that is being described: its rows, the columns chosen in it, and who can be asked."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.errors import HistoryError
from features.intake.amounts import read_numbers
from features.intake.propose.candidates import NEARLY_ALL, SURE, Candidate, Choice
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.guesses import Ask, Question

COLUMNS = "orders.columns"
REQUIRED = {
    "customer_id": "a column that tells customers apart",
    "ordered_at": "a column of dates",
    "amount": "a column of amounts",
}


@dataclass(frozen=True)
class Export:
    """Rows of an export, the columns that were chosen in it, and who can be asked."""

    frame: pl.DataFrame
    columns: dict[str, ColumnEvidence]
    chosen: dict[str, Choice]
    ask: Ask

    def has(self, role: str) -> bool:
        """Whether there is a column for the role."""
        return role in self.chosen

    def column(self, role: str) -> ColumnEvidence:
        """The evidence about the column that fits a role best."""
        return self.chosen[role].best.column

    def text(self, name: str) -> pl.Series:
        """Cells of a column as text, null where they say nothing."""
        text = self.frame[name].cast(pl.String).str.strip_chars()
        return text.set(text == "", None)

    def numbers(self, name: str) -> pl.Series:
        """Cells of a column as numbers."""
        return read_numbers(self.text(name))

    def settled(self, role: str, what: str) -> tuple[ColumnEvidence, str]:
        """The column of a role, and what else it may be where nobody says."""
        choice = self.chosen[role]
        rivals = [c for c in choice.rivals if not self._equal(c, choice.best)]
        options: list[Candidate] = [choice.best, *rivals]
        if not rivals:
            doubt = "" if choice.best.score >= SURE else "its name does not say so"
            return choice.best.column, doubt
        told = tuple(f"{c.column.name} ({c.column.told(what)})" for c in options)
        answer = self.ask(Question(f"Which column is {role}?", told))
        others = ", ".join(c.column.name for c in rivals)
        return options[answer or 0].column, f"may also be {others}" if answer is None else ""

    def _equal(self, one: Candidate, other: Candidate) -> bool:
        return self.text(one.column.name).equals(self.text(other.column.name))


def require_columns(source: Export) -> None:
    """Refuse a source without a column that an order can not do without.

    Raises
    ------
    HistoryError
        With what is missing, and what was understood.
    """
    has_price = source.has("price") or source.has("line_total")
    missing = [
        what
        for role, what in REQUIRED.items()
        if not source.has(role) and not (role == "amount" and has_price)
    ]
    if missing:
        raise HistoryError(
            f"orders must have {' and '.join(missing)}; got none among {list(source.columns)}. "
            "Export it too, or map by hand what there is: docs/history.md tells how."
        )


def unreadable(share: float) -> str:
    """What is doubtful where few cells read as what they are to be."""
    return "" if share >= NEARLY_ALL else "rows whose cells cannot be read are set aside"
