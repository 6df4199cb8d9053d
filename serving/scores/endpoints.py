"""Scores of customers whose history is in the request."""

from __future__ import annotations

from fastapi import APIRouter

from serving.http.openapi import problems
from serving.resources import ChampionsNow
from serving.scores import service
from serving.scores.schemas import ScoreAnswer, ScoreRequest

router = APIRouter(prefix="/v1", tags=["scores"])


@router.post("/score", responses=problems(422, 503))
def score(request: ScoreRequest, champions: ChampionsNow) -> ScoreAnswer:
    """Score up to 1,000 customers from their orders and feedback.

    The batch's numbers for the same history; percentiles are among the customers at training.
    """
    return service.score(request, champions)
