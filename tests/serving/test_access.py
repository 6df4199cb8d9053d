"""Keys: nobody is answered off loopback without one, and each is for what it is for."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from serving.clock import utc_now
from serving.errors import ServingError
from serving.keys import service
from serving.keys.service import create_key, list_keys, revoke_key
from serving.publications.files import read_scores
from serving.publications.service import publish
from serving.server import serve
from serving.settings import Settings
from serving.store.tables.access import KEYS


@pytest.fixture
def keyed(client_of, served, database, store):
    """A client of a service that asks for keys, and what makes them."""
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows, run.terms)
    settings = Settings(
        store=store, tracking_uri=served.tracker.uri, require_keys=True, reload_seconds=0.2
    )
    client = client_of(settings)

    def ask(path, key=None, **headers):
        if key is not None:
            headers["Authorization"] = f"Bearer {key}".encode()
        return client.get(path, headers=headers)

    return ask


def key(database, *scopes, **further):
    _, secret = create_key(database, "braze", scopes, "a test", **further)
    return secret


def test_a_key_opens_what_it_is_for(keyed, database):
    assert keyed("/v1/customers", key(database, "read")).status_code == 200
    answer = keyed("/v1/audit", key(database, "read", "events", "campaigns"))
    assert answer.status_code == 403
    assert "must be of a key for admin" in answer.json()["detail"]
    assert keyed("/v1/audit", key(database, "admin")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/x", "/v1/audit"])
def test_without_a_key_nobody_is_answered(keyed, path):
    answer = keyed(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "urn:holdfast:problem:unauthorized"


@pytest.mark.parametrize("wrong", ["", "x", "hf_", "hf_" + "0" * 16 + "_" + "A" * 43, "ü" * 5000])
def test_a_key_that_is_none_is_refused(keyed, wrong):
    assert keyed("/v1/customers", wrong).status_code == 401


def test_a_key_with_another_secret_is_refused(keyed, database):
    own = key(database, "read")
    assert keyed("/v1/customers", own[:-1] + ("A" if own[-1] != "A" else "B")).status_code == 401


def test_a_revoked_key_is_refused_at_once(keyed, database):
    own = key(database, "read")
    assert keyed("/v1/customers", own).status_code == 200
    revoke_key(database, own.split("_")[1], "a test")
    answer = keyed("/v1/customers", own)
    assert answer.status_code == 401 and "was revoked" in answer.json()["detail"]


def test_a_key_ends_when_it_should(keyed, database, monkeypatch):
    own = key(database, "read", expires_at=utc_now() + timedelta(days=1))
    assert keyed("/v1/customers", own).status_code == 200
    monkeypatch.setattr(service, "utc_now", lambda: utc_now() + timedelta(days=2))
    assert "has expired" in keyed("/v1/customers", own).json()["detail"]


def test_the_store_keeps_no_secret(database):
    secret = key(database, "read")
    with database.reading() as connection:
        row = connection.execute(sa.select(KEYS)).one()
    assert secret.split("_", 2)[2] not in str(row) and secret not in str(row)


@pytest.mark.parametrize("query", ["key=x", "api_key=x", "Token=x", "stage=hf_0123"])
def test_a_key_in_an_address_is_refused(keyed, database, query):
    answer = keyed(f"/v1/customers?{query}", key(database, "read"))
    assert answer.status_code == 400
    assert "must not hold a key" in answer.json()["detail"]


def test_health_asks_for_no_key(keyed):
    assert keyed("/healthz").status_code == 200
    assert keyed("/readyz").status_code == 200


def test_whoever_asks_too_often_has_to_wait(client_of, served):
    client = client_of(served.settings.model_copy(update={"requests_per_minute": 5}))
    answers = [client.get("/v1/customers?limit=1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert client.get("/healthz").status_code == 200


def test_who_tries_keys_has_to_wait(keyed):
    answers = [keyed("/v1/customers", f"guess{n}").status_code for n in range(70)]
    assert answers[0] == 401 and answers[-1] == 429


def test_the_use_of_a_key_is_noted_and_its_making_audited(keyed, database, eventually):
    reader, admin = key(database, "read"), key(database, "admin")
    keyed("/v1/customers", reader)

    def used():
        return {each.id for each in list_keys(database) if each.used_at is not None}

    eventually(used, {reader.split("_")[1]})
    made = {each.id: each for each in list_keys(database)}
    entries = keyed("/v1/audit", admin).json()["entries"]
    assert {entry["action"] for entry in entries} == {"key.created"}
    assert {entry["facts"]["key"] for entry in entries} == set(made)


def test_the_audit_log_has_pages(keyed, database):
    secrets = [key(database, "admin") for _ in range(5)]
    first = keyed("/v1/audit?limit=3", secrets[0]).json()
    second = keyed(f"/v1/audit?limit=3&before={first['next_before']}", secrets[0]).json()
    ids = [entry["id"] for page in (first, second) for entry in page["entries"]]
    assert ids == sorted(ids, reverse=True) and len(ids) == 5
    assert second["next_before"] is None


def test_a_key_that_is_over_before_it_begins_is_refused(database):
    with pytest.raises(ServingError, match="must end after now"):
        key(database, "read", expires_at=utc_now() - timedelta(days=1))


def test_what_is_no_key_cannot_be_revoked(database):
    with pytest.raises(ServingError, match="must be one that was not revoked"):
        revoke_key(database, "x", "a test")


def test_off_loopback_there_has_to_be_a_store():
    with pytest.raises(ValueError, match="store must be given where keys are asked for"):
        Settings(scores="scores.parquet", host="0.0.0.0")


def test_off_loopback_there_has_to_be_a_key(database, store, served):
    settings = Settings(store=store, host="0.0.0.0", tracking_uri=served.tracker.uri)
    with pytest.raises(ServingError, match=re.escape("the store must have a key that is good")):
        serve(settings)


def test_two_keys_of_one_name_have_a_limit_each(client_of, database, store, served):
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows, run.terms)
    settings = Settings(
        store=store, tracking_uri=served.tracker.uri, require_keys=True, requests_per_minute=3
    )
    client = client_of(settings)
    for secret in (key(database, "read"), key(database, "read")):
        headers = {"Authorization": f"Bearer {secret}"}
        answers = [client.get("/v1/customers?limit=1", headers=headers) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
