"""What faults are made of: a door before PostgreSQL that can be shut, and callers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

SERVER = ("127.0.0.1", 5432)
# As the client sends it: a query of its own.
COMMIT = b"COMMIT"
Document = dict[str, Any]


class Door:
    """Lets connections through to the server, until it is shut.

    Attributes
    ----------
    at_commit : str
        `cut before` ends a connection whose next COMMIT it would have let through, `cut after` lets
        it through and ends the connection before the server's answer; once each time.
    """

    def __init__(self) -> None:
        self.at_commit = ""
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Take connections, at the same place as before."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._take, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """End all connections, and take no other ones."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        self.cut()

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            ended, self._open = self._open, set()
        for each in ended:
            _end(each)

    def _take(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            server = socket.create_connection(SERVER)
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                of_client = source is client
                copying = (source, sink, of_client)
                threading.Thread(target=self._copy, args=copying, daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, of_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if of_client and self.at_commit and COMMIT in data:
                    when, self.at_commit = self.at_commit, ""
                    self.cuts += 1
                    if when == "cut after":
                        _end(source)
                        sink.sendall(data)
                        sink.recv(1)  # It is committed.
                    break
                sink.sendall(data)
        _end(source)
        _end(sink)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    found = Door()
    yield found
    found.shut()


@pytest.fixture
def caller() -> Iterator[Callable[[str], httpx.Client]]:
    """Clients of an address, closed after the test."""
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(httpx.Client(base_url=address, timeout=30))


@pytest.fixture
def order() -> Callable[..., Document]:
    """An order of a customer, as an event."""

    def made(name: str, customer_id: str = "a", **further: Any) -> Document:
        return {
            "type": "order",
            "event_id": f"event {name}",
            "customer_id": customer_id,
            "order_id": f"order {name}",
            "ordered_at": "2025-12-30T12:00",
            "amount": 20,
            **further,
        }

    return made


@pytest.fixture
def refused() -> Callable[[httpx.Response], bool]:
    """Whether an answer says that one is to come back; another one has to be good."""

    def found(answer: httpx.Response) -> bool:
        if answer.status_code == 200:
            return False
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        return True

    return found
