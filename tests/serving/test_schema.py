"""The running service against its own OpenAPI description, with made-up requests."""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()
# A schema cannot say that ids differ, or which currency is the shop's.
BEYOND_SCHEMA = CHECKS.get_by_names(["positive_data_acceptance"])
# Any text may be the id of a customer, so nothing in the path can be refused.
CHOOSY = [("POST", "/v1/score"), ("GET", "/v1/customers"), ("POST", "/v1/customers/lookup")]
ALL = [
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/readyz"),
    ("GET", "/v1/customers/{customer_id}"),
    *CHOOSY,
]
# Of made-up requests; the others are refused for what is beyond the schema.
SCORED = 0.3
made_up = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def described(address):
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


def test_every_operation_is_tried(described):
    found = [operation.ok() for operation in described.get_all_operations()]
    assert {(operation.method.upper(), operation.path) for operation in found} == {*ALL}


@pytest.mark.parametrize(("method", "path"), ALL)
@given(data=st.data())
@made_up
def test_answers_to_what_is_allowed_are_as_documented(described, method, path, data):
    case = data.draw(described[path][method].as_strategy())
    case.call_and_validate(excluded_checks=BEYOND_SCHEMA, timeout=30)


def test_much_of_what_is_allowed_is_scored(described):
    statuses: Counter[int] = Counter()

    @given(data=st.data())
    @settings(made_up, max_examples=60)
    def ask(data):
        case = data.draw(described["/v1/score"]["POST"].as_strategy())
        found = case.call_and_validate(excluded_checks=BEYOND_SCHEMA, timeout=30)
        statuses[found.status_code] += 1

    ask()
    assert set(statuses) <= {200, 422}
    assert statuses[200] >= SCORED * statuses.total()


@pytest.mark.parametrize(("method", "path"), CHOOSY)
@given(data=st.data())
@made_up
def test_what_is_not_allowed_is_refused_as_documented(described, method, path, data):
    made = described[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    data.draw(made).call_and_validate(excluded_checks=BEYOND_SCHEMA, timeout=30)
