"""Messages that wait are delivered: some at once, each by one process, until they arrive."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from serving.clock import utc_now
from serving.errors import StoreUnavailableError
from serving.store.database import Connection, Database
from serving.store.holdouts import held_out
from serving.store.outbox import CROSSED
from serving.webhooks import repository
from serving.webhooks.sending import Attempt, Message, Sender, written

log = logging.getLogger(__name__)
# After how long a failed attempt is followed by the next, as Standard Webhooks has it; after the
# last one a message is dead: three days and four hours after it was first tried.
SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# Share that a pause may be longer, at random: what failed together does not come back together.
JITTER = 0.2
# An endpoint may ask for a longer pause, but not for ever.
LONGEST = timedelta(hours=24)
# Deliveries at once: as many as all endpoints may have, so that slow ones take nobody's place.
MOST = 40
# In seconds: how often it is looked whether something is due.
LOOK = 0.5
# In seconds: how long deliveries that are on their way may take when the service stops.
ENDING = 5.0
# In seconds: how often what ended long ago is removed.
TIDY = 600.0
GONE_STATUS = 410
GONE = "the endpoint answered 410: it does not want to be told any more"


class Delivering:
    """Delivers what waits; any number of processes may.

    Parameters
    ----------
    database : Database
    sender : Sender
    """

    def __init__(self, database: Database, sender: Sender) -> None:
        self._database = database
        self._sender = sender
        self._tidied = time.monotonic()

    async def keep_on(self, stopped: threading.Event) -> None:
        """Deliver until told to stop; what is not delivered then is left to others."""
        running: dict[asyncio.Task[None], int] = {}
        while not stopped.is_set():
            room = MOST - len(running)
            claimed = await asyncio.to_thread(self._claimed, room) if room else []
            running |= {asyncio.create_task(self._deliver(each)): each for each in claimed}
            if running:
                _, left = await asyncio.wait(
                    running, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                running = {task: running[task] for task in left}
            else:
                await asyncio.sleep(LOOK)
        if running:
            _, late = await asyncio.wait(running, timeout=ENDING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            if late:
                await asyncio.to_thread(self._put_back, [running[task] for task in late])

    async def once(self) -> int:
        """Deliver some of what is due; how many."""
        claimed = await asyncio.to_thread(self._claimed, MOST)
        await asyncio.gather(*map(self._deliver, claimed))
        return len(claimed)

    def _claimed(self, most: int) -> list[int]:
        found: list[int] = []
        try:
            if time.monotonic() - self._tidied > TIDY:
                self._tidied = time.monotonic()
                self._tidy()
            with self._database.reading() as connection:
                if not repository.is_due(connection, utc_now()):
                    return found
            with self._database.writing(alone=repository.ALONE) as connection:
                while len(found) < most:
                    delivery = repository.claim(connection, utc_now())
                    if delivery is None:
                        break
                    found.append(delivery)
        except StoreUnavailableError as error:
            log.info("nothing is delivered for now: %s", error)
            return []
        except Exception:  # Whatever it is, what was taken is free again when its lease ends.
            log.exception("messages could not be taken to be delivered")
            return []
        return found

    async def _deliver(self, delivery_id: int) -> None:
        try:
            prepared = await asyncio.to_thread(self._prepared, delivery_id)
            if prepared is None:
                return
            attempt = await self._sender.send(*prepared)
            await asyncio.to_thread(self._note, delivery_id, attempt)
        except StoreUnavailableError as error:
            log.info("what came of delivery %s is not noted: %s", delivery_id, error)
        except Exception:  # Whatever it is, it is sent again when its lease ends.
            log.exception("delivery %s could not be made", delivery_id)

    def _prepared(self, delivery_id: int) -> tuple[str, Message] | None:
        """Where to send what; None if there is nothing to be sent any longer."""
        with self._database.reading() as connection:
            row = repository.delivery(connection, delivery_id)
            webhook = row and repository.find(connection, row["webhook_id"])
            if row is None or row["state"] != "waiting":
                return None  # It was given up meanwhile.
            if webhook is None or webhook["disabled_at"] is not None:
                return None
            data = _data(connection, row)
        if data is None:
            with self._database.writing() as connection:
                repository.drop(connection, delivery_id)
            return None
        body = written(row["type"], row["at"], data)
        return webhook["url"], Message(row["message_key"], body, _secrets(webhook, utc_now()))

    def _note(self, delivery_id: int, attempt: Attempt) -> None:
        now, is_gone = utc_now(), attempt.status == GONE_STATUS
        with self._database.writing(alone=repository.ALONE if is_gone else None) as connection:
            row = repository.delivery(connection, delivery_id)
            if row is None or row["state"] != "waiting":
                return
            values = after(attempt, row["attempts"] + 1, now)
            repository.end_attempt(connection, delivery_id, **values)
            if is_gone:
                disabled = {"disabled_at": now, "disabled_because": GONE}
                repository.change(connection, row["webhook_id"], **disabled)
                repository.give_up_all(connection, row["webhook_id"], GONE, now)
        if attempt.error is not None:
            facts = {
                "delivery": delivery_id,
                "webhook": row["webhook_id"],
                "state": values["state"],
            }
            log.warning("not delivered: %s", attempt.error, extra=facts)

    def _put_back(self, delivery_ids: list[int]) -> None:
        try:
            with self._database.writing() as connection:
                repository.put_back(connection, delivery_ids)
        except StoreUnavailableError as error:
            log.info("what was on its way is free again when its lease ends: %s", error)

    def _tidy(self) -> None:
        there_is_more = True
        while there_is_more:
            with self._database.writing(alone=repository.ALONE) as connection:
                there_is_more = repository.tidy(connection, utc_now())


def after(attempt: Attempt, attempts: int, now: datetime) -> dict[str, Any]:
    """What a delivery is after some attempts, the last of which is given; `now` is in UTC."""
    told = {"status": attempt.status, "error": attempt.error}
    if attempt.error is None:
        return {**told, "state": "delivered", "next_at": None, "ended_at": now}
    if attempt.status == GONE_STATUS or attempts > len(SCHEDULE):
        return {**told, "state": "dead", "next_at": None, "ended_at": now}
    pause = SCHEDULE[attempts - 1] * random.uniform(1, 1 + JITTER)
    asked = timedelta(seconds=min(attempt.retry_after, LONGEST.total_seconds()))
    return {**told, "state": "waiting", "next_at": now + max(pause, asked)}


def _secrets(webhook: repository.Row, now: datetime) -> list[str]:
    """What signs a message: the secret, and the one before it while both are good."""
    until = webhook["previous_until"]
    is_exchanged = until is not None and until > now
    return [webhook["secret"], *([webhook["previous_secret"]] if is_exchanged else [])]


def _data(connection: Connection, row: repository.Row) -> dict[str, Any] | None:
    """What a message tells; None if all whom it was about were erased."""
    data: dict[str, Any] = dict(row["data"])
    if row["type"] != CROSSED:
        return data
    crossings = repository.crossings(connection, row["message_id"])
    if not crossings:
        return None
    apart = held_out(connection, [each["customer_id"] for each in crossings])
    return {**data, "customers": [_crossing(each, apart) for each in crossings]}


def _crossing(row: repository.Row, apart: set[str]) -> dict[str, Any]:
    risen = row["churn_risk"] > row["churn_risk_before"]
    return {
        "customer_id": row["customer_id"],
        "crossed": "up" if risen else "down",
        "churn_risk_before": row["churn_risk_before"],
        "churn_risk": row["churn_risk"],
        "as_of": row["as_of"].isoformat(),
        "holdout": row["customer_id"] in apart,
    }
