"""The service: everything is built in its lifespan."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from serving.audit import endpoints as audit
from serving.background import working
from serving.campaigns import endpoints as campaigns
from serving.campaigns.schemas import CampaignOutcomes, NewCampaign
from serving.customers import endpoints as customers
from serving.customers.schemas import Lookup
from serving.errors import StoreUnavailableError
from serving.events import endpoints as events
from serving.events.schemas import Events
from serving.health import endpoints as health
from serving.http import docs, openapi, problems
from serving.http.guards import BodyDeadline, BodyLimit, LoopbackHost
from serving.http.metrics import Metrics
from serving.http.stamp import Stamp
from serving.inforce.reloading import NotLoadedError
from serving.jobs import endpoints as jobs
from serving.jobs.schemas import NewJob
from serving.models import endpoints as models
from serving.persons import endpoints as persons
from serving.processes import PLACE
from serving.resources import Resources, unavailable
from serving.scores import endpoints as scores
from serving.scores.schemas import ScoreRequest
from serving.settings import Settings
from serving.webhooks import endpoints as webhooks
from serving.webhooks.schemas import NewWebhook

# What there is only with a store.
OF_STORE = (
    events.router,
    campaigns.router,
    persons.router,
    jobs.router,
    webhooks.router,
    audit.router,
)
# Bodies that endpoints read themselves.
BODIES = (ScoreRequest, Lookup, Events, NewCampaign, CampaignOutcomes, NewJob, NewWebhook)


def create_app(settings: Settings) -> FastAPI:
    """Build the service; nothing is read before its lifespan begins."""
    metrics = Metrics(are_together=PLACE in os.environ)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Resources]]:
        with Resources.of(settings, metrics) as resources:
            await run_in_threadpool(resources.look)
            # What is there now stays: a collection of garbage then looks at what requests made
            # alone, and holds up the others the less.
            gc.collect()
            gc.freeze()
            async with working(resources, settings):
                yield {"resources": resources}

    app = FastAPI(
        title="Holdfast",
        version="1",
        summary="Churn risk and customer value over HTTP.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        responses=openapi.problems(*openapi.EVERYWHERE),
    )
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(BodyDeadline, seconds=settings.body_seconds)
    if not settings.keys_required:
        app.add_middleware(LoopbackHost)
    app.add_middleware(Stamp, metrics=metrics)
    problems.install(app)
    for kind in (NotLoadedError, StoreUnavailableError):
        app.add_exception_handler(kind, unavailable)
    of_store = () if settings.store is None else OF_STORE
    for router in (health.router, models.router, scores.router, *of_store, customers.router):
        app.include_router(router)
    docs.install(app)
    app.openapi = partial(openapi.describe, app, BODIES, settings.keys_required)  # type: ignore[method-assign]  # FastAPI's own way
    return app
