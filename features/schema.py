"""The tables of a history: their columns, as sources name them and as the library does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ANONYMOUS = "anonymous"
# The `offer_id` of a customer who got none: a control, or held out.
NO_OFFER = "none"
Kind = Literal["id", "text", "number", "date"]


@dataclass(frozen=True)
class Column:
    """One column of a table of the history: its name in sources and in the library."""

    source: str
    kind: Kind
    required: bool = False
    name: str = ""

    @property
    def target(self) -> str:
        """The column's name inside the library."""
        return self.name or self.source


RECORDED = Column("recorded_at", "date", name="recorded_day")
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
        Column("score", "number"),
        RECORDED,
        Column("feedback_id", "id"),
        Column("order_id", "id"),
        Column("text", "text"),
        Column("due_at", "date", name="due_day"),
        Column("resolved_at", "date", name="resolved_day"),
    ),
    "offers": (
        Column("customer_id", "id", required=True),
        Column("campaign_id", "id", required=True),
        Column("offered_at", "date", required=True, name="day"),
        Column("offer_id", "id", required=True),
        Column("intended_offer", "id"),
        Column("propensity", "number"),
        Column("cost", "number"),
        Column("redeemed_at", "date", name="redeemed_day"),
        Column("refused_at", "date", name="refused_day"),
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
LATER_FACTS = frozenset({"resolved_at", "redeemed_at", "refused_at", "cost"})
RESERVED = frozenset({"row", "problem", "unread", "known_day", "recorded_day", "superseded_day"})
