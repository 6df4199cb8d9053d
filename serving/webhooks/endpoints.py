"""Webhooks: who is told of what, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.access import Caller, needs
from serving.http.bodies import body_of
from serving.http.openapi import body, problems
from serving.repeated import RepeatableNow
from serving.resources import ResourcesNow, StoreNow
from serving.webhooks import service
from serving.webhooks.schemas import (
    Delivery,
    DeliveryPage,
    DeliveryQuery,
    NewWebhook,
    Webhook,
    WebhookList,
    WebhookWithSecret,
)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Admin = Annotated[Caller, needs("admin")]
WebhookId = Annotated[int, Path(ge=1, lt=2**63)]
DeliveryId = Annotated[int, Path(ge=1, lt=2**63)]
ANSWERS = problems(404, 422, 503)


@router.post(
    "",
    status_code=201,
    responses=problems(409, 422, 503),
    openapi_extra=body(NewWebhook),
)
def add(
    asked: Annotated[NewWebhook, body_of(NewWebhook)],
    store: StoreNow,
    resources: ResourcesNow,
    caller: Admin,
    repeatable: RepeatableNow,
) -> WebhookWithSecret:
    """Add an endpoint. The answer alone tells its secret."""
    return service.add(store, asked, resources.private_webhooks, caller.name, repeatable)


@router.get("", responses=problems(422, 503))
def webhooks(store: StoreNow, _: Admin) -> WebhookList:
    """List all endpoints."""
    return service.every(store)


@router.get("/{webhook_id}", responses=ANSWERS)
def webhook(webhook_id: WebhookId, store: StoreNow, _: Admin) -> Webhook:
    """Tell what is on its way to an endpoint."""
    return service.one(store, webhook_id)


@router.delete("/{webhook_id}", status_code=204, responses=ANSWERS)
def remove(webhook_id: WebhookId, store: StoreNow, caller: Admin) -> None:
    """Remove an endpoint; what is on its way to it is not delivered."""
    service.remove(store, webhook_id, caller.name)


@router.post("/{webhook_id}/rotate", responses=ANSWERS)
def rotate(webhook_id: WebhookId, store: StoreNow, caller: Admin) -> WebhookWithSecret:
    """Give an endpoint a new secret; for a day messages have the signatures of both."""
    return service.rotate(store, webhook_id, caller.name)


@router.post("/{webhook_id}/enable", responses=ANSWERS)
def enable(webhook_id: WebhookId, store: StoreNow, caller: Admin) -> Webhook:
    """Tell an endpoint again that was disabled."""
    return service.enable(store, webhook_id, caller.name)


@router.post("/{webhook_id}/test", status_code=202, responses=problems(404, 409, 422, 503))
def test(webhook_id: WebhookId, store: StoreNow, _: Admin) -> Delivery:
    """Send an endpoint a message of type webhook.test; its deliveries tell what came of it."""
    return service.test(store, webhook_id)


@router.get("/{webhook_id}/deliveries", responses=ANSWERS)
def deliveries(
    webhook_id: WebhookId, query: Annotated[DeliveryQuery, Query()], store: StoreNow, _: Admin
) -> DeliveryPage:
    """List deliveries to an endpoint, the latest first."""
    return service.deliveries(store, webhook_id, query)


@router.post(
    "/deliveries/{delivery_id}/replay", status_code=202, responses=problems(404, 409, 422, 503)
)
def replay(delivery_id: DeliveryId, store: StoreNow, caller: Admin) -> Delivery:
    """Deliver a message again that was delivered, or given up."""
    return service.replay(store, delivery_id, caller.name)
