"""Customers at risk, from the scores of the batch."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.customers.schemas import CustomerAnswer, CustomerPage, CustomerQuery
from serving.http.openapi import problems
from serving.http.problems import FieldProblem, ProblemError, shortened
from serving.inforce.published import Scores, score_rows
from serving.resources import ScoresNow

router = APIRouter(prefix="/v1", tags=["customers"])


@router.get("/customers", responses=problems(422, 503))
def customers(query: Annotated[CustomerQuery, Query()], scores: ScoresNow) -> CustomerPage:
    """List customers by value at stake, those who have not lapsed unless asked."""
    start = 0 if query.cursor is None else _start(query.cursor, _listing(query, scores))
    page, total = scores.at_risk(query.stage, query.min_risk, start, query.limit)
    end = start + query.limit
    return CustomerPage(
        currency=scores.terms.currency,
        definition=scores.terms,
        total=total,
        customers=score_rows(page),
        next_cursor=_cursor(end, _listing(query, scores)) if end < total else None,
    )


@router.get("/customers/{customer_id:path}", responses=problems(404, 422, 503))
def customer(
    customer_id: Annotated[str, Path(description="A slash in it may be written as %2F or /.")],
    scores: ScoresNow,
) -> CustomerAnswer:
    """Give the scores of one customer, of any stage."""
    found = scores.of(customer_id)
    if found is None:
        asked = shortened(customer_id)
        detail = f"there is no customer {asked!r} in the scores of {scores.as_of.isoformat()}"
        remedy = "Check the id, or score the customer with POST /v1/score."
        problem = FieldProblem(place="path", field="customer_id", detail=detail, remedy=remedy)
        raise ProblemError(404, f"path customer_id: {detail}. {remedy}", [problem])
    return CustomerAnswer(currency=scores.terms.currency, definition=scores.terms, customer=found)


def _listing(query: CustomerQuery, scores: Scores) -> str:
    """What a cursor is valid for: these filters on these scores, in which positions are fixed."""
    terms = json.dumps([scores.digest, sorted(set(query.stage)), query.min_risk])
    return hashlib.sha256(terms.encode()).hexdigest()[:16]


def _cursor(start: int, listing: str) -> str:
    return base64.urlsafe_b64encode(f"{start}.{listing}".encode()).decode().rstrip("=")


def _start(cursor: str, listing: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    start, _, own = text.partition(".")
    if not (start.isdecimal() and own):
        raise _bad_cursor("must be the next_cursor of a page, unchanged")
    if own != listing:
        raise _bad_cursor("is of other filters, or of scores that have since been replaced")
    return int(start)


def _bad_cursor(detail: str) -> ProblemError:
    remedy = "Start again without cursor."
    problem = FieldProblem(place="query", field="cursor", detail=detail, remedy=remedy)
    return ProblemError(400, f"query cursor {detail}. {remedy}", [problem])
