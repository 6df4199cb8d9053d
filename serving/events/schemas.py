"""Events as they are sent, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from serving.http.cells import Attributes, Id, Instant
from serving.inforce.schemas import Answer, WallClock
from serving.rows.schemas import RequestModel, row

# In one request.
MOST_EVENTS = 1000
RECORDED = (
    Instant | None,
    Field(
        default=None,
        description="When the shop's system wrote this version: of two that say different things "
        "the later one counts, in whatever order they come. Default: the latest time in the event.",
    ),
)
REFUND_ID = (
    Id | None,
    Field(default=None, description="Of a refund: which of its order it is."),
)
EVENT_ID = (
    Id,
    Field(description="An id of its own: an event that comes again is counted as a duplicate."),
)


def _event(name: str, kind: str, of: Any, **further: Any) -> Any:
    own: dict[str, Any] = {
        "type": (Literal[kind], ...),
        "event_id": EVENT_ID,
        "customer_id": (Id, ...),
        "recorded_at": RECORDED,
        **further,
    }
    return create_model(name, __base__=of, __doc__=of.__doc__, **own)


class _ConsentRow(RequestModel):
    """What is true of a customer: whether they may be contacted, and the shop's own columns."""

    changed_at: Instant = Field(description="Since when it is so.")
    marketing_consent: bool | None = Field(
        default=None, description="Whether the customer may be contacted; null: not said here."
    )
    attributes: Attributes = Field(
        default_factory=dict, description="Further columns of the customer that changed."
    )


if TYPE_CHECKING:
    Event = RequestModel
    EVENTS: dict[str, type[RequestModel]]
else:
    OrderEvent = _event(
        "OrderEvent",
        "order",
        row("OrderRow", "orders", "An order, or a refund if its amount is negative."),
        refund_id=REFUND_ID,
    )
    FeedbackEvent = _event(
        "FeedbackEvent",
        "feedback",
        row("FeedbackRow", "feedback", "An answer to a survey, a review or a ticket."),
    )
    OfferEvent = _event(
        "OfferEvent", "offer", row("OfferRow", "offers", "An offer made, or what came of it.")
    )
    CustomerEvent = _event("CustomerEvent", "customer", _ConsentRow)
    EVENTS = {
        "order": OrderEvent,
        "feedback": FeedbackEvent,
        "offer": OfferEvent,
        "customer": CustomerEvent,
    }
    Event = Annotated[
        OrderEvent | FeedbackEvent | OfferEvent | CustomerEvent, Field(discriminator="type")
    ]
# Kind of event -> table of the history.
TABLES = {"order": "orders", "feedback": "feedback", "offer": "offers", "customer": "customers"}


class Events(RequestModel):
    """What happened, in any order."""

    events: Sequence[Event] = Field(min_length=1, max_length=MOST_EVENTS)


class Envelope(RequestModel):
    """A request of which each event is looked at by itself."""

    events: list[Any] = Field(min_length=1, max_length=MOST_EVENTS)


class Rejected(Answer):
    """An event that was not taken."""

    index: int = Field(description="Its place in the request, from 0.")
    field: str = Field(description="JSON pointer into the event; empty for the event as a whole.")
    detail: str
    remedy: str


class EventsAnswer(Answer):
    """What became of every event."""

    received_at: WallClock
    accepted: int = Field(description="Events that are committed.")
    duplicate: int = Field(description="Events that had come before.")
    rejected: list[Rejected] = Field(description="The others, each with what to do.")
