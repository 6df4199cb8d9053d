"""Take events in: once each, whatever their order, and tell of every one what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from features.intake.store.reading import StoredSettings, stored_settings
from serving.clock import ShopClock, utc_now
from serving.events import repository
from serving.events.folding import folded
from serving.events.reading import Taken, read_events
from serving.events.schemas import EventsAnswer, Rejected
from serving.store.database import Connection, Database
from serving.store.erased import erased_at
from serving.store.history import (
    ALONE,
    add_rows,
    begin_batch,
    end_batch,
    last_known_at,
    save_settings,
)
from serving.store.secrets import keyed
from serving.store.waiting import leave_waiting

KIND = "events"
STEP = timedelta(microseconds=1)
OTHER_CONTENT = (
    "stands for an event that said something else",
    "Give every event an id of its own; a later version of a thing is an event too.",
)
OF_THE_ERASED = (
    "is about a customer who was erased after it happened",
    "Remove it from the system that sends it.",
)


def take_events(
    database: Database,
    given: Sequence[Any],
    clock: ShopClock,
    default: Callable[[], StoredSettings] = StoredSettings,
) -> EventsAnswer:
    """Add events to the history; what is answered is committed.

    Parameters
    ----------
    database : Database
    given : sequence
        Events as they were sent.
    clock : ShopClock
        Rows are known from now on, by the shop's wall clock.
    default : callable
        Gives what is true of the history, where nothing was imported yet.

    Raises
    ------
    StoreUnavailableError
    """
    with database.reading() as connection:
        settings = stored_settings(connection)
    known = settings or default()
    events, rejected = read_events(given, known, clock.now(known.mapping.timezone))
    with database.writing(alone=ALONE) as connection:
        if settings is None and stored_settings(connection) is None:
            save_settings(connection, known)
        # Later than all before, though a clock be set back: what was known once stays known.
        now = max(clock.now(known.mapping.timezone), last_known_at(connection) + STEP)
        fresh, duplicate, refused = _fresh(connection, events)
        if fresh:
            _add(connection, fresh, now)
    rejected = sorted([*rejected, *refused], key=lambda each: each.index)
    return EventsAnswer(
        received_at=now, accepted=len(fresh), duplicate=duplicate, rejected=rejected
    )


def _fresh(
    connection: Connection, events: Sequence[Taken]
) -> tuple[list[Taken], int, list[Rejected]]:
    """Events that did not come before, how many did, and those that cannot be taken."""
    keys = keyed(connection, [event.event_id for event in events])
    seen = repository.known_digests(connection, list(keys.values()))
    gone = erased_at(connection, {event.customer_id for event in events})
    fresh, duplicate, refused = [], 0, []
    for event in sorted(events, key=lambda event: event.index):
        key = keys[event.event_id]
        if key in seen and seen[key] != event.digest:
            refused.append(_rejected(event.index, *OTHER_CONTENT))
        elif key in seen:
            duplicate += 1
        elif event.happened_at <= gone.get(event.customer_id, datetime.min):
            refused.append(_rejected(event.index, *OF_THE_ERASED))
        else:
            seen[key] = event.digest
            fresh.append(event)
    return fresh, duplicate, refused


def _add(connection: Connection, events: Sequence[Taken], now: datetime) -> None:
    """Keep the events, and add the rows that the history has by them."""
    batch = begin_batch(connection, KIND, utc_now(), known_at=now)
    keys = keyed(connection, [event.event_id for event in events])
    repository.add_events(connection, [_kept(event, keys, batch) for event in events])
    touched = {event.customer_id for event in events}
    for table in dict.fromkeys(event.table for event in events):
        own = [event for event in events if event.table == table]
        things = {event.identity: event.fields for event in own}
        last, imported = repository.standing_rows(connection, table, list(things.values()))
        versions = repository.versions_of(connection, list(things))
        rows = []
        for identity in things:
            row = folded(imported.get(identity), versions[identity])
            before = last.get(identity)
            if before is None or _said(row) != _said(before):
                known = max(
                    now, *(event.happened_at for event in own if event.identity == identity)
                )
                rows.append(repository.as_row(table, row, known))
                touched |= {row["customer_id"], *({before["customer_id"]} if before else ())}
        add_rows(connection, batch, table, rows)
    end_batch(connection, batch, utc_now())
    leave_waiting(connection, touched, utc_now())


def _kept(event: Taken, keys: Mapping[str, str], batch: int) -> dict[str, Any]:
    return {
        "event_key": keys[event.event_id],
        "digest": event.digest,
        "batch_id": batch,
        "history_table": event.table,
        "identity": event.identity,
        "customer_id": event.customer_id,
        "version_at": event.version_at,
        "fields": repository.written(event.fields),
    }


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What fields say, without those that say nothing."""
    told = {name: value for name, value in fields.items() if value is not None}
    further = {n: v for n, v in told.get("attributes", {}).items() if v is not None}
    return {**told, "attributes": further}


def _rejected(index: int, detail: str, remedy: str) -> Rejected:
    return Rejected(index=index, field="/event_id", detail=detail, remedy=remedy)
