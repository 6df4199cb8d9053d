"""What nobody should send, to every door there is: a problem document, and nothing is kept."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from features.history.history import History
from serving.settings import Settings
from serving.store.tables.campaigns import CAMPAIGNS
from serving.store.tables.events import EVENTS
from serving.store.tables.jobs import JOBS

HALF, NUL = "\ud800", "a\0"
ORDER = {"type": "order", "event_id": "e", "customer_id": "a", "order_id": "1",
         "ordered_at": "2025-12-01", "amount": 20}  # fmt: skip
OFFERS = {"points": {"kind": "points", "fixed_cost": 2}}
CAMPAIGN = {"campaign_id": "winter", "offers": OFFERS, "budget": 300}
BODIES = {
    "/v1/score": {"as_of": "2026-01-01", "customers": [{"customer_id": "a", "orders": []}]},
    "/v1/customers/lookup": {"customer_ids": ["a"]},
    "/v1/campaigns": CAMPAIGN,
    "/v1/jobs": {"job": {"kind": "import", "history": "/nowhere"}},
}
DOORS = ["/v1/events", *BODIES]
LARGEST = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def emptied(made_full, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('bad') / 'store.db'}"
    database = made_full(url)
    yield url, database
    database.close()


@pytest.fixture
def asked(emptied, served, client_of):
    """A service, and what posts bytes to it."""
    url, _ = emptied
    client = client_of(Settings(store=url, tracking_uri=served.tracker.uri, worker=False))

    def post(path, content, **headers):
        headers = {"content-type": "application/json", **headers}
        return client.post(path, content=content, headers=headers)

    return post


def is_refused(answer, *statuses):
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 3000


def test_bodies_that_are_no_json_are_refused_at_every_door(asked):
    deep = b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    twice = b'{"events": [], "events": []}'
    for path in DOORS:
        for content in (deep, twice, b'{"a": 1e999}', b'{"\\ud800": 1}', b'"\xff"', b"[]", b"x"):
            is_refused(asked(path, content), 400, 422)


def test_bodies_that_are_too_large_are_refused_at_every_door(asked):
    for path in DOORS:
        is_refused(asked(path, b" " * (LARGEST + 1)), 413)
        is_refused(asked(path, iter([b" " * 1_000_000] * 20)), 413)


@pytest.mark.parametrize(
    ("path", "place", "wrong"),
    [
        ("/v1/customers/lookup", ("customer_ids", 0), HALF),
        ("/v1/customers/lookup", ("customer_ids", 0), NUL),
        ("/v1/campaigns", ("campaign_id",), HALF),
        ("/v1/campaigns", ("campaign_id",), NUL),
        ("/v1/campaigns", ("budget",), float("inf")),
        ("/v1/campaigns", ("budget",), float("nan")),
        ("/v1/campaigns", ("offers", "points", "fixed_cost"), float("inf")),
        ("/v1/campaigns", ("offers", "points", HALF), 1),
        ("/v1/campaigns", ("offers", NUL), {"kind": "points", "fixed_cost": 2}),
        ("/v1/campaigns", ("defaults",), {NUL: 1}),
        ("/v1/jobs", ("job", "history"), HALF),
        ("/v1/jobs", ("job", "history"), NUL),
        ("/v1/jobs", ("job", "as_of"), "99999-01-01"),
        ("/v1/score", ("customers", 0, "customer_id"), NUL),
    ],
)
def test_what_no_store_could_hold_is_refused(asked, emptied, path, place, wrong):
    body = json.loads(json.dumps(BODIES[path]))
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    is_refused(asked(path, json.dumps(body)), 400, 422)
    with emptied[1].reading() as connection:
        for table in (CAMPAIGNS, JOBS):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": HALF},
        {"customer_id": HALF},
        {"order_id": NUL},
        {"amount": float("inf")},
        {"ordered_at": "2999-01-01"},
        {"recorded_at": "2999-01-01"},
        {"attributes": {HALF: 1}},
        {"attributes": {"a": [[[[]]]]}},
        {HALF: 1},
        {"currency": "E" * 10_000},
    ],
)
def test_an_event_that_no_store_could_hold_is_rejected_alone(asked, emptied, wrong):
    name = f"beside {str(wrong).encode('ascii', 'replace').decode()}"[:200]
    good = {**ORDER, "event_id": name, "order_id": name}
    content = json.dumps({"events": [{**ORDER, **wrong}, good]})
    answer = asked("/v1/events", content)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], [bad["index"] for bad in told["rejected"]]) == (1, [0])
    assert len(answer.content) < 1000
    with emptied[1].reading() as connection:
        query = sa.select(sa.func.count()).where(EVENTS.c.fields.contains('": "2999'))
        assert connection.scalar(query) == 0


def test_one_order_with_two_amounts_in_a_request_is_kept_in_neither(asked):
    events = [{**ORDER, "event_id": f"two {n}", "order_id": "two", "amount": n} for n in (1, 2)]
    told = asked("/v1/events", json.dumps({"events": events})).json()
    assert (told["accepted"], [bad["field"] for bad in told["rejected"]]) == (0, ["/amount"] * 2)


def test_an_order_after_a_withdrawn_consent_gives_no_consent(asked, emptied):
    consent = {"type": "customer", "event_id": "c", "customer_id": "shy",
               "changed_at": "2025-12-01", "marketing_consent": False}  # fmt: skip
    order = {**ORDER, "event_id": "o", "customer_id": "shy", "order_id": "shy"}
    for event in (consent, {**order, "ordered_at": "2025-12-02"}):
        told = asked("/v1/events", json.dumps({"events": [event]})).json()
        assert told["accepted"] == 1
    known = History.open(emptied[0]).upto("2027-01-01").customers.collect().to_native()
    rows = dict(known.select("customer_id", "marketing_consent").rows())
    assert rows["shy"] == "false"


def test_a_key_of_ten_kilobytes_is_refused_and_not_repeated(asked):
    body = json.dumps(BODIES["/v1/jobs"])
    is_refused(asked("/v1/jobs", body, **{"idempotency-key": "k" * 10_000}), 422)
    is_refused(asked("/v1/jobs", body, **{"idempotency-key": ""}), 422)
