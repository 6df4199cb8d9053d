"""What happens is told: signed, until it arrives, and to nobody who does not want it any more."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from serving.clock import utc_now
from serving.http.problems import ProblemError
from serving.store.outbox import tell
from serving.webhooks import delivering, repository, service
from serving.webhooks.delivering import JITTER, SCHEDULE, Delivering, after
from serving.webhooks.schemas import DeliveryQuery, NewWebhook
from serving.webhooks.sending import Attempt, Sender
from tests.serving.webhooks.conftest import EVERYTHING, receiving

SEND = """
import asyncio, sys
from serving.store.database import Database
from serving.webhooks.delivering import Delivering
from serving.webhooks.sending import Sender

asyncio.run(Delivering(Database.at(sys.argv[1]), Sender(allow_private=True)).once())
"""


@pytest.fixture
def told(database, webhook):
    """Something happened."""
    with database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "winter"}, utc_now())


def latest(database, webhook):
    return service.deliveries(database, webhook.id, DeliveryQuery()).deliveries[0]


def test_a_message_arrives_once_and_its_signature_is_good(
    database, webhook, told, received, deliver
):
    assert deliver() == 1
    ((headers, body),) = received.messages
    said = Verifier(webhook.secret).verify(body, headers)
    assert (said["type"], said["data"]) == ("campaign.ended", {"campaign_id": "winter"})
    assert datetime.fromisoformat(said["timestamp"]).tzinfo is not None
    assert latest(database, webhook).state == "delivered"
    assert deliver() == 0


def test_what_a_stranger_signed_is_not_good(webhook, told, received, deliver):
    deliver()
    ((headers, body),) = received.messages
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(body.replace("winter", "summer"), headers)


def test_a_message_that_fails_is_sent_again_as_the_same(database, webhook, told, received, deliver):
    received.answers = [(500, {}), (503, {})]
    for _ in range(3):
        deliver()
    assert len({(headers["webhook-id"], body) for headers, body in received.messages}) == 1
    assert len(received.messages) == 3
    assert (latest(database, webhook).state, latest(database, webhook).attempts) == ("delivered", 3)


def test_what_is_undone_is_told_to_nobody(database, webhook, received, deliver):
    with pytest.raises(RuntimeError), database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "winter"}, utc_now())
        raise RuntimeError
    assert deliver() == 0


def test_who_does_not_want_to_know_is_not_told(database, received, deliver):
    asked = NewWebhook(url=received.url, events=["scores.published"])
    service.add(database, asked, True, "a test")
    with database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "winter"}, utc_now())
    assert deliver() == 0


def test_pauses_grow_as_the_specification_has_it():
    now, failed = utc_now(), Attempt(500, "500 Internal Server Error")
    for number, pause in enumerate(SCHEDULE, 1):
        pauses = {(after(failed, number, now)["next_at"] - now) / pause for _ in range(200)}
        assert 1 <= min(pauses) < 1 + JITTER / 4 and 1 + JITTER * 3 / 4 < max(pauses) <= 1 + JITTER
    assert after(failed, len(SCHEDULE) + 1, now)["state"] == "dead"


def test_an_endpoint_may_ask_for_a_longer_pause_but_not_for_ever():
    now = utc_now()

    def pause(seconds):
        return after(Attempt(503, "503", seconds), 1, now)["next_at"] - now

    assert pause(0) < timedelta(seconds=7)
    assert pause(3600) == timedelta(hours=1)
    assert pause(float("inf")) == pause(10**9) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 119, 121),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(minutes=10)), 590, 601),
        ("soon", 5, 7),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 5, 7),
        ("9" * 400, 86_399, 86_401),
    ],
)
def test_the_pause_that_is_asked_for_is_read(
    database, webhook, told, received, deliver, header, least, most
):
    received.answers = [(429, {"Retry-After": header if isinstance(header, str) else header()})]
    before = utc_now()
    deliver()
    pause = latest(database, webhook).next_at - before
    assert least <= pause.total_seconds() <= most


def test_who_is_gone_is_told_nothing_more(database, webhook, told, received, deliver):
    with database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "spring"}, utc_now())
    received.answers = [(410, {}), (410, {})]
    deliver()
    deliver()
    found = service.one(database, webhook.id)
    assert found.disabled_at is not None and "410" in found.disabled_because
    assert (found.waiting, found.dead) == (0, 2)
    with database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "summer"}, utc_now())
    assert service.one(database, webhook.id).waiting == 0


def test_a_message_that_was_taken_is_not_sent_to_who_is_gone(
    database, webhook, told, received, monkeypatch
):
    worker = Delivering(database, Sender(allow_private=True))
    prepared = worker._prepared

    def after_the_other_was_answered(delivery_id):
        now = utc_now()
        with database.writing() as connection:
            repository.change(connection, webhook.id, disabled_at=now, disabled_because="410")
            repository.give_up_all(connection, webhook.id, "410", now)
        return prepared(delivery_id)

    monkeypatch.setattr(worker, "_prepared", after_the_other_was_answered)
    assert asyncio.run(worker.once()) == 1
    assert received.messages == []


def test_what_comes_of_a_message_to_a_deleted_endpoint_is_noted_of_no_other(
    database, webhook, told, received
):
    worker = Delivering(database, Sender(allow_private=True))

    async def scenario():
        received.pause = 0.5
        sending = asyncio.create_task(worker.once())
        while not received.messages:
            await asyncio.sleep(0.02)
        service.remove(database, webhook.id, "a test")
        asked = NewWebhook(url="https://shop.example.com/", events=EVERYTHING)
        other = service.add(database, asked, True, "a test")
        with database.writing() as connection:
            tell(connection, "campaign.ended", {"campaign_id": "spring"}, utc_now())
        await sending
        return other

    other = asyncio.run(scenario())
    assert other.id != webhook.id
    assert latest(database, other).state == "waiting"


def test_a_dead_message_is_kept_and_can_be_replayed(database, webhook, told, received, deliver):
    received.answers = [(500, {})] * (len(SCHEDULE) + 1)
    while deliver():
        pass
    dead = latest(database, webhook)
    assert (dead.state, dead.attempts, dead.status) == ("dead", len(SCHEDULE) + 1, 500)
    service.replay(database, dead.id, "a test")
    deliver()
    assert latest(database, webhook).state == "delivered"
    assert len({headers["webhook-id"] for headers, _ in received.messages}) == 1


def test_what_is_on_its_way_is_not_replayed(database, webhook, told):
    with pytest.raises(ProblemError) as refused:
        service.replay(database, latest(database, webhook).id, "a test")
    assert refused.value.status_code == 409


def test_while_a_secret_is_exchanged_both_sign(database, webhook, told, received, deliver):
    new = service.rotate(database, webhook.id, "a test").secret
    deliver()
    ((headers, body),) = received.messages
    for secret in (webhook.secret, new):
        Verifier(secret).verify(body, headers)


def test_after_a_day_the_secret_before_signs_no_more(database, webhook, told, received, deliver):
    new = service.rotate(database, webhook.id, "a test").secret
    with database.writing() as connection:
        repository.change(connection, webhook.id, previous_until=utc_now())
    deliver()
    ((headers, body),) = received.messages
    Verifier(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(body, headers)


def test_a_test_message_comes_to_that_endpoint_alone(database, webhook, deliver):
    with receiving() as other:
        asked = NewWebhook(url=other.url, events=EVERYTHING)
        found = service.add(database, asked, True, "a test")
        service.test(database, found.id)
        deliver()
        assert [json.loads(body)["type"] for _, body in other.messages] == ["webhook.test"]
    assert service.deliveries(database, webhook.id, DeliveryQuery()).deliveries == []


def test_a_receiver_that_is_down_holds_nobody_up(database, webhook, told, received, deliver):
    asked = NewWebhook(url="http://127.0.0.1:9/hook", events=EVERYTHING)
    down = service.add(database, asked, True, "a test")
    for number in range(20):
        with database.writing() as connection:
            tell(connection, "campaign.ended", {"campaign_id": f"c{number}"}, utc_now())
    while deliver():
        if service.one(database, webhook.id).waiting == 0:
            break
    assert len(received.messages) == 21
    left = service.one(database, down.id)
    assert left.waiting + left.dead == 20


def test_a_slow_receiver_holds_at_most_two_places(database, webhook, told, deliver, monkeypatch):
    monkeypatch.setattr("serving.webhooks.sending.PATIENCE", 0.5)
    with receiving() as slow:
        slow.pause = 2.0
        found = service.add(database, NewWebhook(url=slow.url, events=EVERYTHING), True, "a test")
        for number in range(5):
            with database.writing() as connection:
                tell(connection, "campaign.ended", {"campaign_id": f"c{number}"}, utc_now())
        deliver()
        assert len(slow.messages) == repository.AT_ONCE
    assert "no answer within 0.5 seconds" in {
        each.error for each in service.deliveries(database, found.id, DeliveryQuery()).deliveries
    }


def test_two_processes_never_deliver_one_message_at_once(database, webhook, received):
    received.pause = 0.3
    with database.writing() as connection:
        for number in range(4):
            tell(connection, "campaign.ended", {"campaign_id": f"c{number}"}, utc_now())
    stopped = threading.Event()
    workers = [Delivering(database, Sender(allow_private=True)) for _ in range(2)]
    threads = [
        threading.Thread(target=asyncio.run, args=(worker.keep_on(stopped),)) for worker in workers
    ]
    for thread in threads:
        thread.start()
    patience = time.monotonic() + 20
    while service.one(database, webhook.id).waiting and time.monotonic() < patience:
        time.sleep(0.05)
    stopped.set()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(body)["data"]["campaign_id"] for _, body in received.messages) == [
        "c0", "c1", "c2", "c3",
    ]  # fmt: skip


def test_a_killed_process_leaves_its_message_to_another(
    database, store, webhook, told, received, deliver
):
    received.pause = 5.0
    process = subprocess.Popen([sys.executable, "-c", SEND, store], env=os.environ)
    while not received.messages and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert latest(database, webhook).state == "waiting"
    received.pause = 0.0
    deliver()
    assert latest(database, webhook).state == "delivered"
    assert len({headers["webhook-id"] for headers, _ in received.messages}) == 1


def test_who_stops_leaves_what_is_on_its_way_to_others(
    database, webhook, told, received, monkeypatch
):
    monkeypatch.setattr(delivering, "ENDING", 0.2)
    received.pause = 3.0
    stopped = threading.Event()
    worker = Delivering(database, Sender(allow_private=True))
    thread = threading.Thread(target=asyncio.run, args=(worker.keep_on(stopped),))
    thread.start()
    while not received.messages:
        time.sleep(0.02)
    stopped.set()
    thread.join(2.5)
    assert not thread.is_alive()
    with database.reading() as connection:
        assert repository.is_due(connection, utc_now())


def test_what_ended_long_ago_is_removed_and_nothing_else(database, webhook, told, deliver):
    deliver()
    with database.writing() as connection:
        tell(connection, "campaign.ended", {"campaign_id": "spring"}, utc_now())
        repository.tidy(connection, utc_now() + timedelta(days=29))
    assert len(service.deliveries(database, webhook.id, DeliveryQuery()).deliveries) == 2
    with database.writing() as connection:
        repository.tidy(connection, utc_now() + timedelta(days=31))
    (left,) = service.deliveries(database, webhook.id, DeliveryQuery()).deliveries
    assert left.state == "waiting"
