"""Problem documents in the OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from serving.http.problems import MEDIA_TYPE, ProblemDocument

REFERENCE = "#/components/schemas/{model}"
# A foreign host name, another method, a body too large, a failure: any operation may answer so.
EVERYWHERE = (400, 401, 403, 405, 408, 413, 429, 500)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that an operation can answer with."""
    return {status: _documented(status) for status in statuses}


def body(model: type[BaseModel]) -> dict[str, Any]:
    """The body of an operation that reads it itself; `describe` is told of the model."""
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def describe(
    app: FastAPI, bodies: Sequence[type[BaseModel]] = (), keys_required: bool = False
) -> dict[str, Any]:
    """Write the OpenAPI description once, with the schemas of problem documents and bodies.

    Where no key is asked for, one may be sent all the same.
    """
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            (ProblemDocument, "serialization"),
            *((model, "validation") for model in bodies),
        ]
        _, found = models_json_schema(models, ref_template=REFERENCE)
        schema["components"]["schemas"] |= found["$defs"]
        if not keys_required:
            for operation in _operations(schema):
                if "security" in operation:
                    operation["security"].append({})
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in schema["paths"].values():
        yield from operations.values()


def _documented(status: int) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=ProblemDocument.__name__)}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
