"""JSON bodies: read so that others are answered meanwhile, and refused where they are ambiguous."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from serving.http.problems import FieldProblem, ProblemError, shortened

Model = TypeVar("Model", bound=BaseModel)


async def raw_body(request: Request) -> bytes:
    """The bytes of a body that is labelled as JSON.

    Raises
    ------
    RequestValidationError
        If it is not, or there is none.
    """
    body = await request.body()
    if not body:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "input": None}])
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and "+json" in kind):
        wrong = {"type": "model_attributes_type", "loc": ("body",), "input": body}
        raise RequestValidationError([wrong])
    return body


def read(body: bytes, model: type[Model]) -> Model:
    """A body as a model; call it in a thread.

    Every object of the body is looked at in Python, so that other threads come in between, however
    large the body is.

    Raises
    ------
    ProblemError
        If it is no JSON, or an object has a key twice.
    RequestValidationError
        If the model does not take it.
    """
    try:
        content = json.loads(body, object_pairs_hook=_object)
    except _RefusedError as error:
        raise _unreadable(str(error)) from None
    except RecursionError:
        raise _unreadable("is nested too deeply") from None
    except ValueError as error:
        raise _unreadable(f"is not valid JSON: {shortened(str(error))}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = [{**wrong, "loc": ("body", *wrong["loc"])} for wrong in error.errors()]
        raise RequestValidationError(found) from None


def body_of(model: type[Model]) -> Any:
    """A dependency: the body of a request as a model, read in a thread."""

    async def parsed(content: Annotated[bytes, Depends(raw_body)]) -> Model:
        return await run_in_threadpool(read, content, model)

    return Depends(parsed)


class _RefusedError(Exception):
    """The body says something that JSON does not, or says it twice."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"must have each key once in an object; got {shortened(twice)!r} twice")
    return found


def _unreadable(detail: str) -> ProblemError:
    remedy = "Send a JSON object in UTF-8."
    problem = FieldProblem(place="body", field="", detail=detail, remedy=remedy)
    return ProblemError(400, f"body {detail}. {remedy}", [problem])
