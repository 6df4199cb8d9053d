"""What a caller sends to have customers scored: their history, inline."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from serving.inforce.schemas import Answer, ScoreRow, Terms, Versions, WallClock

MOST_CUSTOMERS = 1000
LARGEST = 1e12
MONTH_AND_DAY = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|[12][0-9]))"
)
TIME = (
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?)?"
)
ISO = rf"^(?!0000)[0-9]{{4}}-{MONTH_AND_DAY}{TIME}$"
ISO_AS_OF = rf"^(19[7-9][0-9]|2[0-9]{{3}})-{MONTH_AND_DAY}{TIME}$"


def _refusal(detail: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("holdfast", "{detail}", {"detail": detail, "remedy": remedy})


def _instant(given: Any) -> str:
    """An ISO date or instant in one spelling; the offset, if there is one, is kept."""
    if not isinstance(given, str) or re.fullmatch(ISO, given) is None:
        kind = "" if isinstance(given, str) else f"; got {type(given).__name__}"
        raise _refusal(
            f"must be an ISO date or instant as text{kind}",
            "Write for example 2011-09-10, 2011-09-10T08:00 or 2011-09-10T08:00+02:00; without "
            "an offset it is the shop's wall clock.",
        )
    try:
        return datetime.fromisoformat(given).isoformat()
    except ValueError as error:
        raise _refusal(f"must be a date that exists: {error}", "Correct it.") from None


def _instant_of_prediction(given: str) -> str:
    if re.fullmatch(ISO_AS_OF, given) is None:
        raise _refusal("must be in the years 1970 to 2999", "Check the year.")
    return given


def _attribute(given: Any) -> str | float | bool | None:
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        if given.isascii() or given.encode("utf-8", "ignore").decode() == given:
            return given
    elif isinstance(given, int | float) and abs(given) <= LARGEST:
        return given
    raise _refusal(
        f"must be text, a number within ±{LARGEST:g}, true, false or null",
        "Send one value for each attribute.",
    )


def _described(pattern: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": pattern,
            "description": "ISO date or instant; without an offset it is the shop's wall clock.",
            "examples": ["2011-09-10", "2011-09-10T08:00:00+02:00"],
        }
    )


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=r"\S")
]
Id = Annotated[Text, Field(description="Ids are text: `00001` stays `00001`.")]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Instant = Annotated[str, PlainValidator(_instant), _described(ISO)]
AsOf = Annotated[
    str,
    PlainValidator(_instant),
    AfterValidator(_instant_of_prediction),
    _described(ISO_AS_OF),
]
Attribute = Annotated[
    str | float | bool | None,
    PlainValidator(_attribute),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
                {"type": "boolean"},
                {"type": "null"},
            ]
        }
    ),
]


class RequestModel(BaseModel):
    """What is received has no other fields than the documented ones, and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Order(RequestModel):
    """An order, or a refund if its amount is negative."""

    order_id: Id
    ordered_at: Instant
    amount: Number = Field(description="In the models' currency; negative for a refund.")
    recorded_at: Instant | None = None
    discount_amount: Number | None = None


class Feedback(RequestModel):
    """An answer to a survey, a review or a ticket."""

    created_at: Instant
    kind: Text = Field(
        description="nps, csat, review, ticket, or another of the shop's; see GET /readyz."
    )
    score: Number | None = None
    recorded_at: Instant | None = None
    feedback_id: Id | None = None
    order_id: Id | None = None
    text: str | None = Field(default=None, max_length=10_000, description="Not used by the models.")
    due_at: Instant | None = None
    resolved_at: Instant | None = Field(
        default=None,
        description="Null while the ticket is open. Give it with every ticket or with none.",
    )


class Offer(RequestModel):
    """An offer made; `offer_id` is `none` for a control."""

    campaign_id: Id
    offered_at: Instant
    offer_id: Id
    intended_offer: Id | None = None
    propensity: Number | None = None
    cost: Number | None = None
    redeemed_at: Instant | None = None
    refused_at: Instant | None = None


class Customer(RequestModel):
    """One customer's history, as much of it as there is."""

    customer_id: Id
    orders: list[Order]
    feedback: list[Feedback] = Field(default_factory=list)
    offers: list[Offer] = Field(default_factory=list)
    attributes: dict[Text, Attribute] = Field(
        default_factory=dict,
        description="Columns of the shop's customer table that the models use; see GET /readyz.",
    )


def _once(customers: list[Customer]) -> list[Customer]:
    counts = Counter(customer.customer_id for customer in customers)
    twice = [customer_id for customer_id, n in counts.items() if n > 1]
    if twice:
        raise _refusal(
            f"must name each customer_id once; got {twice[0]!r} {counts[twice[0]]} times",
            "Put all orders of a customer into one entry.",
        )
    return customers


class ScoreRequest(RequestModel):
    """Customers to be scored, and the instant of prediction."""

    as_of: AsOf
    customers: Annotated[
        list[Customer],
        Field(min_length=1, max_length=MOST_CUSTOMERS),
        AfterValidator(_once),
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
