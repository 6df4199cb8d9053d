"""Answers carry a name, stay out of caches, and leave no trace of the person in the log."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from serving.http.guards import BodyDeadline
from serving.http.problems import ProblemError
from serving.http.turns import Turns


def test_every_answer_has_a_name_of_its_own(client):
    names = {client.get("/healthz").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in names)


def test_a_usable_name_that_was_sent_is_kept(client):
    answer = client.get("/nowhere", headers={"x-request-id": "order-17.a_b"})
    assert answer.headers["x-request-id"] == "order-17.a_b"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, 'a"b', "<script>"])
def test_another_is_replaced(client, name):
    found = client.get("/healthz", headers={"x-request-id": name}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", found)


@pytest.mark.parametrize("path", ["/healthz", "/v1/customers", "/nowhere", "/openapi.json"])
def test_answers_stay_out_of_caches_and_are_what_they_say(client, path):
    headers = client.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_log_has_the_route_and_not_the_customer(client, served, caplog):
    customer = served.batch.index[0]
    with caplog.at_level(logging.INFO, logger="serving.http.stamp"):
        client.get(f"/v1/customers/{customer}")
        client.get(f"/v1/customers/{customer}/unknown")
        client.get(f"/somewhere/{customer}")
    told = [vars(record) for record in caplog.records if "stamp" in record.name]
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("GET", "/v1/customers/{customer_id:path}", 200),
        ("GET", "/v1/customers/{customer_id:path}", 404),
        ("GET", "(no route)", 404),
    ]
    assert not any(customer in str(line) for line in told)


def test_liveness_is_answered_without_a_body_too(client):
    answer = client.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")


def test_nothing_on_the_page_of_the_api_comes_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    hosts = set(re.findall(r"https?://([\w.]+)", page.text))
    assert hosts <= {"127.0.0.1"}
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(path.partition("127.0.0.1")[2] or path).status_code == 200
    assert client.get("/redoc").status_code == 404


def test_a_long_path_is_not_repeated_whole(client):
    for path in ("/v1/customers/" + "x" * 5000, "/" + "y" * 5000):
        answer = client.get(path)
        assert answer.status_code == 404
        assert len(answer.content) < 1000


async def _slow():
    await asyncio.sleep(30)


def test_a_body_that_does_not_come_in_is_refused():
    async def app(scope, receive, send):
        while True:
            await receive()

    async def ask():
        await BodyDeadline(app, 0.05)({"type": "http"}, _slow, None)

    with pytest.raises(ProblemError) as refused:
        asyncio.run(ask())
    assert (refused.value.status_code, "within 0.05 seconds" in refused.value.detail) == (408, True)


def test_who_has_sent_all_may_wait_for_the_answer_as_long_as_it_takes():
    sent = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive():
        if sent:
            return sent.pop()
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def app(scope, receive, send):
        await receive()
        assert (await receive())["type"] == "http.disconnect"

    asyncio.run(BodyDeadline(app, 0.05)({"type": "http"}, receive, None))


def test_work_waits_its_turn_and_too_many_are_asked_to_come_back():
    turns, running, most = Turns(2, 3), [], []

    def work():
        running.append(1)
        most.append(len(running))
        import time

        time.sleep(0.05)
        running.pop()
        return "done"

    async def ask():
        found = await asyncio.gather(*(turns.take(work) for _ in range(9)), return_exceptions=True)
        return found, await turns.take(work)

    found, after = asyncio.run(ask())
    refused = [error for error in found if isinstance(error, ProblemError)]
    assert (found.count("done"), len(refused), after) == (5, 4, "done")
    assert max(most) <= 2
    assert {(e.status_code, e.headers["Retry-After"]) for e in refused} == {(503, "2")}
