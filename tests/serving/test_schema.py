"""The running service against its own OpenAPI description, with made-up requests."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()
# A schema cannot say that February has no 30th, that ids differ, or which currency is the shop's.
(beyond_schema,) = CHECKS.get_by_names(["positive_data_acceptance"])


@pytest.fixture
def described(address):
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case):
    case.call_and_validate(excluded_checks=[beyond_schema], timeout=30)
