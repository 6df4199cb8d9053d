"""A process that is told to stop answers what it was asked, and ends well."""

from __future__ import annotations

import signal
import socket
import threading
import time

import sqlalchemy as sa

from features.intake.store.tables import HISTORY

# In seconds.
PATIENCE = 20


def stop(process):
    """Tell a process to stop; the code it ends with."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def in_a_thread(work, *given, **named):
    """Begin some work; what it came to is in the list that is given back."""
    came = []
    thread = threading.Thread(target=lambda: came.append(work(*given, **named)))
    thread.start()
    return thread, came


def test_who_was_being_answered_is_answered_and_what_was_taken_is_kept(
    filled, store, server, caller, order, request_of
):
    found = server(HOLDFAST_STORE=store)
    client, other = caller(found.address), caller(found.address)
    whole = request_of("2026-01-01")
    client.post("/v1/score", json={**whole, "customers": whole["customers"][:1]})
    events = {"events": [order(f"late {n}") for n in range(1000)]}
    scoring, scored = in_a_thread(client.post, "/v1/score", json=whole)
    taking, taken = in_a_thread(other.post, "/v1/events", json=events)
    time.sleep(0.15)
    assert not scored and not taken
    code = stop(found.process)
    scoring.join()
    taking.join()
    assert (scored[0].status_code, taken[0].status_code, code) == (200, 200, 0)
    assert len(scored[0].json()["customers"]) > 500
    with filled.reading() as connection:
        own = HISTORY["orders"].c.order_id.startswith("order late")
        kept = connection.scalar(sa.select(sa.func.count()).where(own))
    assert kept == taken[0].json()["accepted"] == 1000


def test_who_does_not_read_the_answer_does_not_hold_the_process(served, server):
    found = server(HOLDFAST_SCORES=str(served.scores), HOLDFAST_SHUTDOWN_SECONDS="2")
    host, port = found.address.removeprefix("http://").split(":")
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((host, int(port)))
        asked = f"GET /v1/customers?format=jsonl HTTP/1.1\r\nHost: {host}\r\n\r\n"
        idle.sendall(asked.encode() * 40)
        time.sleep(1)
        began = time.monotonic()
        assert stop(found.process) == 0
        assert time.monotonic() - began > 1  # It was waited for.
