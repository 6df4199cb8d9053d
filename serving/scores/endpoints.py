"""Scores of customers whose history is in the request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from serving.access import needs
from serving.http.bodies import raw_body, read
from serving.http.openapi import body, problems
from serving.resources import ChampionsNow, ResourcesNow
from serving.scores import service
from serving.scores.schemas import ScoreAnswer, ScoreRequest

router = APIRouter(prefix="/v1", tags=["scores"], dependencies=[needs("read")])


@router.post(
    "/score",
    responses={200: {"model": ScoreAnswer}, **problems(422, 503)},
    openapi_extra=body(ScoreRequest),
)
async def score(
    content: Annotated[bytes, Depends(raw_body)], champions: ChampionsNow, resources: ResourcesNow
) -> Response:
    """Score up to 1,000 customers from their orders and feedback.

    The batch's numbers for the same history; percentiles are among the customers at training.
    """

    def scored() -> str:
        return service.score(read(content, ScoreRequest), champions).model_dump_json()

    # Written in the thread too: of a thousand customers it takes longer than others can wait.
    return Response(await resources.turns.take(scored), media_type="application/json")
