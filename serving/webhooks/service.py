"""Endpoints that are told of what happens, and the deliveries to them."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta

from serving.clock import utc_now
from serving.http.problems import FieldProblem, ProblemError
from serving.repeated import ONCE, Repeatable
from serving.store.audit import record
from serving.store.database import Connection, Database
from serving.store.outbox import send_test
from serving.webhooks import repository
from serving.webhooks.addresses import AddressError, checked
from serving.webhooks.schemas import (
    Delivery,
    DeliveryPage,
    DeliveryQuery,
    NewWebhook,
    Webhook,
    WebhookList,
    WebhookWithSecret,
)

# Everything that happens is written down for each of them.
MOST = 20
# How long the secret before signs too, so that a receiver can exchange it without a gap.
BOTH = timedelta(hours=24)


def add(
    database: Database,
    asked: NewWebhook,
    allow_private: bool,
    caller: str,
    repeatable: Repeatable = ONCE,
) -> WebhookWithSecret:
    """A new endpoint, with its secret; or the one that the same request made before.

    Raises
    ------
    ProblemError
        If no message may be sent to its URL, there are too many, or the key stands for another
        request.
    """
    try:
        url = str(checked(asked.url, allow_private))
    except AddressError as error:
        raise _bad_url(str(error)) from None
    request = f"webhook {asked.model_dump_json()}"
    with database.writing(alone="webhooks") as connection:
        known = repeatable.made_before(connection, caller, request)
        if known is not None:
            if repository.find(connection, known) is None:
                raise ProblemError(409, "The webhook of this key was deleted. Use another key.")
            return _with_secret(connection, known)
        if len(repository.every(connection)) >= MOST:
            raise ProblemError(409, f"There are {MOST} webhooks, and no more can be. Delete one.")
        now = utc_now()
        made = repository.add(
            connection,
            url=url,
            events=sorted(set(asked.events)),
            risk_threshold=asked.risk_threshold,
            secret=_new_secret(),
            created_by=caller,
            created_at=now,
        )
        record(connection, now, caller, "webhook.created", webhook=made)
        repeatable.note(connection, caller, request, made, now)
        return _with_secret(connection, made)


def every(database: Database) -> WebhookList:
    """All endpoints."""
    with database.reading() as connection:
        numbers = repository.counts(connection)
        rows = repository.every(connection)
    return WebhookList(webhooks=[_webhook(row, numbers) for row in rows])


def one(database: Database, webhook_id: int) -> Webhook:
    """An endpoint.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.reading() as connection:
        return _told(connection, webhook_id)


def remove(database: Database, webhook_id: int, caller: str) -> None:
    """Remove an endpoint; what is on its way to it is not delivered.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.writing(alone=repository.ALONE) as connection:
        _found(connection, webhook_id)
        repository.remove(connection, webhook_id)
        record(connection, utc_now(), caller, "webhook.deleted", webhook=webhook_id)


def rotate(database: Database, webhook_id: int, caller: str) -> WebhookWithSecret:
    """A new secret; the one before signs too for a day.

    Raises
    ------
    ProblemError
        If there is no endpoint of that id.
    """
    with database.writing(alone="webhooks") as connection:
        before = _found(connection, webhook_id)["secret"]
        now = utc_now()
        repository.change(
            connection,
            webhook_id,
            secret=_new_secret(),
            previous_secret=before,
            previous_until=now + BOTH,
        )
        record(connection, now, caller, "webhook.rotated", webhook=webhook_id)
        return _with_secret(connection, webhook_id)


def enable(database: Database, webhook_id: int, caller: str) -> Webhook:
    """Tell an endpoint again that was disabled, from now on.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.writing() as connection:
        if _found(connection, webhook_id)["disabled_at"] is not None:
            repository.change(connection, webhook_id, disabled_at=None, disabled_because=None)
            record(connection, utc_now(), caller, "webhook.enabled", webhook=webhook_id)
        return _told(connection, webhook_id)


def test(database: Database, webhook_id: int) -> Delivery:
    """A message that says nothing, to see whether it comes.

    Raises
    ------
    ProblemError
        If there is no endpoint of that id, or it is disabled.
    """
    with database.writing() as connection:
        _require_enabled(connection, webhook_id)
        return _delivery(connection, send_test(connection, webhook_id, utc_now()))


def deliveries(database: Database, webhook_id: int, query: DeliveryQuery) -> DeliveryPage:
    """Deliveries to an endpoint, the latest first.

    Raises
    ------
    ProblemError
        If there is no endpoint of that id.
    """
    with database.reading() as connection:
        _found(connection, webhook_id)
        rows = repository.deliveries(
            connection, webhook_id, query.state, query.before, query.limit + 1
        )
    told = [_of(row) for row in rows[: query.limit]]
    return DeliveryPage(
        deliveries=told, next_before=told[-1].id if len(rows) > query.limit else None
    )


def replay(database: Database, delivery_id: int, caller: str) -> Delivery:
    """Deliver again what was delivered, or given up.

    Raises
    ------
    ProblemError
        If there is no such delivery, it is on its way, or its endpoint is disabled.
    """
    with database.writing() as connection:
        found = _delivery(connection, delivery_id)
        _require_enabled(connection, found.webhook_id)
        if found.state == "waiting":
            raise ProblemError(409, "The message is on its way. Wait until it is there, or dead.")
        repository.begin_again(connection, delivery_id, utc_now())
        record(connection, utc_now(), caller, "delivery.replayed", delivery=delivery_id)
        return _delivery(connection, delivery_id)


def _new_secret() -> str:
    """32 random bytes, as the specification writes them."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _require_enabled(connection: Connection, webhook_id: int) -> None:
    if _found(connection, webhook_id, held=True)["disabled_at"] is not None:
        path = f"/v1/webhooks/{webhook_id}/enable"
        raise ProblemError(409, f"The webhook is disabled. Enable it with POST {path}.")


def _found(connection: Connection, webhook_id: int, held: bool = False) -> repository.Row:
    row = repository.find(connection, webhook_id, held)
    if row is None:
        raise _unknown("webhook_id", f"there is no webhook {webhook_id}")
    return row


def _told(connection: Connection, webhook_id: int) -> Webhook:
    return _webhook(_found(connection, webhook_id), repository.counts(connection))


def _webhook(row: repository.Row, numbers: dict[tuple[int, str], int]) -> Webhook:
    waiting, dead = (numbers.get((row["id"], state), 0) for state in ("waiting", "dead"))
    own = {name: row[name] for name in Webhook.model_fields if name in row}
    return Webhook(**own, waiting=waiting, dead=dead)


def _with_secret(connection: Connection, webhook_id: int) -> WebhookWithSecret:
    secret = _found(connection, webhook_id)["secret"]
    return WebhookWithSecret(**dict(_told(connection, webhook_id)), secret=secret)


def _delivery(connection: Connection, delivery_id: int) -> Delivery:
    row = repository.delivery(connection, delivery_id)
    if row is None:
        raise _unknown("delivery_id", f"there is no delivery {delivery_id}")
    return _of(row)


def _of(row: repository.Row) -> Delivery:
    own = {name: row[name] for name in Delivery.model_fields if name != "message_id"}
    return Delivery(**own, message_id=row["message_key"])


def _unknown(field: str, detail: str) -> ProblemError:
    remedy = "List webhooks with GET /v1/webhooks, and their deliveries below each."
    problem = FieldProblem(place="path", field=field, detail=detail, remedy=remedy)
    return ProblemError(404, f"path {field}: {detail}. {remedy}", [problem])


def _bad_url(detail: str) -> ProblemError:
    said, _, remedy = detail.partition(". ")
    problem = FieldProblem(place="body", field="/url", detail=said, remedy=remedy)
    return ProblemError(422, f"body /url {detail}", [problem])
