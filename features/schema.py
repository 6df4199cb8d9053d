"""The tables of a history: their columns, as sources name them and as the library does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

ANONYMOUS = "anonymous"
# Rows that are no orders of their own, and orders that do not count: told apart in the accounting.
JOINED = "continues the order above"
NOT_COUNTED = "not counted by its status"
OTHER_CURRENCY = "in another currency"
SET_ASIDE = (ANONYMOUS, JOINED, NOT_COUNTED, OTHER_CURRENCY)
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
    meaning : str
    is_attribute : bool
        Whether a shop declares it beside the columns of its table: where it cannot be read it is
        unknown, and the row counts.
    """

    source: str
    kind: Kind
    required: bool = False
    name: str = ""
    known_with: str = ""
    known_later_of: tuple[str, ...] = ()
    meaning: str = field(default="", compare=False)
    is_attribute: bool = False

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
SCORE = Column(
    "score",
    "number",
    known_with="resolved_at",
    known_later_of=("ticket",),
    meaning="on the kind's scale; outside it the row cannot be used",
)
SCHEMAS: dict[str, tuple[Column, ...]] = {
    "orders": (
        Column("order_id", "id", required=True, meaning="id of the order"),
        Column(
            "customer_id",
            "id",
            required=True,
            meaning="blank cells make the row *anonymous*: counted, set aside",
        ),
        Column(
            "ordered_at", "date", required=True, name="day", meaning="when the order was placed"
        ),
        Column(
            "amount",
            "number",
            required=True,
            meaning="value of the order; negative amounts are refunds, rows of their own",
        ),
        replace(RECORDED, meaning="when the row became known, if later than `ordered_at`"),
        Column("discount_amount", "number", meaning="discount given on the order"),
        Column(
            "currency",
            "text",
            meaning=(
                "currency of the amount; all rows must agree, with each other and with the mapping"
            ),
        ),
    ),
    "refunds": (
        Column("order_id", "id", required=True, meaning="the order that money was given back of"),
        Column(
            "amount",
            "number",
            required=True,
            meaning="what was given back, with a minus before it or without",
        ),
        Column(
            "refunded_at",
            "date",
            name="day",
            meaning=(
                "when; without it the refund counts as known when it was recorded, else only"
                " after all orders of the source"
            ),
        ),
        Column("customer_id", "id", meaning="the customer, if the order is not there"),
        replace(RECORDED, meaning="when the row became known, if later than `refunded_at`"),
        Column("currency", "text", meaning="currency of the amount"),
        Column("refund_id", "id", meaning="id of the refund, where an order may have several"),
    ),
    "feedback": (
        Column("customer_id", "id", required=True, meaning="blank cells make the row anonymous"),
        Column(
            "created_at",
            "date",
            required=True,
            name="day",
            meaning="when the feedback was asked for, or the ticket opened",
        ),
        Column(
            "kind",
            "text",
            required=True,
            meaning=(
                "`nps` (0 to 10), `csat` (1 to 5), `review` (1 to 5), `ticket` (1 to 5), or a"
                " kind with a declared scale"
            ),
        ),
        SCORE,
        replace(RECORDED, meaning="when the answer became known, if later than `created_at`"),
        Column("feedback_id", "id", meaning="id of the feedback, unique within its kind"),
        Column("order_id", "id", meaning="the order it is about"),
        Column("text", "text", meaning="what the customer wrote"),
        Column("due_at", "date", name="due_day", meaning="when a ticket should be resolved"),
        Column(
            "resolved_at",
            "date",
            name="resolved_day",
            known_with="resolved_at",
            meaning="when it was",
        ),
    ),
    "offers": (
        Column("customer_id", "id", required=True, meaning="blank cells make the row anonymous"),
        Column("campaign_id", "id", required=True, meaning="the campaign"),
        Column("offered_at", "date", required=True, name="day", meaning="when the offer was made"),
        Column(
            "offer_id",
            "id",
            required=True,
            meaning="the offer; `none` for customers held out as control",
        ),
        Column("intended_offer", "id", meaning="the offer that was intended, also for controls"),
        Column(
            "propensity",
            "number",
            meaning="probability with which this customer got this `offer_id`",
        ),
        Column(
            "cost", "number", known_with="redeemed_at", meaning="what the offer cost once redeemed"
        ),
        Column(
            "redeemed_at",
            "date",
            name="redeemed_day",
            known_with="redeemed_at",
            meaning="when it was redeemed",
        ),
        Column(
            "refused_at",
            "date",
            name="refused_day",
            known_with="refused_at",
            meaning="when it was refused",
        ),
    ),
    "customers": (
        Column("customer_id", "id", required=True, meaning="id of the customer"),
        replace(
            RECORDED,
            meaning="when the row became known; required in every row if the column is there",
        ),
        Column(
            "marketing_consent",
            "text",
            meaning=(
                "whether the customer may be contacted: `true`, `t`, `yes`, `y` or `1`, in "
                "capitals or not. Anything else, or nothing, is no consent"
            ),
        ),
        Column("acquisition_cost", "number", meaning="what winning the customer cost"),
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
# What the refunds of orders are made of, where the source has them beside the amount.
REFUND = (
    Column("refund_amount", "number", known_with="refunded_at"),
    Column("refunded_at", "date", name="refund_day", known_with="refunded_at"),
)
# What rows say for the checks alone.
MARKS = {"orders": ("undated", "told_twice", "refund_id"), "refunds": ("undated",)}
RESERVED = frozenset({"row", "problem", "unread", "known_day", "recorded_day", "superseded_day"})
# What reading, and the feature table, add to rows for a while.
ADDED = frozenset(
    {
        "age", "age_h", "as_of_day", "aside", "called_off", "day_age", "days_before_last_score",
        "gap", "horizon_days", "is_first_day", "is_last_day", "is_last_of_kind", "is_offer",
        "paid_back", "previous_day", "previous_gap", "purchase_day", "replaced_day", "scored_age",
    }
)  # fmt: skip


def later_facts(table: str) -> dict[str, tuple[Column, ...]]:
    """The columns of a table that become known after their rows, by the day at which they do.

    Raises
    ------
    LookupError
        If a fact is known with what is no date of its table: it would never be cut.

    Examples
    --------
    >>> {day: [c.target for c in columns] for day, columns in later_facts("offers").items()}
    {'redeemed_day': ['redeemed_day', 'cost'], 'refused_day': ['refused_day']}
    """
    columns = (*SCHEMAS[table], *DERIVED.get(table, ()))
    dates = {column.source: column for column in columns if column.kind == "date"}
    named = dict.fromkeys(column.known_with for column in columns if column.known_with)
    if unknown := [name for name in named if name not in dates]:
        raise LookupError(f"known_with must name dates of {table}; got {unknown}. Correct SCHEMAS.")
    return {
        dates[name].target: (
            dates[name],
            *(c for c in columns if c.known_with == name and c.source != name),
        )
        for name in named
    }
