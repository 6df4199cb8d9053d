"""The running service against its own OpenAPI description, with made-up requests."""

from __future__ import annotations

import os
from collections import Counter

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()
# A schema cannot say that ids differ, or which currency is the shop's.
BEYOND_SCHEMA = CHECKS.get_by_names(["positive_data_acceptance"])
REFUSAL = CHECKS.get_by_names(["negative_data_rejection"])
# A date may have one of three forms, and one that lacks a form is made up as wrong though it has
# another: what of these is accepted is held against the description itself.
DATED = {"/v1/score": "ScoreRequest", "/v1/campaigns": "NewCampaign"}
# Bad events are told in the answer, and the good ones kept.
NOT_ALWAYS_WRONG = ("/v1/events", *DATED)
# What can be refused by its schema; any text may be the id of a customer.
CHOOSY = [
    ("POST", "/v1/score"),
    ("POST", "/v1/events"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/jobs"),
    ("POST", "/v1/campaigns"),
    ("POST", "/v1/webhooks"),
    ("GET", "/v1/customers"),
    ("POST", "/v1/customers/lookup"),
]
ALL = [
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/readyz"),
    ("GET", "/v1/models"),
    ("GET", "/v1/customers/{customer_id}"),
    ("GET", "/v1/customers/{customer_id}/timeline"),
    ("GET", "/v1/customers/{customer_id}/features"),
    ("GET", "/v1/customers/{customer_id}/export"),
    ("DELETE", "/v1/customers/{customer_id}"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/campaigns"),
    ("GET", "/v1/campaigns/{campaign_id}"),
    ("POST", "/v1/campaigns/{campaign_id}/start"),
    ("POST", "/v1/campaigns/{campaign_id}/end"),
    ("GET", "/v1/campaigns/{campaign_id}/assignments"),
    ("POST", "/v1/campaigns/{campaign_id}/outcomes"),
    ("GET", "/v1/campaigns/{campaign_id}/results"),
    ("GET", "/v1/webhooks"),
    ("GET", "/v1/webhooks/{webhook_id}"),
    ("DELETE", "/v1/webhooks/{webhook_id}"),
    ("POST", "/v1/webhooks/{webhook_id}/rotate"),
    ("POST", "/v1/webhooks/{webhook_id}/enable"),
    ("POST", "/v1/webhooks/{webhook_id}/test"),
    ("GET", "/v1/webhooks/{webhook_id}/deliveries"),
    ("POST", "/v1/webhooks/deliveries/{delivery_id}/replay"),
    ("GET", "/v1/jobs/{job_id}"),
    ("POST", "/v1/jobs/{job_id}/cancel"),
    *CHOOSY,
]
# What names nothing that has to be there is asked for twice as often.
NAMING_NOTHING = [(method, path) for method, path in ALL if "{" not in path]
# Of made-up requests; the others are refused for what is beyond the schema.
ACCEPTED = 0.3
# Requests of an operation: of fewer nothing can be said.
ENOUGH = 50
# Of each operation; `make soak` makes more.
REQUESTS = int(os.environ.get("HOLDFAST_FUZZ_REQUESTS", "20"))
made_up = settings(max_examples=REQUESTS, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def described(store_address):
    return schemathesis.openapi.from_url(f"{store_address}/openapi.json")


def test_every_operation_is_tried(described):
    found = [operation.ok() for operation in described.get_all_operations()]
    assert {(operation.method.upper(), operation.path) for operation in found} == {*ALL}


def test_answers_to_what_is_allowed_are_as_documented_and_much_is_accepted(described):
    statuses: Counter[tuple[str, int]] = Counter()

    @given(data=st.data(), chosen=st.sampled_from([*ALL, *NAMING_NOTHING]))
    @settings(made_up, max_examples=REQUESTS * len(ALL))
    def ask(data, chosen):
        method, path = chosen
        case = data.draw(described[path][method].as_strategy())
        found = case.call_and_validate(excluded_checks=BEYOND_SCHEMA, timeout=30)
        statuses[path, found.status_code] += 1

    ask()
    total = statuses.total()
    print(f"{total} requests: {dict(Counter(status for _, status in statuses.elements()))}")
    for path in ("/v1/score", "/v1/customers", "/v1/customers/lookup", "/v1/events"):
        of_path = {status: n for (own, status), n in statuses.items() if own == path}
        asked = sum(of_path.values())
        assert asked < ENOUGH or of_path.get(200, 0) >= ACCEPTED * asked, (path, of_path)
    accepted = sum(n for (_, status), n in statuses.items() if status in (200, 201, 202, 204))
    assert accepted >= ACCEPTED * total


@pytest.mark.parametrize(("method", "path"), CHOOSY)
@given(data=st.data())
@made_up
def test_what_is_not_allowed_is_refused_as_documented(described, method, path, data):
    made = described[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    excluded = [*BEYOND_SCHEMA, *(REFUSAL if path in NOT_ALWAYS_WRONG else ())]
    case = data.draw(made)
    found = case.call_and_validate(excluded_checks=excluded, timeout=30)
    if path in DATED and found.status_code < 300:
        components = described.raw_schema["components"]
        schema = {"$ref": f"#/components/schemas/{DATED[path]}", "components": components}
        assert jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(case.body)
