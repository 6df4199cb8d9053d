from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.clock import as_day
from serving.scores.schemas import MOST_CUSTOMERS, Order, ScoreRequest

ORDER = {"order_id": "1", "ordered_at": "2025-11-01", "amount": 20.0}
CUSTOMER = {"customer_id": "a", "orders": [ORDER]}
REQUEST = {"as_of": "2026-01-01", "customers": [CUSTOMER]}


def order(**changed):
    return {**REQUEST, "customers": [{**CUSTOMER, "orders": [{**ORDER, **changed}]}]}


def customers(*changes):
    return {**REQUEST, "customers": [{**CUSTOMER, **changed} for changed in changes]}


def refused(client, body):
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/score", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422, answer.text
    return {error["field"]: error for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        (order(amount="20"), "amount", "must be a JSON number; got text"),
        (order(amount=True), "amount", "must be a JSON number; got true or false"),
        (order(amount=None), "amount", "must be a JSON number; got null"),
        (order(amount=float("nan")), "amount", "must be a finite number"),
        (order(amount=float("inf")), "amount", "must be a finite number"),
        (order(amount=10**400), "amount", "must be a JSON number; got a number"),
        (order(amount=1e13), "amount", "must be at most 1000000000000.0"),
        (order(order_id=7), "order_id", "must be text; got a number"),
        (order(order_id="  "), "order_id", "must not be blank"),
        (order(order_id="x" * 257), "order_id", "must have at most 256 characters"),
        (order(total=1), "total", "is not known here"),
        (
            order(ordered_at="2025-02-29"),
            "ordered_at",
            "must be a date that exists: day is out of range for month",
        ),
    ],
)
def test_an_order_that_cannot_be_read_is_refused_by_name(client, body, field, detail):
    errors = refused(client, body)
    assert errors[f"/customers/0/orders/0/{field}"]["detail"] == detail
    assert errors[f"/customers/0/orders/0/{field}"]["remedy"]


@pytest.mark.parametrize(
    "when",
    [1735689600, "01.11.2025", "2025-11", "2025-11-01T24:00", "now", "", None, ["2025"]],
)
def test_a_time_must_be_an_iso_text(client, when):
    errors = refused(client, order(ordered_at=when))
    assert errors["/customers/0/orders/0/ordered_at"]["detail"].startswith("must be an ISO date")


@pytest.mark.parametrize("when", ["2025-11-31", "2100-02-29T10:00", "2025-13-01", "0000-01-01"])
def test_a_time_must_be_of_a_day_that_there_is(client, when):
    errors = refused(client, order(ordered_at=when))
    assert errors["/customers/0/orders/0/ordered_at"]["detail"].startswith("must be a date that ex")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2025-11-01 08:00", "2025-11-01T08:00:00"),
        ("2025-11-01t08:00:00z", "2025-11-01T08:00:00+00:00"),
        ("2025-11-01T08:00:00.123456789+0200", "2025-11-01T08:00:00.123456+02:00"),
    ],
)
def test_a_time_is_read_as_its_format_allows(written, read):
    assert Order(**{**ORDER, "ordered_at": written}).ordered_at == read


def test_a_number_as_id_is_told_to_be_put_in_quotes(client):
    errors = refused(client, customers({"customer_id": 13085}))
    assert errors["/customers/0/customer_id"]["remedy"] == 'Put it in quotes: "13085", not 13085.'


def test_as_of_is_required(client):
    errors = refused(client, {"customers": [CUSTOMER]})
    assert errors["/as_of"]["detail"] == "is missing"


@pytest.mark.parametrize("as_of", ["1969-12-31", "0002-01-01T00:00+14:00", "3000-01-01"])
def test_as_of_must_be_within_what_a_calendar_can_hold(client, as_of):
    errors = refused(client, {**REQUEST, "as_of": as_of})
    assert errors["/as_of"]["detail"] == "must be in the years 1970 to 2999"


@pytest.mark.parametrize("odd", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_has_a_date_on_every_clock(client, odd):
    errors = refused(client, customers({**CUSTOMER, "orders": [{**ORDER, "ordered_at": odd}]}))
    (error,) = errors.values()
    assert "is out of range" in error["detail"]


def test_a_customer_comes_once(client):
    errors = refused(client, customers({}, {"customer_id": " a "}))
    assert errors["/customers"]["detail"] == "must name each customer_id once; got 'a' 2 times"


def test_a_thousand_customers_are_the_most(client):
    many = customers(*({"customer_id": str(i)} for i in range(MOST_CUSTOMERS + 1)))
    assert refused(client, many)["/customers"]["detail"] == "must have at most 1000 items"
    assert len(ScoreRequest(**{**many, "customers": many["customers"][1:]}).customers) == 1000


@pytest.mark.parametrize("value", [[1], {"a": 1}, 1e13, float("nan"), "\ud800"])
def test_an_attribute_is_one_plain_value(client, value):
    errors = refused(client, customers({"attributes": {"channel": value}}))
    assert errors["/customers/0/attributes/channel"]["detail"].startswith("must be text, a number")


def test_half_a_character_is_refused_wherever_it_stands(client):
    assert refused(client, customers({"customer_id": "\ud800"}))["/customers/0/customer_id"]
    assert refused(client, {**REQUEST, "\ud800": 1})
    assert refused(client, customers({"attributes": {"\ud800": 1}}))


def test_ids_are_text_as_given():
    request = ScoreRequest(**customers({"customer_id": "00001"}, {"customer_id": "Ærø/7"}))
    assert [customer.customer_id for customer in request.customers] == ["00001", "Ærø/7"]


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_any_instant_in_iso_is_read_as_the_library_reads_it(instant):
    offset = instant.utcoffset()
    text = instant.isoformat()
    if offset is not None and offset.seconds % 60:
        with pytest.raises(ValidationError):
            Order(**{**ORDER, "ordered_at": text})
    elif 2 <= instant.year <= 9998:
        assert as_day(Order(**{**ORDER, "ordered_at": text}).ordered_at) == as_day(instant)
