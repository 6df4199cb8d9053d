"""Whom events are about is scored again within seconds, by the batch's own numbers."""

import logging
import time
from datetime import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from features.history.history import History
from serving.clock import ShopClock
from serving.events.service import take_events
from serving.inforce.champions import Champions
from serving.inforce.reloading import NotLoadedError
from serving.inforce.schemas import Terms
from serving.persons.service import erase
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.rescoring.service import Rescoring
from serving.settings import Settings
from serving.store.tables.events import WAITING
from serving.store.tables.published import SCORES

AS_OF = datetime(2026, 1, 1)
NOW = datetime(2026, 1, 1, 0, 5)


def answer(customer_id, score=1, event_id="f1"):
    return {
        "type": "feedback", "event_id": event_id, "customer_id": customer_id,
        "feedback_id": event_id, "kind": "nps", "score": score, "created_at": "2025-12-31",
    }  # fmt: skip


def fresh(client, customer_id, since):
    """The customer's row, once it knows of what came in."""
    patience = time.monotonic() + 20
    while time.monotonic() < patience:
        row = client.get(f"/v1/customers/{customer_id}").json()["customer"]
        if row["as_of_source"] == "events" and not row["stale"] and row["updated_at"] > since:
            return row
        time.sleep(0.05)
    pytest.fail(f"{customer_id} was not scored again: {row}")


def live(served):
    return served.batch.index[(served.batch["stage"] == "active")][0]


def test_whom_an_event_is_about_is_scored_again_within_five_seconds(service, served):
    first, who = served.batch.index[served.batch["stage"] == "active"][:2]
    service.post("/v1/events", json={"events": [answer(first)]})
    fresh(service, first, "")  # What is made once is made by the first.
    before = service.get(f"/v1/customers/{who}").json()["customer"]
    began = time.monotonic()
    answered = service.post("/v1/events", json={"events": [answer(who, event_id="f2")]})
    assert answered.json()["accepted"] == 1
    after = fresh(service, who, before["updated_at"])
    assert time.monotonic() - began < 5
    assert after["as_of"] > before["as_of"]


def test_the_numbers_are_those_of_a_batch_at_that_instant(service, served, store):
    who = live(served)
    service.post("/v1/events", json={"events": [answer(who)]})
    row = fresh(service, who, "")
    batch = served.scorer.score(History.open(store), datetime.fromisoformat(row["as_of"]))
    query = batch.set_index("customer_id").loc[who]
    for name in ("churn_risk", "clv", "p_alive", "value_at_stake", "days_since_last_order"):
        assert row[name] == query[name]
    assert [row[f"reason_{n}"] for n in (1, 2, 3)] == [
        None if pd.isna(query[f"reason_{n}"]) else query[f"reason_{n}"] for n in (1, 2, 3)
    ]


def test_a_detractors_answer_raises_the_risk_and_not_the_calendar(service, served, store):
    who = live(served)
    service.post("/v1/events", json={"events": [answer(who)]})
    row = fresh(service, who, "")
    # The same customer at the same instant, from the shop's files, which have no such answer.
    without = served.scorer.score(served.history, datetime.fromisoformat(row["as_of"]))
    query = without.set_index("customer_id").loc[who]
    assert row["churn_risk"] > query["churn_risk"] + 1e-6


def test_until_then_the_row_is_marked_as_stale(filled, client_of, store, served):
    settings = Settings(store=store, tracking_uri=served.tracker.uri, clock_start=NOW, worker=False)
    client, who = client_of(settings), live(served)
    client.post("/v1/events", json={"events": [answer(who)]})
    row = client.get(f"/v1/customers/{who}").json()["customer"]
    assert (row["stale"], row["as_of_source"]) == (True, "batch")


def test_a_new_customer_appears_with_the_first_order(service):
    order = {"type": "order", "event_id": "o1", "customer_id": "new one", "order_id": "n1",
             "ordered_at": "2025-12-31T10:00", "amount": 30}  # fmt: skip
    assert service.get("/v1/customers/new one").status_code == 404
    service.post("/v1/events", json={"events": [order]})
    patience = time.monotonic() + 20
    while service.get("/v1/customers/new one").status_code == 404 and time.monotonic() < patience:
        time.sleep(0.05)
    row = service.get("/v1/customers/new one").json()["customer"]
    assert (row["stage"], row["as_of_source"]) == ("new", "events")


def waiting(database):
    with database.reading() as connection:
        rows = connection.execute(sa.select(WAITING)).all()
    return {row.customer_id: row.leased_until for row in rows}


def rescoring_of(database, served):
    champions = Champions.of(served.scorer)
    return Rescoring(database, lambda: champions, ShopClock(NOW))


def test_what_comes_in_while_one_is_scored_is_not_lost(filled, served):
    who = live(served)
    clock = ShopClock(NOW)
    take_events(filled, [answer(who)], clock)
    rescoring = rescoring_of(filled, served)
    scored = rescoring._scored

    def and_meanwhile(*given):
        rows = scored(*given)
        take_events(filled, [answer(who, 2, "f2")], clock)
        return rows

    rescoring._scored = and_meanwhile
    assert rescoring.once() == 1
    assert waiting(filled) == {who: None}
    rescoring._scored = scored
    assert rescoring.once() == 1
    assert waiting(filled) == {}


def test_two_workers_never_take_the_same_customer(filled, served):
    ids = [*served.batch.index[:40]]
    events = [answer(who, event_id=f"f{n}") for n, who in enumerate(ids)]
    take_events(filled, events, ShopClock(NOW))
    first, second = rescoring_of(filled, served), rescoring_of(filled, served)
    taken = []
    first._scored = lambda *given: taken.append(given[2]) or second.once() or []
    first.once()
    assert taken == [sorted(ids)]


def test_a_publication_leaves_those_waiting_of_whom_something_came_since(filled, served):
    who = live(served)
    take_events(filled, [answer(who)], ShopClock(NOW))
    rescoring_of(filled, served).once()
    assert waiting(filled) == {}
    run = read_scores(served.scores, served.tracker)
    publish(filled, run.rows, run.terms)
    assert set(waiting(filled)) == {who}


def test_nobody_is_scored_by_models_that_mean_something_else(filled, served, monkeypatch):
    take_events(filled, [answer(live(served))], ShopClock(NOW))
    monkeypatch.setattr(Terms, "mean_the_same_as", lambda *_: False)
    assert rescoring_of(filled, served).once() == 0
    assert len(waiting(filled)) == 1


def test_who_is_erased_while_being_scored_stays_away(filled, served):
    who = live(served)
    take_events(filled, [answer(who)], ShopClock(NOW))
    rescoring = rescoring_of(filled, served)
    scored = rescoring._scored

    def and_erase(*given):
        rows = scored(*given)
        erase(filled, ShopClock(NOW), who, "a test")
        return rows

    rescoring._scored = and_erase
    rescoring.once()
    with filled.reading() as connection:
        assert (
            connection.scalar(sa.select(SCORES.c.stage).where(SCORES.c.customer_id == who)) is None
        )


def test_why_nobody_is_scored_is_told_once_and_not_each_time(database, caplog, monkeypatch):
    def none_yet():
        raise NotLoadedError("no champion")

    monkeypatch.setattr(logging.getLogger("serving"), "propagate", True)
    rescoring = Rescoring(database, none_yet, ShopClock(NOW))
    with caplog.at_level(logging.INFO, "serving.rescoring"):
        assert [rescoring.once() for _ in range(3)] == [0, 0, 0]
    assert [record.message for record in caplog.records] == [
        "nobody is scored again for now: no champion"
    ]
