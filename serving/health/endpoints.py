"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from serving.access import needs
from serving.errors import StoreUnavailableError
from serving.health.schemas import Alive, Ready, ReadyChampions, ReadyScores
from serving.http.metrics import MEDIA_TYPE
from serving.http.openapi import problems
from serving.inforce.champions import Champions
from serving.inforce.reloading import NotLoadedError
from serving.publications.repository import Publication
from serving.resources import SILENT, ResourcesNow, not_ready

METRICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics."}
}
OTHER_TERMS = (
    "The scores mean something else than the models in force do (horizon, currency, margin or "
    "discount): nobody is scored again until scores of these models are published."
)
router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def alive() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/metrics", response_class=Response, responses=METRICS, dependencies=[needs("read")])
def metrics(resources: ResourcesNow) -> Response:
    """What Prometheus collects: requests of this process, and what is in force."""
    return Response(resources.metrics.written(), media_type=MEDIA_TYPE)


@router.get("/readyz", responses=problems(503))
def ready(resources: ResourcesNow) -> Ready:
    """Whether models and scores are loaded, and which."""
    reasons: dict[str, str] = {}
    models, publication = None, None
    try:
        models = resources.champions.current()
    except NotLoadedError as error:
        reasons["champions"] = str(error)
    try:
        with resources.published.reading() as (_, publication):
            pass
    except NotLoadedError as error:
        reasons["scores"] = str(error)
    except StoreUnavailableError:
        reasons["store"] = SILENT
    if models is None or publication is None:
        raise not_ready(reasons)
    errors = {"champions": resources.champions.error, "scores": resources.published.error}
    warnings = [f"The {name} are older ones: {why}" for name, why in errors.items() if why]
    if not publication.terms.mean_the_same_as(models.terms):
        warnings.append(OTHER_TERMS)
    return Ready(
        champions=_champions(models),
        scores=_scores(publication),
        clock_start=resources.clock.start,
        warnings=warnings,
    )


def _champions(champions: Champions) -> ReadyChampions:
    return ReadyChampions(
        versions=champions.versions,
        definition=champions.terms,
        attributes={
            name: None if codes is None else sorted(codes)
            for name, codes in champions.attributes.items()
        },
        row_attributes={
            table: dict(columns) for table, columns in champions.row_attributes.items()
        },
        feedback=dict(champions.scales),
    )


def _scores(publication: Publication) -> ReadyScores:
    return ReadyScores(
        as_of=publication.as_of,
        customers=publication.customers,
        versions=publication.versions,
        definition=publication.terms,
    )
