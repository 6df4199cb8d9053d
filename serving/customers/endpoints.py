"""Customers at risk, as they are in force."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response, StreamingResponse

from serving.access import needs
from serving.customers import service
from serving.customers.schemas import (
    CustomerAnswer,
    CustomerPage,
    CustomerQuery,
    Lookup,
    LookupAnswer,
)
from serving.customers.tables import MEDIA_TYPES, as_csv, as_jsonl
from serving.http.bodies import body_of
from serving.http.openapi import body, problems
from serving.http.problems import FieldProblem, ProblemError
from serving.inforce.schemas import Answer
from serving.resources import PublishedNow

router = APIRouter(prefix="/v1", tags=["customers"], dependencies=[needs("read")])
JSON = "application/json"
TABLES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": CustomerPage,
        "content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()},
    }
}


@router.get("/customers", responses={**TABLES, **problems(410, 422, 503)})
def customers(query: Annotated[CustomerQuery, Query()], published: PublishedNow) -> Response:
    """List customers by value at stake, those who have not lapsed unless asked."""
    if query.format == "json":
        return _answer(service.a_page(published, query))
    if query.cursor is not None:
        raise _no_cursor()
    parts = service.all_of(published, query)
    first = next(parts, [])  # Now, while what is wrong can still be answered.
    written = as_csv if query.format == "csv" else as_jsonl
    return StreamingResponse(
        written(chain([first], parts)),
        media_type=MEDIA_TYPES[query.format],
        headers={"Content-Disposition": f'attachment; filename="customers.{query.format}"'},
    )


@router.post(
    "/customers/lookup",
    response_model=LookupAnswer,
    responses=problems(422, 503),
    openapi_extra=body(Lookup),
)
def lookup(asked: Annotated[Lookup, body_of(Lookup)], published: PublishedNow) -> Response:
    """Give the scores of up to 1,000 customers, and say who has none."""
    return _answer(service.some(published, asked.customer_ids))


@router.get(
    "/customers/{customer_id:path}",
    response_model=CustomerAnswer,
    responses={304: {"description": "As the caller has it."}, **problems(404, 422, 503)},
)
def customer(
    customer_id: Annotated[str, Path(description="A slash in it may be written as %2F or /.")],
    published: PublishedNow,
    if_none_match: Annotated[str | None, Header(description="ETag of an earlier answer.")] = None,
) -> Response:
    """Give the scores of one customer, of any stage."""
    answer = _answer(service.one(published, customer_id))
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    # Kept by the caller alone, and asked for again each time: a body that did not change is spared.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _answer(found: Answer) -> Response:
    """As JSON, written once: rows of the store were checked when they came in."""
    return Response(found.model_dump_json(), media_type=JSON)


def _no_cursor() -> ProblemError:
    detail = "must not be given where all customers are asked for at once"
    remedy = "Leave it out, or ask for format=json."
    problem = FieldProblem(place="query", field="cursor", detail=detail, remedy=remedy)
    return ProblemError(422, f"query cursor {detail}. {remedy}", [problem])
