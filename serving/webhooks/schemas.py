"""What is asked of webhooks, and answered about them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.http.cells import Text
from serving.inforce.schemas import Answer, UtcInstant
from serving.rows.schemas import RequestModel
from serving.store.outbox import EventType

DeliveryState = Literal["waiting", "delivered", "dead"]
Threshold = Annotated[
    float,
    Field(
        gt=0,
        lt=1,
        description="Churn risk that counts as high: risk.crossed tells who came above or below.",
    ),
]


class NewWebhook(RequestModel):
    """An endpoint that is to be told of what happens."""

    url: Text = Field(description="Where messages are sent to: https, and a public address.")
    events: list[EventType] = Field(min_length=1, max_length=5, description="Of what to tell it.")
    risk_threshold: Threshold = 0.5


class Webhook(Answer):
    """An endpoint, and what is on its way to it."""

    id: int
    url: str
    events: list[EventType]
    risk_threshold: float
    created_by: str
    created_at: UtcInstant
    disabled_at: UtcInstant | None
    disabled_because: str | None
    waiting: int = Field(description="Messages that are still to be delivered.")
    dead: int = Field(description="Messages that were given up; they can be replayed.")


class WebhookWithSecret(Webhook):
    """An endpoint, with the secret that its messages are signed with; told only here."""

    secret: str


class WebhookList(Answer):
    """All endpoints."""

    webhooks: list[Webhook]


class Delivery(Answer):
    """A message on its way to one endpoint."""

    id: int
    webhook_id: int
    message_id: str = Field(description="The webhook-id that it is sent with, each time.")
    type: str
    at: UtcInstant = Field(description="When it happened.")
    state: DeliveryState
    attempts: int
    next_at: UtcInstant | None = Field(description="When it is tried next.")
    status: int | None = Field(description="What the endpoint last answered.")
    error: str | None = Field(description="Why the last attempt did not deliver it.")
    ended_at: UtcInstant | None


class DeliveryPage(Answer):
    """Deliveries, the latest first."""

    deliveries: list[Delivery]
    next_before: int | None = Field(description="Null on the last page.")


class DeliveryQuery(BaseModel):
    """Which deliveries are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: DeliveryState | None = None
    limit: int = Field(default=50, ge=1, le=200, description="Deliveries on a page, at most.")
    before: int | None = Field(
        default=None, ge=1, lt=2**63, description="Deliveries before this id: `next_before`."
    )
