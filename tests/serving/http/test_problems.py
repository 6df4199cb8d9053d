from __future__ import annotations

from typing import get_args

import pytest
from pydantic_core.core_schema import ErrorType
from starlette.testclient import TestClient

from features.explanations import EXPLANATIONS, OTHER
from serving.app import create_app
from serving.http.problems import KINDS, SHOWN_ERRORS, WORDS, ProblemDocument

PROBLEM = "application/problem+json"


def post(client, content, kind="application/json"):
    return client.post("/v1/score", content=content, headers={"content-type": kind})


def test_a_path_that_is_not_there(client):
    answer = client.get("/v2/score")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json() == {
        "type": "urn:holdfast:problem:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no /v2/score. GET /openapi.json lists what there is.",
        "errors": [],
    }


def test_a_method_that_is_not_allowed(client):
    answer = client.get("/v1/score")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["detail"] == "GET is not allowed on /v1/score. Use POST."


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"as_of": 1,}', b'"\xff"']
)
def test_a_body_that_is_no_json(client, content):
    answer = post(client, content)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert "Send a JSON object" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_labelled_as_json(client, kind):
    answer = post(client, b"{}", kind)
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["errors"][0]["remedy"]


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"x"', b"7"])
def test_a_body_that_is_no_object(client, content):
    answer = post(client, content)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "")


def test_a_field_is_named_by_its_json_pointer(client):
    body = {"as_of": "2026-01-01", "customers": [{"customer_id": "a", "orders": [], "a/b~c": 1}]}
    answer = client.post("/v1/score", json=body)
    assert answer.json()["errors"][0] == {
        "place": "body",
        "field": "/customers/0/a~1b~0c",
        "detail": "is not known here",
        "remedy": "Remove it or check its spelling; GET /openapi.json lists the fields.",
    }
    assert answer.json()["detail"].startswith("body /customers/0/a~1b~0c is not known here. ")


def test_many_errors_are_counted_and_some_shown(client):
    body = {"as_of": "2026-01-01", "customers": [{"customer_id": 1}] * 60}
    problem = client.post("/v1/score", json=body).json()
    assert len(problem["errors"]) == SHOWN_ERRORS
    assert problem["detail"].endswith("And 119 more.")


def test_what_was_not_foreseen_tells_nothing_of_itself(served, caplog):
    app = create_app(served.settings)

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("the password is swordfish")

    with TestClient(app, "http://127.0.0.1") as client:
        answer = client.get("/fails", headers={"x-request-id": "call-1"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "urn:holdfast:problem:internal-error"
    assert "swordfish" not in answer.text
    assert answer.headers["x-request-id"] == "call-1"
    assert answer.headers["cache-control"] == "no-store"
    (failed,) = (record for record in caplog.records if record.exc_info)
    assert failed.request_id == "call-1"


def test_every_operation_documents_its_problems(client):
    paths = client.get("/openapi.json").json()["paths"]
    found = {(path, method) for path, operations in paths.items() for method in operations}
    assert ("/v1/score", "post") in found
    for path, method in found:
        answers = paths[path][method]["responses"]
        assert {"400", "405", "413", "500"} <= set(answers)
        for status in (status for status in answers if status >= "400"):
            assert [*answers[status]["content"]] == [PROBLEM], (path, method, status)


def test_the_schema_of_a_problem_is_documented(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["ProblemDocument"]["properties"]) == set(ProblemDocument.model_fields)
    assert "HTTPValidationError" not in schemas
    assert set(KINDS) == {400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 429, 500, 503}


def test_requests_are_refused_in_the_words_of_settings_but_for_what_is_about_json():
    assert WORDS.keys() - {OTHER} <= set(get_args(ErrorType))
    assert {kind for kind in WORDS if WORDS[kind] != EXPLANATIONS.get(kind)} == {
        "extra_forbidden",
        "float_type",
        "dict_type",
        "model_type",
        "model_attributes_type",
        "too_long",
        "json_invalid",
        OTHER,
    }
