"""What a store takes: a history imported, events while somebody waits, scores published."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import polars as pl

from benchmarks.service.servers import Client, Server
from benchmarks.service.shop import TrainedShop, stored_ids

EVENTS, AT_ONCE = "/v1/events", 1000
PUBLISH = """
import sys
from pathlib import Path
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.store.database import Database
from serving.store.migrating import ready
from training.registry.tracking import Tracker

store, scores, tracking = sys.argv[1:]
run = read_scores(Path(scores), Tracker(tracking))
print("read", flush=True)
publish(ready(Database.at(store)), run.rows, run.terms)
"""


@dataclass(frozen=True)
class Published:
    """How long a publication took, what reads took before and meanwhile, and whether one mixed.

    Attributes
    ----------
    seconds : float
    quiet, meanwhile : float
        The 99th percentile of reads by id, in seconds.
    reads, mixed : int
        Answers meanwhile, and lists among them with rows of two publications.
    """

    seconds: float
    quiet: float
    meanwhile: float
    reads: int
    mixed: int


def larger_history(shop: TrainedShop, orders: int, place: Path) -> Path:
    """The orders again and again under other ids, until there are so many; as a folder."""
    rows = shop.shop.orders
    copies = []
    for copy in range(-(-orders // rows.height)):
        ids = {name: pl.format("{}-{}", name, pl.lit(copy)) for name in ("customer_id", "order_id")}
        copies.append(rows.with_columns(**ids))
    place.mkdir()
    pl.concat(copies).head(orders).write_parquet(place / "orders.parquet")
    return place


def imported(history: Path, store: str) -> float:
    """Seconds that `holdfast import` takes."""
    command = [sys.executable, "-m", "holdfast", "import", str(history), "--store", store]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def event_waits(server: Server, shop: TrainedShop, requests: int) -> list[float]:
    """Seconds that requests of 1,000 new orders take, one after the other."""
    client, waits = server.client, []
    ids = [customer["customer_id"] for customer in shop.customers]
    draw = random.Random(1)
    for number in range(requests):
        events = [
            {
                "type": "order",
                "event_id": f"{number}-{index}",
                "customer_id": draw.choice(ids),
                "order_id": f"event-{number}-{index}",
                "ordered_at": "2025-09-30T12:00",
                "amount": round(draw.uniform(5, 90), 2),
            }
            for index in range(AT_ONCE)
        ]
        body = json.dumps({"events": events}).encode()
        began = time.perf_counter()
        taken = json.loads(client.require(EVENTS, body))
        waits.append(time.perf_counter() - began)
        if taken["accepted"] != AT_ONCE:
            raise SystemExit(f"all events must be taken; got {taken}")
    return waits


def published(
    server: Server, store: str, scores: Path, other: Path, tracking: str, seconds: float
) -> Published:
    """Publish scores while another run of them is read."""
    with _publishing(store, scores, tracking):
        pass
    ids = stored_ids(scores, 500)
    before = _reads(server, ids, _until(seconds))
    with _publishing(store, other, tracking) as process:
        began = time.perf_counter()
        found = _reads(server, ids, lambda: process.poll() is not None)
        took = time.perf_counter() - began
    return Published(
        took, p99(before.waits), p99(found.waits), len(found.waits) + found.lists, found.mixed
    )


def p99(waits: list[float]) -> float:
    """The 99th percentile."""
    return sorted(waits)[min(len(waits) - 1, int(0.99 * len(waits)))]


@dataclass
class _Read:
    waits: list[float]
    lists: int = 0
    mixed: int = 0


def _reads(server: Server, ids: Sequence[str], is_over: Callable[[], bool]) -> _Read:
    """Read customers one after the other, and now and then a list."""
    client, draw, found = server.client, random.Random(2), _Read([])
    while not is_over():
        path = f"/v1/customers/{quote(draw.choice(ids), safe='')}"
        began = time.perf_counter()
        client.require(path)
        found.waits.append(time.perf_counter() - began)
        if len(found.waits) % 20 == 0:
            found.lists += 1
            found.mixed += _is_mixed(client)
    return found


def _is_mixed(client: Client) -> bool:
    """Whether rows of a list are of two instants: every publication has its own."""
    rows = json.loads(client.require("/v1/customers?limit=100"))["customers"]
    return len({row["as_of"] for row in rows}) > 1


def _until(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


@contextmanager
def _publishing(store: str, scores: Path, tracking: str) -> Iterator[subprocess.Popen[str]]:
    """A process that publishes a file of scores; it has read them when the block begins."""
    command = [sys.executable, "-c", PUBLISH, store, str(scores), tracking]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout is None or process.stdout.readline() != "read\n":
        raise SystemExit(f"{scores} could not be read")
    try:
        yield process
    finally:
        if process.wait():
            raise SystemExit(f"{scores} could not be published")
