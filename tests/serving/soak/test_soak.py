"""The service as it is used all day, for some minutes: `make soak`.

Further callers are further functions of CALLERS: each does one thing, and is called again and
again by a thread of its own.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa

from features.intake.store.tables import HISTORY
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.store.database import Database
from serving.store.tables.events import EVENTS
from serving.webhooks import service as webhooks
from serving.webhooks.schemas import DeliveryQuery, NewWebhook
from tests.serving.webhooks.conftest import receiving
from training.champions import CHURN, CLV
from training.registry.tracking import Tracker
from training.registry.versions import ModelFiles

MINUTES = float(os.environ.get("HOLDFAST_SOAK_MINUTES", "0"))
EVERY = ["new", "active", "at_risk", "lapsed"]
# In megabytes an hour, over the second half; of shorter runs nothing can be said.
MOST_GROWTH, SHORTEST = 60.0, 5.0
# In seconds: between two publications, and between two releases.
PUBLISHED_EVERY, RELEASED_EVERY = 7.0, 5.0


@dataclass
class Load:
    """What callers share: where they ask, and what they were told."""

    address: str
    database: Database
    tracker: Tracker
    run: Any
    persons: list[str]
    releases: list[dict[str, int]]
    over: threading.Event = field(default_factory=threading.Event)
    taken: set[str] = field(default_factory=set)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Caller:
    """One of those who ask at once."""

    def __init__(self, load: Load, name: str) -> None:
        self.load, self.name = load, name
        self.draw = random.Random(name)
        self.client = httpx.Client(base_url=load.address, timeout=60)
        self.number = 0

    def ask(self, kind: str, method: str, path: str, **further: Any) -> httpx.Response | None:
        """An answer; None where one is asked to come back."""
        began = time.perf_counter()
        answer = self.client.request(method, path, **further)
        self.load.seconds[kind].append(time.perf_counter() - began)
        self.load.statuses[kind, answer.status_code] += 1
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            return None
        assert answer.status_code in (200, 202, 404, 410), answer.text
        return answer


def send_events(caller: Caller) -> None:
    """Tell of some orders and answers, and again until that is taken."""
    load, draw = caller.load, caller.draw
    names = []
    for _ in range(draw.choice([1, 1, 5, 50])):
        caller.number += 1
        names.append(f"{caller.name} {caller.number}")
    events = [
        {"type": "order", "event_id": name, "customer_id": draw.choice(load.persons),
         "order_id": name, "ordered_at": "2025-12-31T10:00", "amount": draw.randint(5, 90)}
        for name in names
    ]  # fmt: skip
    again = draw.sample(events, 1) if draw.random() < 0.2 else []
    while (answer := caller.ask("events", "POST", "/v1/events", json={"events": events})) is None:
        time.sleep(0.2)
    told = answer.json()
    assert told["accepted"] + told["duplicate"] == len(names) and not told["rejected"], told
    load.taken |= set(names)
    if again and (answer := caller.ask("events", "POST", "/v1/events", json={"events": again})):
        assert answer.json()["duplicate"] == 1
    time.sleep(0.1)


def read_one(caller: Caller) -> None:
    """Read a customer, as a system that writes to them does."""
    who = caller.draw.choice(caller.load.persons)
    answer = caller.ask("read", "GET", f"/v1/customers/{who}")
    if answer is not None:
        assert answer.status_code == 200
        assert answer.json()["customer"]["customer_id"] == who
    time.sleep(0.01)


def walk(caller: Caller) -> None:
    """Walk a whole list; its rows are of one publication, or were scored again since."""
    runs, rows, cursor = set(), 0, None
    while not caller.load.over.is_set():
        asked = {"stage": EVERY, "limit": 100, **({} if cursor is None else {"cursor": cursor})}
        answer = caller.ask("list", "GET", "/v1/customers", params=asked)
        if answer is None or answer.status_code == 410:
            return  # After two publications the list is gone.
        page = answer.json()
        runs |= {
            row["orders_if_active"] for row in page["customers"] if row["as_of_source"] == "batch"
        }
        rows += len(page["customers"])
        cursor = page["next_cursor"]
        time.sleep(0.02)
        if cursor is None:
            assert len(runs) <= 1, runs
            caller.load.counts["walks"] += 1
            return


def score_inline(caller: Caller) -> None:
    """Have somebody scored; the versions were chosen together."""
    order = {"order_id": "1", "ordered_at": "2025-11-01", "amount": 20}
    body = {"as_of": "2026-01-01", "customers": [{"customer_id": "a", "orders": [order]}]}
    answer = caller.ask("score", "POST", "/v1/score", json=body)
    if answer is not None:
        found = answer.json()
        assert found["versions"] in caller.load.releases, found["versions"]
        (row,) = found["customers"]
        made = {CHURN: row["churn_model_version"], CLV: row["clv_model_version"]}
        assert made == found["versions"]
        caller.load.counts[f"scored by {sorted(made.values())}"] += 1
    time.sleep(0.2)


def put_in_force(caller: Caller) -> None:
    """Publish another run, after a while."""
    caller.load.over.wait(PUBLISHED_EVERY)
    caller.number += 1
    publish_marked(caller.load, caller.number)


def publish_marked(load: Load, mark: float) -> None:
    """A run whose rows all have a figure by which they are known."""
    rows = load.run.rows.with_columns(orders_if_active=pl.lit(float(mark)))
    publish(load.database, rows, load.run.terms)
    load.counts["publications"] += 1


def release(caller: Caller) -> None:
    """Release the other versions, all together."""
    caller.number += 1
    caller.load.tracker.release(caller.load.releases[caller.number % 2])
    caller.load.counts["releases"] += 1
    caller.load.over.wait(RELEASED_EVERY)


CALLERS = [send_events, send_events, read_one, read_one, walk, score_inline, put_in_force, release]


def go_on(load: Load, number: int, work: Any) -> None:
    """Do one thing again and again; a fault is told, and ends it."""
    caller = Caller(load, f"caller {number}")
    try:
        while not load.over.is_set():
            work(caller)
    except BaseException as fault:  # Whatever it is, the run has failed by it.
        load.faults.append(f"{work.__name__}: {fault!r}")
    finally:
        caller.client.close()


def memory_of(process: Any) -> float:
    """Memory that is held, in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@pytest.fixture
def releases(served):
    """Two pairs of versions that were released together; in the end the first is again."""
    first, second = {CHURN: 1, CLV: 1}, {}
    scorer = served.scorer
    for name, own in ((CHURN, scorer.churn), (CLV, scorer.clv)):
        example = pd.DataFrame({column: [1.0] for column in own.model.columns_})
        example["horizon_days"] = float(own.definition.horizon_days)
        folder = served.tracker.folder(served.tracker.version(name, 1))
        with served.tracker.start_run("again", {}) as run:
            files = ModelFiles(folder, example, own.predict_frame(example))
            second[name] = served.tracker.register(run, name, files).version
    served.tracker.release(first)
    yield [first, second]
    served.tracker.release(first)


@pytest.mark.skipif(MINUTES == 0, reason="minutes are given by HOLDFAST_SOAK_MINUTES")
def test_a_day_of_the_service(store, filled, server, served, releases, eventually):
    found = server(
        HOLDFAST_STORE=store, HOLDFAST_RELOAD_SECONDS="1", HOLDFAST_PRIVATE_WEBHOOKS="true"
    )
    with receiving() as received:
        asked = NewWebhook(url=received.url, events=["scores.published", "risk.crossed"])
        hook = webhooks.add(filled, asked, True, "a test").id
        load = under_load(found, filled, served, releases)
        eventually(lambda: webhooks.one(filled, hook).waiting, 0)
        told = Counter(json.loads(body)["type"] for _, body in received.messages)
        print(f"messages {dict(told)}")
        # Sent twice only if what came of it could not be noted.
        assert told["scores.published"] >= load.counts["publications"] > 0
        names = {headers["webhook-id"] for headers, _ in received.messages}
        deliveries = every_delivery(filled, hook)
        assert {each.message_id for each in deliveries if each.state == "delivered"} == names
    client = httpx.Client(base_url=found.address)
    names_of = {"customer_ids": load.persons}
    eventually(lambda: waiting_of(client.post("/v1/customers/lookup", json=names_of).json()), 0)
    client.close()


def every_delivery(database, hook):
    """All that was on its way to an endpoint."""
    found, before = [], None
    while True:
        page = webhooks.deliveries(database, hook, DeliveryQuery(limit=200, before=before))
        found += page.deliveries
        before = page.next_before
        if before is None:
            return found


def under_load(found, filled, served, releases):
    """Everybody at work for some minutes, and what has to be true after it."""
    run = read_scores(served.scores, served.tracker)
    load = Load(
        found.address, filled, served.tracker, run, list(served.batch.index[:200]), releases
    )
    publish_marked(load, 0)
    threads = [
        threading.Thread(target=go_on, args=(load, number, work))
        for number, work in enumerate(CALLERS)
    ]
    for thread in threads:
        thread.start()
    began, held = time.monotonic(), []
    while time.monotonic() - began < 60 * MINUTES and not load.faults:
        held.append((time.monotonic() - began, memory_of(found.process)))
        time.sleep(1)
    load.over.set()
    for thread in threads:
        thread.join(90)
    assert load.faults == []
    growth = growth_of(held)
    tell(load, held, growth)
    assert not [key for key in load.statuses if key[1] >= 500 and key[1] != 503]
    kept_all(load)
    assert len({row[1] for row in held}) > 1
    if MINUTES >= SHORTEST:
        assert growth < MOST_GROWTH
    return load


def waiting_of(answer: dict[str, Any]) -> int:
    return sum(row["stale"] for row in answer["customers"])


def kept_all(load: Load) -> None:
    """Every event that was taken is in the history, once."""
    own = HISTORY["orders"].c.order_id
    with load.database.reading() as connection:
        rows = connection.scalars(sa.select(own).where(own.startswith("caller "))).all()
        events = connection.scalar(sa.select(sa.func.count()).select_from(EVENTS))
    assert sorted(rows) == sorted(load.taken)
    assert events == len(load.taken)


def growth_of(held: list[tuple[float, float]]) -> float:
    """How memory grew over the second half, in megabytes an hour."""
    seconds, megabytes = np.array(held[len(held) // 2 :]).T
    return float(np.polyfit(seconds / 3600, megabytes, 1)[0])


def tell(load: Load, held: list[tuple[float, float]], growth: float) -> None:
    """Print the figures of a run."""
    print(f"\n{load.database.name}: {MINUTES:g} minutes, {len(load.taken)} events")
    print(f"answers {dict(load.statuses)}, {dict(load.counts)}")
    for kind, seconds in load.seconds.items():
        mid, late = np.percentile(seconds, [50, 99]) * 1000
        print(f"{kind}: p50 {mid:.1f} ms, p99 {late:.1f} ms of {len(seconds)}")
    print(f"memory {held[0][1]:.0f} -> {held[-1][1]:.0f} MB, {growth:+.0f} MB an hour at the end")
