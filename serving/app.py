"""The service: everything is built in its lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from serving.customers import endpoints as customers
from serving.health import endpoints as health
from serving.http import openapi, problems
from serving.http.guards import BodyLimit, LoopbackHost
from serving.resources import Resources
from serving.scores import endpoints as scores
from serving.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Build the service; nothing is read before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Resources]]:
        resources = Resources.of(settings)
        await run_in_threadpool(resources.look)
        yield {"resources": resources}

    app = FastAPI(
        title="Holdfast",
        version="1",
        summary="Churn risk and customer value over HTTP.",
        lifespan=lifespan,
        redirect_slashes=False,
        responses=openapi.problems(*openapi.EVERYWHERE),
    )
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(LoopbackHost)
    problems.install(app)
    for router in (health.router, scores.router, customers.router):
        app.include_router(router)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]  # FastAPI's own way
    return app
