"""Callers that are slow, and very many, keep nobody else waiting."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

SLOW, OPEN = 200, 500
# In seconds: how long a body may take.
SECONDS = 3.0
# Those for requests, and some.
THREADS = 64
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: 100000\r\n\r\n"
)


@pytest.fixture(scope="module")
def serving(tmp_path_factory, made_full, server):
    store = f"sqlite:///{tmp_path_factory.mktemp('many') / 'store.db'}"
    made_full(store).close()
    return server(HOLDFAST_STORE=store, HOLDFAST_BODY_SECONDS=str(SECONDS))


@pytest.fixture
def connect(serving):
    """Connections to the service, closed after the test."""
    host, port = serving.address.removeprefix("http://").split(":")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection((host, int(port)), 10))


def told_of(process, name):
    """A figure that the system tells of a process."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1])


def quickly(client, path):
    """How long an answer took, in seconds."""
    began = time.monotonic()
    assert client.get(path).status_code == 200
    return time.monotonic() - began


def is_let_go(connection):
    """Whether the other side has ended a connection, though one goes on sending."""
    connection.settimeout(0.1)
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    return True


def test_others_are_answered_while_two_hundred_are_slow(serving, connect, caller, served):
    client = caller(serving.address)
    paths = ("/healthz", f"/v1/customers/{served.batch.index[0]}")
    for path in paths:
        quickly(client, path)
    before = told_of(serving.process, "VmRSS")
    slow = [connect() for _ in range(SLOW)]
    for number, each in enumerate(slow):
        each.sendall(HEAD.format(path=("/v1/events", "/v1/score")[number % 2]).encode())
    over = threading.Event()

    def trickle():
        while not over.wait(0.3):
            for each in slow:
                try:
                    each.sendall(b" ")
                except OSError:
                    continue

    trickling = threading.Thread(target=trickle)
    trickling.start()
    taken = []
    until = time.monotonic() + SECONDS + 2
    while time.monotonic() < until:
        taken += [quickly(client, path) for path in paths]
        time.sleep(0.05)
    threads, memory = (told_of(serving.process, name) for name in ("Threads", "VmRSS"))
    answers = [each.recv(12) for each in slow]
    over.set()
    trickling.join()
    assert set(answers) == {b"HTTP/1.1 408"}
    assert all(is_let_go(each) for each in slow)
    assert sorted(taken)[int(0.95 * len(taken))] < 0.5 and max(taken) < 2
    assert threads < THREADS
    assert memory < before + 50_000


def test_five_hundred_connections_are_held_at_once(serving, connect, caller, served):
    before = told_of(serving.process, "VmRSS")
    held = [connect() for _ in range(OPEN)]
    client = caller(serving.address)
    who = served.batch.index[0]
    taken = [quickly(client, path) for path in ("/healthz", f"/v1/customers/{who}") * 10]
    assert max(taken) < 2
    asked = f"GET /v1/customers/{who} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    for each in held:
        each.sendall(asked)
    assert {each.recv(15) for each in held} == {b"HTTP/1.1 200 OK"}
    assert told_of(serving.process, "Threads") < THREADS
    assert told_of(serving.process, "VmRSS") < before + 80_000
