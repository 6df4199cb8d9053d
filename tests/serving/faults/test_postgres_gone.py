"""PostgreSQL goes away and comes back, behind a door of the test's own."""

from __future__ import annotations

import threading
import time
from itertools import chain

import pytest
import sqlalchemy as sa

from features.intake.store.tables import HISTORY

# Whom a worker took as the server went away are taken again after this.
LEASE = """
from datetime import timedelta
from serving.store import waiting
waiting.LEASE = timedelta(seconds=2)
"""


@pytest.fixture(scope="module")
def store(postgres):
    """The URL of a store in PostgreSQL, without the door."""
    return postgres()


@pytest.fixture(scope="module")
def filled(store, made_full):
    found = made_full(store)
    yield found
    found.close()


@pytest.fixture(scope="module")
def address(filled, store, door, server):
    """Where a service answers that is behind the door."""
    return server(LEASE, HOLDFAST_STORE=store.replace(":5432", f":{door.port}")).address


def orders_of(database, beginning):
    own = HISTORY["orders"].c.order_id
    with database.reading() as connection:
        return sorted(connection.scalars(sa.select(own).where(own.startswith(beginning))))


def is_stale(client, customer_id):
    return client.get(f"/v1/customers/{customer_id}").json()["customer"]["stale"]


def until_answered(client, refused, event):
    """Send an event until it is taken, as often as it takes; how often it was not."""
    for times in range(1000):
        answer = client.post("/v1/events", json={"events": [event]})
        if not refused(answer):
            told = answer.json()
            assert told["accepted"] + told["duplicate"] == 1, told
            return times
        time.sleep(0.05)
    pytest.fail(f"{event['event_id']} was never taken")


@pytest.mark.parametrize("when", ["cut before", "cut after"])
def test_what_was_cut_off_in_its_commit_counts_once(
    address, door, caller, order, refused, filled, when
):
    client = caller(address)
    assert not refused(client.post("/v1/events", json={"events": [order(f"first {when}")]}))
    cuts, door.at_commit = door.cuts, when
    sent = [order(f"{when} {n}") for n in range(50)]
    patience = time.monotonic() + 20
    while door.at_commit and time.monotonic() < patience:
        assert until_answered(client, refused, sent[0]) < 1000
        sent = sent[1:]
    taken = 50 - len(sent)
    assert door.cuts == cuts + 1
    assert orders_of(filled, f"order {when}") == sorted(f"order {when} {n}" for n in range(taken))


def test_nothing_that_was_accepted_is_lost_while_the_server_comes_and_goes(
    address, door, caller, order, refused, filled, served, eventually
):
    over, refusals, faults = threading.Event(), [], []
    taken = {name: [] for name in "abcd"}
    who = list(served.batch.index[:4])

    def post(name):
        client, number = caller(address), 0
        customer_id = who["abcd".index(name)]
        while not over.is_set():
            key = f"load {name} {number}"
            refusals.append(until_answered(client, refused, order(key, customer_id)))
            taken[name].append(f"order {key}")
            number += 1

    def read():
        client = caller(address)
        while not over.is_set():
            refused(client.get(f"/v1/customers/{who[0]}"))
            refused(client.get("/v1/customers", params={"limit": 5}))
            assert client.get("/healthz").status_code == 200

    def kept(work, *given):
        try:
            work(*given)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=kept, args=(post, name)) for name in taken]
    threads += [threading.Thread(target=kept, args=(read,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.7)
        door.cut()
        time.sleep(0.3)
        door.shut()
        time.sleep(0.7)
        door.open()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert max(refusals) > 0
    assert orders_of(filled, "order load") == sorted(chain.from_iterable(taken.values()))
    client = caller(address)
    eventually(lambda: [is_stale(client, each) for each in who], [False] * 4)


def test_a_service_that_cannot_reach_its_store_says_so_and_becomes_ready_by_itself(
    address, door, caller, eventually
):
    client = caller(address)
    eventually(lambda: client.get("/readyz").status_code, 200)
    door.shut()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [error["field"] for error in answer.json()["errors"]] == ["store"]
    assert client.get("/healthz").status_code == 200
    door.open()
    eventually(lambda: client.get("/readyz").status_code, 200)
