"""Webhooks over HTTP, in a running service."""

import json

import pytest
from standardwebhooks import Webhook as Verifier

from serving.settings import Settings


@pytest.fixture
def client(client_of, database, store, served):
    settings = Settings(store=store, tracking_uri=served.tracker.uri, private_webhooks=True)
    return client_of(settings)


def add(client, url, **known):
    asked = {"url": url, "events": ["scores.published"], **known}
    return client.post("/v1/webhooks", json=asked)


def test_an_endpoint_is_added_tested_looked_at_and_removed(client, received, eventually):
    made = add(client, received.url)
    assert made.status_code == 201
    path = f"/v1/webhooks/{made.json()['id']}"
    test = client.post(f"{path}/test")
    assert (test.status_code, test.json()["state"]) == (202, "waiting")
    eventually(
        lambda: [d["state"] for d in client.get(f"{path}/deliveries").json()["deliveries"]],
        ["delivered"],
    )
    ((headers, body),) = received.messages
    assert Verifier(made.json()["secret"]).verify(body, headers)["type"] == "webhook.test"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_secret_is_told_by_what_made_it_alone(client, received):
    secret = add(client, received.url).json()["secret"]
    assert secret not in client.get("/v1/webhooks").text
    assert secret not in client.get("/v1/webhooks/1").text
    rotated = client.post("/v1/webhooks/1/rotate").json()["secret"]
    assert rotated != secret
    assert rotated not in client.get("/v1/audit").text


def test_the_key_of_a_deleted_endpoint_is_refused(client, received):
    asked = {"url": received.url, "events": ["risk.crossed"]}
    headers = {"Idempotency-Key": "k1"}
    made = client.post("/v1/webhooks", json=asked, headers=headers).json()
    client.delete(f"/v1/webhooks/{made['id']}")
    again = client.post("/v1/webhooks", json=asked, headers=headers)
    assert again.status_code == 409 and "was deleted" in again.json()["detail"]


def test_what_is_disabled_can_be_enabled(client, received, eventually):
    add(client, received.url)
    received.answers = [(410, {})]
    client.post("/v1/webhooks/1/test")
    eventually(lambda: client.get("/v1/webhooks/1").json()["disabled_at"] is not None, True)
    refused = client.post("/v1/webhooks/1/test")
    assert refused.status_code == 409 and "/v1/webhooks/1/enable" in refused.json()["detail"]
    assert client.post("/v1/webhooks/1/enable").json()["disabled_at"] is None
    assert client.post("/v1/webhooks/1/test").status_code == 202


@pytest.mark.parametrize(
    "asked",
    [
        {"url": "https://user:pw@shop.example.com/"},
        {"url": "https://shop.example.com/", "events": []},
        {"url": "https://shop.example.com/", "events": ["risk.fell"]},
        {"url": "https://shop.example.com/", "risk_threshold": 1},
        {"url": "https://shop.example.com/", "secret": "my own"},
        {"events": ["risk.crossed"]},
    ],
)
def test_what_cannot_be_an_endpoint_is_refused(client, asked):
    answered = client.post("/v1/webhooks", json={"events": ["risk.crossed"], **asked})
    assert answered.status_code == 422
    assert answered.json()["errors"][0]["remedy"]


def test_private_addresses_are_refused_unless_they_are_allowed(
    client_of, database, store, served, received
):
    client = client_of(Settings(store=store, tracking_uri=served.tracker.uri))
    answered = add(client, received.url)
    assert answered.status_code == 422 and "https" in answered.json()["detail"]


def test_there_are_at_most_twenty(client, received):
    assert [add(client, received.url).status_code for _ in range(21)] == [201] * 20 + [409]


def test_what_is_not_there_is_a_problem_document(client):
    for method, path in (
        ("GET", "/v1/webhooks/7"),
        ("DELETE", "/v1/webhooks/7"),
        ("POST", "/v1/webhooks/7/rotate"),
        ("POST", "/v1/webhooks/7/test"),
        ("GET", "/v1/webhooks/7/deliveries"),
        ("POST", "/v1/webhooks/deliveries/7/replay"),
    ):
        answered = client.request(method, path)
        assert answered.status_code == 404, path
        assert json.loads(answered.text)["errors"][0]["place"] == "path"
