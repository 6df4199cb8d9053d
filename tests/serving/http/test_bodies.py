"""Bodies are JSON that says everything once, and keep nobody else waiting."""

from __future__ import annotations

import gc
import json
import threading
import time

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict

from serving.http.bodies import read
from serving.http.problems import ProblemError
from serving.scores.schemas import ScoreRequest


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    price: float = 0.0
    inner: list[Basket] = []


ORDER = '{"order_id": "1", "ordered_at": "2025-01-01", "amount": 20}'


def request_of(order: str = ORDER, customer: str = '"a"') -> bytes:
    body = f'{{"as_of": "2026-01-01", "customers": [{{"customer_id": {customer}, "orders": '
    return f"{body}[{order}]}}]}}".encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"name": "a", "name": "b"}', "must have each key once in an object; got 'name' twice"),
        (b'{"name": "a", "inner": [{"name": "b", "price": 1, "price": 2}]}', "got 'price' twice"),
        (b'{"name": "a"', "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"name": "a", "price": 1' + b"0" * 5000 + b"}", "is not valid JSON"),
        (b"", "is not valid JSON"),
    ],
)
def test_what_is_no_json_or_says_something_twice_is_refused(body, said):
    with pytest.raises(ProblemError) as refused:
        read(body, Basket)
    assert refused.value.status_code == 400
    assert said in refused.value.detail
    assert len(refused.value.detail) < 250


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"name": 3}', ("body", "name")),
        (b'{"name": "a", "inner": [{"name": "b", "colour": 1}]}', ("body", "inner", 0, "colour")),
        (b"[]", ("body",)),
    ],
)
def test_what_the_model_does_not_take_is_told_by_its_place(body, place):
    with pytest.raises(RequestValidationError) as refused:
        read(body, Basket)
    assert refused.value.errors()[0]["loc"] == place


def test_whole_numbers_are_numbers_and_nothing_is_converted():
    assert read(b'{"name": "a", "price": 3}', Basket).price == 3.0
    for wrong in (b'"3"', b"true", b"null"):
        with pytest.raises(RequestValidationError):
            read(b'{"name": "a", "price": ' + wrong + b"}", Basket)


def test_it_reads_what_pydantic_reads_of_the_same_bytes():
    body = request_of()
    assert read(body, ScoreRequest) == ScoreRequest.model_validate_json(body)


@pytest.mark.parametrize(
    ("customer", "said"),
    [
        ('"a\\u0000b"', "must not hold the character NUL"),
        ('"\\u0000"', "must not hold the character NUL"),
        ('"a\\ud800"', "string_unicode"),
    ],
)
def test_an_id_that_cannot_be_stored_is_refused(customer, said):
    with pytest.raises(RequestValidationError, match=said):
        read(request_of(customer=customer), ScoreRequest)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_amount_that_is_no_number_is_refused(amount):
    with pytest.raises(RequestValidationError, match="finite"):
        read(request_of(ORDER.replace("20", amount)), ScoreRequest)


@pytest.mark.parametrize(
    ("orders", "said"),
    [(5000, None), (5001, "at most 5000 items")],
)
def test_a_customer_has_at_most_so_many_orders(orders, said):
    rows = [{"order_id": str(i), "ordered_at": "2025-01-01", "amount": 1} for i in range(orders)]
    body = json.dumps({"as_of": "2026-01-01", "customers": [{"customer_id": "a", "orders": rows}]})
    if said is None:
        assert len(read(body.encode(), ScoreRequest).customers[0].orders) == orders
        return
    with pytest.raises(RequestValidationError) as refused:
        read(body.encode(), ScoreRequest)
    assert refused.value.errors()[0]["type"] == "too_long"


def test_all_customers_together_have_at_most_so_many_rows():
    rows = [{"order_id": str(i), "ordered_at": "2025-01-01", "amount": 1} for i in range(5000)]
    customers = [{"customer_id": str(n), "orders": rows} for n in range(11)]
    with pytest.raises(RequestValidationError, match=r"at most 50,000 orders.*; got 55,000"):
        read(json.dumps({"as_of": "2026-01-01", "customers": customers}).encode(), ScoreRequest)


def test_others_come_in_between_while_a_large_body_is_read():
    """A second thread that wants a moment every few milliseconds gets it."""
    rows = [{"order_id": str(i), "ordered_at": "2025-01-01", "amount": 1} for i in range(4000)]
    customers = [{"customer_id": str(n), "orders": rows} for n in range(12)]
    body = json.dumps({"as_of": "2026-01-01", "customers": customers}).encode()
    done, gaps = threading.Event(), []

    def tick():
        while not done.is_set():
            began = time.perf_counter()
            time.sleep(0.001)
            gaps.append(time.perf_counter() - began)

    gc.collect()
    gc.freeze()  # As the service does.
    ticking = threading.Thread(target=tick)
    ticking.start()
    began = time.perf_counter()
    read(body, ScoreRequest)
    taken = time.perf_counter() - began
    done.set()
    ticking.join()
    gc.unfreeze()
    assert max(gaps) < taken / 2
