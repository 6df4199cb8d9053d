"""Events that come four times each, in any order and by two at once, are what they are once."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from features.history.history import History
from features.intake.mapping import Mapping
from features.intake.store.reading import StoredSettings
from features.table import feature_table
from serving.clock import ShopClock
from serving.events.service import take_events
from serving.store.database import Database
from serving.store.migrating import ready
from serving.store.tables.events import EVENTS, WAITING

DISTINCT, TIMES, PERSONS = 2500, 4, 300
NOW = datetime(2026, 1, 1)
SETTINGS = StoredSettings(
    Mapping(currency="EUR", static=("channel",)), {"customers": {"channel": "text"}}
)
TABLES = ("orders", "feedback", "offers", "customers")
# Of a row: how it came, and not what it says.
HOW = {"row", "known_day", "superseded_day", "recorded_day", "problem", "unread"}


def made(draw: random.Random, number: int) -> dict[str, object]:
    """An event of a version of its own, of one of few things."""
    person = f"p{draw.randrange(PERSONS)}"
    day = f"2025-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    written = datetime(2025, 6, 1) + timedelta(minutes=number)
    own = {"event_id": f"e{number}", "customer_id": person, "recorded_at": written.isoformat()}
    thing = f"{person} {draw.randint(1, 4)}"
    kind = draw.choice(["order", "order", "order", "feedback", "offer", "customer"])
    if kind == "order":
        refund = draw.random() < 0.2
        at = "2025-02-01" if refund else day
        sign = {"amount": -3.5, "refund_id": thing} if refund else {"amount": draw.randint(1, 90)}
        return {"type": kind, **own, "order_id": thing, "ordered_at": at, **sign}
    if kind == "feedback":
        score = draw.randint(1, 5)
        return {"type": kind, **own, "feedback_id": thing, "created_at": day, "kind": "csat",
                "score": score}  # fmt: skip
    if kind == "offer":
        told = draw.choice([{"redeemed_at": "2025-03-09", "cost": 2.0}, {"propensity": 0.5}])
        return {"type": kind, **own, "campaign_id": "c", "offer_id": draw.choice(["none", "x"]),
                "offered_at": "2025-03-01", **told}  # fmt: skip
    told = draw.choice([{"marketing_consent": draw.random() < 0.5},
                        {"attributes": {"channel": draw.choice(["web", "shop"])}}])  # fmt: skip
    return {"type": kind, **own, "changed_at": written.isoformat(), **told}


def batches(events, draw):
    """Requests of any size."""
    start = 0
    while start < len(events):
        size = draw.choice([1, 10, 300, 1000])
        yield events[start : start + size]
        start += size


def taken(database, requests):
    """How many events were accepted, and how many had come before."""
    answers = [take_events(database, each, ShopClock(NOW), lambda: SETTINGS) for each in requests]
    assert not any(answer.rejected for answer in answers)
    return sum(a.accepted for a in answers), sum(a.duplicate for a in answers)


def state(database, url):
    """What the history says, what features are made of it, and what else is kept of events."""
    past = History.open(url).upto("2027-01-01")
    said = {}
    for table in TABLES:
        rows = getattr(past, table).collect().to_native()
        told = rows.select(column for column in rows.columns if column not in HOW)
        said[table] = sorted(told.rows(), key=repr)
    with database.reading() as connection:
        kept = sa.select(EVENTS.c.identity, EVENTS.c.version_at, EVENTS.c.digest, EVENTS.c.fields)
        events = sorted(map(tuple, connection.execute(kept)))
        waiting = sorted(connection.scalars(sa.select(WAITING.c.customer_id)))
    return said, events, waiting, feature_table(past, "2027-01-01", 60)


@pytest.fixture
def in_order(tmp_path):
    url = f"sqlite:///{tmp_path / 'ordered.db'}"
    database = ready(Database.at(url))
    yield database, url
    database.close()


def test_ten_thousand_events_in_any_order_are_what_they_are_once(database, store, in_order):
    draw = random.Random(7)
    events = [made(draw, number) for number in range(DISTINCT)]
    whole = taken(in_order[0], [events[:1000], events[1000:2000], events[2000:]])
    assert whole == (DISTINCT, 0)

    again = events * TIMES
    draw.shuffle(again)
    requests = list(batches(again, draw))
    counts = []
    threads = [
        threading.Thread(target=lambda part: counts.append(taken(database, part)), args=(part,))
        for part in (requests[::2], requests[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sum(each) for each in zip(*counts, strict=True)] == [DISTINCT, DISTINCT * (TIMES - 1)]

    said, kept, waiting, table = state(database, store)
    once_said, once_kept, once_waiting, once_table = state(*in_order)
    assert said == once_said
    assert (kept, waiting) == (once_kept, once_waiting)
    assert table.equals(once_table)
