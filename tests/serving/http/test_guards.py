from __future__ import annotations

import pytest

from serving.hosts import is_loopback


@pytest.fixture
def small(client_of, served):
    return client_of(served.settings.model_copy(update={"max_body_bytes": 1000}))


def post(client, content):
    return client.post("/v1/score", content=content, headers={"content-type": "application/json"})


def test_a_body_that_says_it_is_too_large_is_refused(small):
    answer = post(small, b"x" * 1001)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "at most 1000 bytes" in answer.json()["detail"]


def test_a_body_that_grows_too_large_is_refused(small):
    answer = post(small, iter([b"x" * 400] * 3))
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_body_of_the_largest_size_is_read(small):
    assert post(small, b"x" * 1000).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_loopback_hosts_are_answered(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1.shop.example:80", "", "[::2]:80"])
def test_foreign_hosts_are_refused(client, host):
    answer = client.get("/healthz", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Host"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "", "*", "localhost.example"])
def test_what_others_can_reach_is_no_loopback(host):
    assert not is_loopback(host)
