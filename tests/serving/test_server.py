from __future__ import annotations

import json
import urllib.request

import pytest

from serving.errors import ServingError
from serving.server import serve
from training.registry.store import TrackingError


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "shop.example"])
def test_a_host_that_others_can_reach_is_refused(served, host):
    with pytest.raises(ServingError, match="host must be a loopback address"):
        serve(served.settings.model_copy(update={"host": host}))


def test_an_address_that_is_no_tracking_store_is_refused(served, monkeypatch):
    monkeypatch.setenv("POLARS_ENGINE_AFFINITY", "auto")  # Of this process it must stay.
    with pytest.raises(TrackingError, match="must name a database or a server"):
        serve(served.settings.model_copy(update={"tracking_uri": "file:///tmp/runs"}))


def read(request):
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_process_answers_on_loopback(address, served):
    assert address.startswith("http://127.0.0.1:")
    assert read(f"{address}/healthz") == {"status": "alive"}
    assert read(f"{address}/readyz")["scores"]["customers"] == len(served.batch)


def test_a_process_scores_what_is_posted(address):
    order = {"order_id": "1", "ordered_at": "2025-11-01", "amount": 20}
    body = {"as_of": "2026-01-01", "customers": [{"customer_id": "ü/1", "orders": [order]}]}
    request = urllib.request.Request(
        f"{address}/v1/score", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    (row,) = read(request)["customers"]
    assert row["customer_id"] == "ü/1"
    assert 0 < row["churn_risk"] < 1


def test_a_process_answers_what_the_service_does_within_another(address, client, request_of):
    whole = request_of("2026-01-01")
    sent = {**whole, "customers": whole["customers"][:100]}
    request = urllib.request.Request(
        f"{address}/v1/score", json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    assert read(request) == client.post("/v1/score", json=sent).json()


def test_a_process_finds_customers(address):
    first = read(f"{address}/v1/customers?limit=1")["customers"][0]
    found = read(f"{address}/v1/customers/{first['customer_id']}")
    assert found["customer"] == first
