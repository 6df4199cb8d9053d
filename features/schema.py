"""The tables of a history: their columns, as sources name them and as the library does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ANONYMOUS = "anonymous"
# The `offer_id` of a customer who got none: a control, or held out.
NO_OFFER = "none"
Kind = Literal["id", "text", "number", "date"]


@dataclass(frozen=True)
class Column:
    """One column of a table of the history: its name in sources and in the library.

    Attributes
    ----------
    source : str
    kind : str
    required : bool
    name : str
        Its name in the library, where it is another one.
    known_with : str
        The date column of the same table, named as in sources, at which the fact became known where
        that is later than its row: the cut blanks it up to then.
    known_later_of : tuple of str
        Kinds of feedback whose fact becomes known later; that of others is known with the row. All
        of them if empty.
    """

    source: str
    kind: Kind
    required: bool = False
    name: str = ""
    known_with: str = ""
    known_later_of: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The column's name inside the library."""
        return self.name or self.source

    @property
    def is_later_fact(self) -> bool:
        """Whether it never becomes known with its row, whatever the kind of the row."""
        return bool(self.known_with) and not self.known_later_of


RECORDED = Column("recorded_at", "date", name="recorded_day")
# A ticket is scored when it is resolved, a survey or review when it is written.
SCORE = Column("score", "number", known_with="resolved_at", known_later_of=("ticket",))
SCHEMAS: dict[str, tuple[Column, ...]] = {
    "orders": (
        Column("order_id", "id", required=True),
        Column("customer_id", "id", required=True),
        Column("ordered_at", "date", required=True, name="day"),
        Column("amount", "number", required=True),
        RECORDED,
        Column("discount_amount", "number"),
        Column("currency", "text"),
    ),
    "feedback": (
        Column("customer_id", "id", required=True),
        Column("created_at", "date", required=True, name="day"),
        Column("kind", "text", required=True),
        SCORE,
        RECORDED,
        Column("feedback_id", "id"),
        Column("order_id", "id"),
        Column("text", "text"),
        Column("due_at", "date", name="due_day"),
        Column("resolved_at", "date", name="resolved_day", known_with="resolved_at"),
    ),
    "offers": (
        Column("customer_id", "id", required=True),
        Column("campaign_id", "id", required=True),
        Column("offered_at", "date", required=True, name="day"),
        Column("offer_id", "id", required=True),
        Column("intended_offer", "id"),
        Column("propensity", "number"),
        Column("cost", "number", known_with="redeemed_at"),
        Column("redeemed_at", "date", name="redeemed_day", known_with="redeemed_at"),
        Column("refused_at", "date", name="refused_day", known_with="refused_at"),
    ),
    "customers": (
        Column("customer_id", "id", required=True),
        RECORDED,
        Column("marketing_consent", "text"),
        Column("acquisition_cost", "number"),
    ),
}
LINES = (
    Column("quantity", "number", required=True),
    Column("price", "number", required=True),
)
LINE_COLUMNS = (*(c for c in SCHEMAS["orders"] if c.source != "amount"), *LINES)
# Columns of the library that no source has: made of others, and known when those are.
DERIVED: dict[str, tuple[Column, ...]] = {
    "feedback": (replace(SCORE, source="satisfaction"),),
}
RESERVED = frozenset({"row", "problem", "unread", "known_day", "recorded_day", "superseded_day"})


def later_facts(table: str) -> dict[str, tuple[Column, ...]]:
    """The columns of a table that become known after their rows, by the day at which they do.

    Examples
    --------
    >>> {day: [c.target for c in columns] for day, columns in later_facts("offers").items()}
    {'redeemed_day': ['redeemed_day', 'cost'], 'refused_day': ['refused_day']}
    """
    columns = (*SCHEMAS[table], *DERIVED.get(table, ()))
    days = (column for column in columns if column.known_with == column.source)
    return {
        day.target: (day, *(c for c in columns if c.known_with == day.source and c != day))
        for day in days
    }
