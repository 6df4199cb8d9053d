"""What the service costs, beside MLflow: `python -m benchmarks.serving [--quick] [--store]`.

A shop like the demo's is trained on in a temporary folder and served on loopback. CPU is that
of the server's processes for each request, over many requests in turns: every round asks for
everything once, so that a busy spell of the machine hits all alike. Real customers are sent.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from urllib.parse import quote

from benchmarks.service.loads import CLIENTS, SCORE, Swapped, Waited, health_under, swapped
from benchmarks.service.servers import Server, cpu_of
from benchmarks.service.shop import TrainedShop, stored_ids, trained_shop
from benchmarks.service.stores import (
    AT_ONCE,
    event_waits,
    imported,
    larger_history,
    p99,
    published,
)
from features.agreement import many
from holdfast.commands.demo_shop import CUSTOMERS

INVOCATIONS = "/invocations"
LIST = "/v1/customers?limit=100"
LIBRARIES = "import mlflow, lightgbm, polars"
READ, LISTED = "stored read by id", "list of 100"
# Bodies with other customers each.
DIFFERENT = 100
# In ms of CPU, by how many customers are sent.
ASKED_INLINE = {1: 40, 100: 70, 1000: 400}


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    customers: int = CUSTOMERS
    stored: int = 1_000_000
    rounds: int = 8
    seconds: float = 12.0
    swaps: int = 50


QUICK = Effort(customers=2000, stored=200_000, rounds=3, seconds=4.0, swaps=6)


@dataclass(frozen=True)
class Request:
    """Something to ask a server for, and how often in a round."""

    name: str
    server: Server
    times: int
    ask: Callable[[], bytes]


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    measured: str
    asked: str = ""
    beside: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.measured} | {self.asked} | {self.beside} |"


def main() -> None:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--store", action="store_true", help="what a store takes, and no more")
    given = parser.parse_args()
    effort = QUICK if given.quick else Effort()
    with tempfile.TemporaryDirectory() as place:
        _tell("training twice")
        shop = trained_shop(Path(place), effort.customers)
        print("| what | measured | asked | beside |\n|---|---|---|---|")
        lines = kept(shop, effort) if given.store else measured(shop, effort)
        for line in lines:
            print(line, flush=True)


def measured(shop: TrainedShop, effort: Effort) -> Iterator[Line]:
    """All lines, one part after the other."""
    _tell("starting")
    yield started(shop)
    with shop.served() as server:
        at_start = server.memory_mb()
        _tell("asking for scores, in turns with MLflow")
        with shop.served_by_mlflow() as mlflow:
            yield from costs(cpu_in_turns(requests(shop, server, mlflow), effort.rounds))
        _tell("sending large bodies")
        yield from waits(shop, server, effort.seconds)
        yield Line("memory at start", f"{at_start:,.0f} MB", "<= 350 MB")
        yield Line("memory at its peak", f"{server.memory_mb('VmHWM'):,.0f} MB", "<= 600 MB")
    _tell("swapping champions")
    with shop.served(reload_seconds=0.2) as server:
        yield from swap_lines(swapped(server, shop, effort.swaps))
    _tell(f"serving {effort.stored:,} stored customers")
    larger = shop.larger_scores(effort.stored)
    with shop.served() as server, shop.served(larger) as larger_server:
        sizes = {len(shop.table): (server, shop.scores), effort.stored: (larger_server, larger)}
        yield from sized(sizes, effort)
    yield from kept(shop, effort)


def started(shop: TrainedShop) -> Line:
    """CPU up to the first answer against that of importing the libraries; each a second time."""
    cpu: dict[str, float] = {}
    for _ in range(2):  # The first reads files that are not in memory yet.
        with shop.served() as server:
            cpu["service"] = server.cpu_to_answer
        cpu["imports"] = cpu_of([sys.executable, "-c", LIBRARIES])
    ratio = cpu["service"] / cpu["imports"]
    beside = f"{cpu['service']:.2f} s of CPU; the imports {cpu['imports']:.2f} s"
    return Line("start to first answer", f"{ratio:.2f} x the imports", "<= 1.5 x", beside)


def requests(shop: TrainedShop, server: Server, mlflow: Server) -> list[Request]:
    """What a round asks for."""
    ours, theirs = server.client, mlflow.client

    def inline(customers: int, times: int) -> Request:
        starts = range(0, len(shop.customers) - customers, customers)
        bodies = cycle([shop.request(customers, start) for start in starts[:DIFFERENT]])

        def ask() -> bytes:
            return ours.require(SCORE, next(bodies))

        return Request(_inline(customers), server, times, ask)

    def ready(rows: int, times: int) -> Request:
        body = shop.ready(rows)
        return Request(_ready(rows), mlflow, times, lambda: theirs.require(INVOCATIONS, body))

    return [
        *stored(server, shop.scores),
        inline(1, 10),
        ready(1, 10),
        inline(100, 3),
        ready(100, 3),
        inline(1000, 1),
    ]


def stored(server: Server, scores: Path, suffix: str = "") -> list[Request]:
    """Customers by id, from all over the file, and lists."""
    client, ids = server.client, stored_ids(scores, 500)
    draw = random.Random(0)

    def read() -> bytes:
        return client.require(f"/v1/customers/{quote(draw.choice(ids), safe='')}")

    return [
        Request(READ + suffix, server, 50, read),
        Request(LISTED + suffix, server, 20, lambda: client.require(LIST)),
    ]


def cpu_in_turns(asked: Iterable[Request], rounds: int) -> Mapping[str, float]:
    """Milliseconds of CPU of the server for each request, by its name."""
    used: dict[str, float] = defaultdict(float)
    asked = list(asked)
    for request in asked:
        request.ask()
    for _ in range(rounds):
        for request in asked:
            before = request.server.cpu_seconds
            for _ in range(request.times):
                request.ask()
            used[request.name] += request.server.cpu_seconds - before
    return {r.name: 1000 * used[r.name] / (r.times * rounds) for r in asked}


def costs(cpu: Mapping[str, float]) -> Iterator[Line]:
    """CPU for each request, and how it compares."""
    ready = cpu[_ready(1)]
    times = f"MLflow on one ready row costs {ready / cpu[READ]:.1f} x (asked >= 15 x)"
    yield Line(READ, _ms(cpu[READ]), "<= 2.5 ms", times)
    yield Line(LISTED, _ms(cpu[LISTED]), "<= 5 ms")
    for customers, asked in ASKED_INLINE.items():
        name, theirs = _inline(customers), cpu.get(_ready(customers))
        beside = ""
        if theirs is not None:
            ratio = cpu[name] / theirs
            beside = f"MLflow, ready rows: {_ms(theirs)}; from raw orders {ratio:.2f} x of it"
        yield Line(name, _ms(cpu[name]), f"<= {asked} ms", beside)


def waits(shop: TrainedShop, server: Server, seconds: float) -> Iterator[Line]:
    """The worst /healthz under two loads."""
    largest = shop.largest_request()
    bodies = {
        f"{len(largest) / 2**20:.1f} MB": largest,
        "1,000 customers": shop.request(1000),
    }
    for name, body in bodies.items():
        waited = health_under(server, body, seconds)
        yield Line(
            f"worst /healthz while {CLIENTS} clients send {name} each",
            _ms(1000 * waited.worst_seconds),
            "< 250 ms",
            _answers(waited),
        )


def kept(shop: TrainedShop, effort: Effort) -> Iterator[Line]:
    """What a store in SQLite takes: an import, events, and a publication while others read."""
    place = shop.scores.parent
    store, tracking = f"sqlite:///{place}/store.db", shop.tracker.uri
    _tell(f"importing {effort.stored:,} orders")
    seconds = imported(larger_history(shop, effort.stored, place / "larger"), store)
    yield Line(f"import of {effort.stored:,} orders", f"{seconds:.0f} s", "< 30 s")
    _tell(f"publishing {effort.stored:,} scores, twice")
    with shop.served(store=store) as server:
        scores = shop.larger_scores(effort.stored)
        other = shop.larger_scores(effort.stored, days_later=1)
        found = published(server, store, scores, other, tracking, effort.seconds)
    times = found.meanwhile / found.quiet
    what = f"p99 of reads while {effort.stored:,} scores are published"
    beside = f"{times:.2f} x of the quiet {_ms(1000 * found.quiet)}; took {found.seconds:.0f} s"
    yield Line(what, _ms(1000 * found.meanwhile), "< 2 x quiet", beside)
    yield Line("lists of two publications", str(found.mixed), "0", f"of {found.reads:,} answers")
    small = f"sqlite:///{place}/events.db"
    imported(place / "shop", small)
    _tell("sending events")
    with shop.served(store=small) as server:
        waits = event_waits(server, shop, 10 * effort.rounds)
    beside = f"median {_ms(1000 * median(waits))}, of {len(waits)} requests"
    yield Line(f"p99 of POST of {AT_ONCE:,} events", _ms(1000 * p99(waits)), "< 500 ms", beside)


def _inline(customers: int) -> str:
    return f"inline, {many(customers, 'customer')}"


def _ready(rows: int) -> str:
    return f"MLflow, {many(rows, 'ready row')}"


def _answers(waited: Waited) -> str:
    counts = ", ".join(f"{n} x {status}" for status, n in sorted(waited.statuses.items()))
    return f"of {waited.asked} asked; the others were answered {counts}"


def swap_lines(found: Swapped) -> Iterator[Line]:
    """What went wrong while champions were swapped."""
    of = f"of {found.answers:,} answers in {found.swaps} swaps"
    yield Line("answers that failed while champions were swapped", str(found.failed), "0", of)
    yield Line("answers of a pair that nobody chose", str(found.unchosen), "0", of)


def sized(sizes: Mapping[int, tuple[Server, Path]], effort: Effort) -> Iterator[Line]:
    """Reads and lists of few stored customers and of many, in turns."""
    suffix = {customers: f", {customers:,} customers" for customers in sizes}
    asked = [
        request
        for customers, (server, scores) in sizes.items()
        for request in stored(server, scores, suffix[customers])
    ]
    cpu, (few, most) = cpu_in_turns(asked, effort.rounds), sizes
    for name, limit in {READ: "<= 1.2 x of few", LISTED: "<= 8 ms"}.items():
        small, large = cpu[name + suffix[few]], cpu[name + suffix[most]]
        beside = f"{large / small:.2f} x of {_ms(small)} with {few:,} customers"
        yield Line(name + suffix[most], _ms(large), limit, beside)
    held = sizes[most][0].memory_mb()
    yield Line(f"memory with {most:,} stored customers", f"{held:,.0f} MB")


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.1f} ms" if milliseconds < 100 else f"{milliseconds:,.0f} ms"


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
