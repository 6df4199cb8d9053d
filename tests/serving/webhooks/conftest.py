"""A receiver on this machine, and endpoints that are sent to it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa

from serving.clock import utc_now
from serving.store.tables.webhooks import DELIVERIES
from serving.webhooks import service
from serving.webhooks.delivering import Delivering
from serving.webhooks.schemas import NewWebhook
from serving.webhooks.sending import Sender

EVERYTHING = [
    "risk.crossed",
    "scores.published",
    "campaign.planned",
    "campaign.ended",
    "model.promoted",
]


@dataclass
class Received:
    """What came in: headers and body of each request; and how it is answered."""

    url: str = ""
    messages: list[tuple[dict[str, str], str]] = field(default_factory=list)
    # Status and headers of the next answers; then 204.
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    # In seconds: how long an answer takes.
    pause: float = 0.0


@contextmanager
def receiving() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            received.messages.append(({n.lower(): v for n, v in self.headers.items()}, body))
            time.sleep(received.pause)
            status, headers = received.answers.pop(0) if received.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        received.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield received
        server.shutdown()


@pytest.fixture
def received() -> Iterator[Received]:
    with receiving() as found:
        yield found


@pytest.fixture
def webhook(database, received):
    """An endpoint that is told of everything, with its secret."""
    asked = NewWebhook(url=received.url, events=EVERYTHING)
    return service.add(database, asked, True, "a test")


@pytest.fixture
def deliver(database) -> Callable[[], int]:
    """Deliver what waits, whenever it is due."""

    def now(sender: Sender | None = None) -> int:
        with database.writing() as connection:
            waiting = sa.update(DELIVERIES).where(DELIVERIES.c.state == "waiting")
            connection.execute(waiting.values(next_at=utc_now(), leased_until=None))
        return asyncio.run(Delivering(database, sender or Sender(allow_private=True)).once())

    return now
