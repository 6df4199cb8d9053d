"""What a caller sends to have customers scored, and what is answered.

The rows of a request are those of the history's tables, without their customer.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, Field

from features.explanations import refusal
from serving.http.cells import AsOf, Attributes, Id, Text
from serving.inforce.schemas import Answer, ScoreRow, Terms, Versions, WallClock
from serving.rows.schemas import Feedback, Offer, Order, RequestModel

# At a few milliseconds each a request of so many takes seconds.
MOST_CUSTOMERS = 1000
# Of a customer, and rows of all customers: more are a batch's.
MOST_ORDERS, MOST_ROWS = 5000, 50_000


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
