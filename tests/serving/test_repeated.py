"""A request that is sent again with its Idempotency-Key makes nothing new."""

import pytest

from serving.settings import Settings

OFFERS = {"points": {"kind": "points", "fixed_cost": 2}}
ASKED = {
    "/v1/jobs": {"job": {"kind": "score"}},
    "/v1/campaigns": {"campaign_id": "winter", "offers": OFFERS, "budget": 300},
    "/v1/webhooks": {"url": "https://shop.example.com/hook", "events": ["risk.crossed"]},
}
OTHER = {
    "/v1/jobs": {"job": {"kind": "train"}},
    "/v1/campaigns": {"campaign_id": "summer", "offers": OFFERS, "budget": 300},
    "/v1/webhooks": {"url": "https://other.example.com/hook", "events": ["risk.crossed"]},
}


@pytest.fixture
def client(client_of, database, store, served):
    settings = Settings(store=store, tracking_uri=served.tracker.uri, worker=False)
    return client_of(settings)


@pytest.mark.parametrize("path", ASKED)
def test_sent_again_it_is_answered_alike(client, path):
    headers = {"Idempotency-Key": "k1"}
    first, again = (client.post(path, json=ASKED[path], headers=headers) for _ in range(2))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert len(next(iter(client.get(path).json().values()))) == 1


@pytest.mark.parametrize("path", ASKED)
def test_a_key_of_another_request_is_refused(client, path):
    headers = {"Idempotency-Key": "k1"}
    client.post(path, json=ASKED[path], headers=headers)
    answered = client.post(path, json=OTHER[path], headers=headers)
    assert answered.status_code == 422
    assert "stands for another request" in answered.json()["detail"]


@pytest.mark.parametrize("path", ASKED)
def test_a_key_of_ten_kilobytes_is_refused(client, path):
    answered = client.post(path, json=ASKED[path], headers={"Idempotency-Key": "k" * 10_240})
    assert answered.status_code == 422
    assert answered.json()["errors"][0]["field"] == "Idempotency-Key"
