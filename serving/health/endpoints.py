"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter

from serving.health.schemas import Alive, Ready, ReadyChampions, ReadyScores
from serving.http.openapi import problems
from serving.inforce.champions import Champions
from serving.inforce.published import Scores
from serving.inforce.reloading import NotLoadedError, Watched
from serving.resources import ResourcesNow, not_ready

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def alive() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/readyz", responses=problems(503))
async def ready(resources: ResourcesNow) -> Ready:
    """Whether models and scores are loaded, and which."""
    reasons = {
        name: str(error)
        for name, error in (
            ("champions", _why_not(resources.champions)),
            ("scores", _why_not(resources.scores)),
        )
        if error is not None
    }
    if reasons:
        raise not_ready(reasons)
    errors = {"champions": resources.champions.error, "scores": resources.scores.error}
    return Ready(
        champions=_champions(resources.champions.current()),
        scores=_scores(resources.scores.current()),
        warnings=[f"The {name} are older ones: {why}" for name, why in errors.items() if why],
    )


def _why_not(watched: Watched[Champions] | Watched[Scores]) -> NotLoadedError | None:
    try:
        watched.current()
    except NotLoadedError as error:
        return error
    return None


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


def _scores(scores: Scores) -> ReadyScores:
    return ReadyScores(
        as_of=scores.as_of,
        customers=scores.rows.height,
        versions=scores.versions,
        definition=scores.terms,
    )
