"""The service under load: who waits how long, and what is answered while models change."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.service.servers import Client, Server
from benchmarks.service.shop import TrainedShop

CLIENTS, SWAPPING_CLIENTS = 8, 3
# In seconds.
PAUSE, PATIENCE = 0.02, 60.0
SCORE, HEALTH, READY = "/v1/score", "/healthz", "/readyz"


@dataclass(frozen=True)
class Waited:
    """How long /healthz took at the worst, and how many answers of which status came meanwhile."""

    worst_seconds: float
    asked: int
    statuses: Counter[int]


@dataclass(frozen=True)
class Swapped:
    """What was answered while the champions were swapped."""

    swaps: int
    answers: int
    failed: int
    unchosen: int


def health_under(server: Server, body: bytes, seconds: float) -> Waited:
    """Ask /healthz again and again while eight clients send a body each, one after the other."""
    statuses: Counter[int] = Counter()
    waits: list[float] = []

    def send(client: Client) -> None:
        statuses[client.ask(SCORE, body)[0]] += 1

    with _at_work(server, send, CLIENTS):
        client, until = server.client, time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            client.require(HEALTH)
            waits.append(time.perf_counter() - began)
            time.sleep(PAUSE)
    return Waited(max(waits), len(waits), statuses)


def swapped(server: Server, shop: TrainedShop, swaps: int) -> Swapped:
    """Swap the champions while clients have a customer scored.

    An answer is of a chosen pair if it is, to the last digit, what one of the two pairs answers
    when nothing changes.
    """
    body, found = shop.request(1), Counter[str]()
    known = []
    for pair in reversed(shop.pairs):  # The first is in force again at the end.
        _swap(server, shop, pair)
        known.append(_facts(server.client.require(SCORE, body)))

    def send(client: Client) -> None:
        status, content = client.ask(SCORE, body)
        is_chosen = status == 200 and _facts(content) in known
        found["failed" if status != 200 else "chosen" if is_chosen else "unchosen"] += 1

    with _at_work(server, send, SWAPPING_CLIENTS):
        for swap in range(swaps):
            _swap(server, shop, shop.pairs[(swap + 1) % len(shop.pairs)])
    return Swapped(swaps, found.total(), found["failed"], found["unchosen"])


def _facts(content: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(content)
    return facts


def _swap(server: Server, shop: TrainedShop, pair: dict[str, int]) -> None:
    """Put a pair in force, and wait until the service has it."""
    shop.tracker.release(pair)
    client, patience = server.client, time.monotonic() + PATIENCE
    while json.loads(client.require(READY))["champions"]["versions"] != pair:
        if time.monotonic() > patience:
            raise SystemExit(f"the service must have loaded {pair} within {PATIENCE:g} seconds")
        time.sleep(PAUSE)


@contextmanager
def _at_work(server: Server, send: Callable[[Client], None], clients: int) -> Iterator[None]:
    """So many clients, each with one request after the other, until the block ends."""
    over, failures = threading.Event(), list[BaseException]()

    def work() -> None:
        client = server.client
        try:
            while not over.is_set():
                send(client)
        except BaseException as error:  # To be raised where somebody sees it.
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
