"""What went wrong, as RFC 9457 problem documents that name the field and the remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.explanations import EXPLANATIONS, OTHER, explained

MEDIA_TYPE = "application/problem+json"
# Mistakes in one answer; the rest is counted.
SHOWN_ERRORS = 50
FAILED = "The service failed. Its log says why, by the X-Request-Id; report it if it lasts."
# Characters of what a caller sent.
SHOWN = 100
KINDS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    409: "conflict",
    410: "gone",
    413: "body-too-large",
    422: "invalid-request",
    429: "too-many-requests",
    500: "internal-error",
    503: "not-ready",
}
Place = Literal["body", "query", "path", "header", "service"]


class FieldProblem(BaseModel):
    """One thing that is wrong, where, and what to do about it."""

    place: Place = Field(description="Which part of the request, or `service` for its own state.")
    field: str = Field(description="JSON pointer into the body, or the name of the parameter.")
    detail: str
    remedy: str


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="`urn:holdfast:problem:` and one of the names in docs/api.md.")
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


class ProblemError(HTTPException):
    """An error that is answered as a problem document.

    Parameters
    ----------
    status : int
    detail : str
    errors : sequence of FieldProblem
    headers : mapping of str to str, optional
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = tuple(errors)


def install(app: FastAPI) -> None:
    """Answer every foreseen error of an app by `answer`; `Stamp` answers the others."""
    for kind in (RequestValidationError, StarletteHTTPException):
        app.add_exception_handler(kind, answer)


async def answer(request: Request, error: Exception) -> Response:
    """Turn an error that was foreseen into a problem document."""
    headers: Mapping[str, str] | None = None
    if isinstance(error, RequestValidationError):
        found = problem_of_validation(error.errors())
    elif isinstance(error, ProblemError):
        found, headers = problem(error.status_code, error.detail, error.errors), error.headers
    elif isinstance(error, StarletteHTTPException):
        headers = error.headers
        found = problem(error.status_code, _plain_detail(request, error))
    else:
        raise error  # What was not foreseen the stamp answers.
    return response(found, headers)


def problem(status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> ProblemDocument:
    """A problem document of a status.

    Examples
    --------
    >>> problem(404, "no such customer").type
    'urn:holdfast:problem:not-found'
    """
    title = HTTPStatus(status).phrase
    kind = KINDS.get(status, title.lower().replace(" ", "-"))
    return ProblemDocument(
        type=f"urn:holdfast:problem:{kind}",
        title=title,
        status=status,
        detail=detail,
        errors=list(errors),
    )


def response(found: ProblemDocument, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as a response; ASCII, for a bad request may hold half a character."""
    return Response(json.dumps(found.model_dump()), found.status, headers, MEDIA_TYPE)


def shortened(text: str) -> str:
    """What a caller sent, as much of it as an answer repeats."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def problem_of_validation(errors: Sequence[Mapping[str, Any]]) -> ProblemDocument:
    """Say of every field that was refused what is wrong with it and what to do."""
    status = 400 if any(error["type"] == "json_invalid" for error in errors) else 422
    fields = [_field_problem(error) for error in errors[:SHOWN_ERRORS]]
    first = fields[0]
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    where = f"{first.place} {first.field}".strip()
    return problem(status, f"{where} {first.detail}. {first.remedy}{more}", fields)


def _plain_detail(request: Request, error: StarletteHTTPException) -> str:
    if error.status_code == 404:
        return f"There is no {shortened(request.url.path)}. GET /openapi.json lists what there is."
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return f"{request.method} is not allowed on {shortened(request.url.path)}. Use {allowed}."
    if error.status_code == 400:
        return "The body cannot be read as JSON. Send a JSON object in UTF-8, not nested deeply."
    return str(error.detail)


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    place, *path = error["loc"]
    kind = str(error["type"])
    if kind == "json_invalid":
        path = []
    given = error.get("input")
    detail, remedy = _explained(kind, error)
    if not path and isinstance(given, bytes):
        detail = "is not labelled as JSON"
        remedy = "Send a JSON object with the header Content-Type: application/json."
    field = _pointer(path) if place == "body" else ".".join(map(str, path))
    return FieldProblem(place=place, field=field, detail=detail, remedy=remedy)


def _pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)


def _explained(kind: str, error: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong and what to do; of a wrong type, which one was given, but never the value."""
    detail, remedy = explained(error, WORDS)
    given = type(error.get("input")).__name__
    got = f"; got {JSON_NAMES.get(given, given)}" if kind.endswith("_type") else ""
    return detail + got, remedy


JSON_NAMES = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "dict": "an object",
    "NoneType": "null",
}
_OBJECT = ("must be a JSON object", "See GET /openapi.json for its fields.")
# What is said otherwise of JSON than of a settings file.
WORDS = {
    **EXPLANATIONS,
    "extra_forbidden": (
        "is not known here",
        "Remove it or check its spelling; GET /openapi.json lists the fields.",
    ),
    "float_type": ("must be a JSON number", 'Write 12.5, not "12.5".'),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "too_long": ("must have at most {max_length} items", "Send the rest in further requests."),
    "json_invalid": ("is not valid JSON: {error}", "Send a JSON object."),
    OTHER: ("is refused: {message}", "See GET /openapi.json."),
}
