"""Told to stop: idle connections hold nothing up, and a request without end is given up."""

import signal
import socket
import time
from contextlib import closing

ASK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# Its body never comes.
BEGIN = (
    b"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)
VARIABLES = {"HOLDFAST_SHUTDOWN_SECONDS": "4", "HOLDFAST_BODY_SECONDS": "600"}


def connected(service, sent):
    host, port = service.address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(sent)
    return closing(connection)


def until_closed(connection):
    while connection.recv(1000):
        pass


def test_a_service_that_is_stopped_waits_for_requests_alone_and_not_for_ever(begin, full_store):
    with (
        begin("--store", full_store, **VARIABLES) as service,
        connected(service, ASK) as idle,
        connected(service, b"") as silent,
        connected(service, BEGIN) as endless,
    ):
        assert b"200 OK" in idle.recv(1000)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        until_closed(idle)
        until_closed(silent)
        assert time.monotonic() - began < 3
        assert service.process.wait(timeout=60) == 0
        assert 4 <= time.monotonic() - began < 15
        until_closed(endless)
    assert any("timeout graceful shutdown exceeded" in line["event"] for line in service.lines)
