"""What a caller sends to have customers scored, and what is answered.

The rows of a request are those of the history's tables, without their customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, create_model

from features.explanations import refusal
from features.schema import SCHEMAS, Column
from serving.http.cells import STORABLE, AsOf, Attributes, Id, Instant, Number, Text, storable
from serving.inforce.schemas import Answer, ScoreRow, Terms, Versions, WallClock

# At a few milliseconds each a request of so many takes seconds.
MOST_CUSTOMERS = 1000
# Of a customer, and rows of all customers: more are a batch's.
MOST_ORDERS, MOST_ROWS = 5000, 50_000


class RequestModel(BaseModel):
    """What is received has no other fields than the documented ones, and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _row(name: str, table: str, about: str, leave_out: Collection[str] = ()) -> Any:
    """A row of a table of the history, as it is sent with its customer."""
    columns = (c for c in SCHEMAS[table] if c.source not in {"customer_id", *leave_out})
    fields: dict[str, Any] = {column.source: _field(table, column) for column in columns}
    fields["attributes"] = (Attributes, Field(default_factory=dict, description=FURTHER))
    return create_model(name, __base__=RequestModel, __doc__=about, **fields)


def _field(table: str, column: Column) -> tuple[Any, Any]:
    about = REMARKS.get((table, column.source), column.meaning)
    kind = TYPES.get((table, column.source), TYPES[column.kind])
    if column.required:
        own = TypeAdapter(kind).json_schema().get("description", "")
        return kind, Field(description=f"{about.rstrip('.')}. {own}".strip())
    return kind | None, Field(default=None, description=about)


FURTHER = "Further columns of the row that features of the shop's own use; see GET /readyz."
TYPES: dict[Any, Any] = {
    "id": Id,
    "text": Text,
    "number": Number,
    "date": Instant,
    # Not used by the models, and not stripped: a text may be empty.
    ("feedback", "text"): Annotated[
        str,
        Field(max_length=10_000, json_schema_extra={"pattern": STORABLE}),
        AfterValidator(storable),
    ],
}
# What only a request has to be told.
REMARKS = {
    ("orders", "amount"): "In the models' currency; negative for a refund.",
    ("feedback", "kind"): "nps, csat, review, ticket, or another of the shop's; see GET /readyz.",
    ("feedback", "text"): "Not used by the models.",
    ("feedback", "resolved_at"): (
        "Null while the ticket is open. Give it with every ticket or with none."
    ),
}
if TYPE_CHECKING:
    Order = RequestModel
    Feedback = RequestModel
    Offer = RequestModel
else:
    # The amounts of a request are in one currency, which is named once.
    Order = _row(
        "Order", "orders", "An order, or a refund if its amount is negative.", ["currency"]
    )
    Feedback = _row("Feedback", "feedback", "An answer to a survey, a review or a ticket.")
    Offer = _row("Offer", "offers", "An offer made; `offer_id` is `none` for a control.")


class Customer(RequestModel):
    """One customer's history, as much of it as there is."""

    customer_id: Id
    orders: list[Order] = Field(max_length=MOST_ORDERS)
    feedback: list[Feedback] = Field(default_factory=list)
    offers: list[Offer] = Field(default_factory=list)
    attributes: Attributes = Field(
        default_factory=dict,
        description="Columns of the shop's customer table that the models use; see GET /readyz.",
    )


def _once(customers: list[Customer]) -> list[Customer]:
    counts = Counter(customer.customer_id for customer in customers)
    twice = [customer_id for customer_id, n in counts.items() if n > 1]
    if twice:
        raise refusal(
            f"must name each customer_id once; got {twice[0]!r} {counts[twice[0]]} times",
            "Put all orders of a customer into one entry.",
        )
    return customers


def _not_too_many(customers: list[Customer]) -> list[Customer]:
    rows = sum(len(c.orders) + len(c.feedback) + len(c.offers) for c in customers)
    if rows > MOST_ROWS:
        raise refusal(
            f"must hold at most {MOST_ROWS:,} orders, answers and offers; got {rows:,}",
            "Send fewer customers at a time, or score the shop with holdfast score.",
        )
    return customers


class ScoreRequest(RequestModel):
    """Customers to be scored, and the instant of prediction."""

    as_of: AsOf
    customers: Annotated[
        list[Customer],
        Field(min_length=1, max_length=MOST_CUSTOMERS),
        AfterValidator(_once),
        AfterValidator(_not_too_many),
    ]
    currency: Text | None = Field(
        default=None,
        description="Of every amount; refused if the models' currency is another.",
    )


class NotScored(Answer):
    """A customer without scores."""

    customer_id: str
    reason: str


class NotUsed(Answer):
    """Something that was sent and does not count."""

    field: str = Field(description="JSON pointer into the body of the request.")
    customer_id: str
    reason: str


class RowsUsed(Answer):
    """Where the rows of a table went: rows_in = used + after_as_of + not_used."""

    rows_in: int
    used: int
    after_as_of: int = Field(description="Not known before as_of.")
    not_used: int = Field(description="Each of them is listed in `not_used`.")


class ScoreAnswer(Answer):
    """Scores, what they mean, and everything that did not count."""

    as_of: WallClock
    currency: str | None
    versions: Versions
    definition: Terms
    customers: list[ScoreRow]
    not_scored: list[NotScored]
    not_used: list[NotUsed]
    rows: dict[str, RowsUsed] = Field(description="Per table that was sent.")
