"""What endpoints work with, built in the lifespan and handed to them as typed dependencies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from serving.http.problems import FieldProblem, ProblemError
from serving.http.turns import Turns
from serving.inforce.champions import Champions, champions
from serving.inforce.published import Scores, scores
from serving.inforce.reloading import NotLoadedError, Watched
from serving.settings import Settings
from training.registry.tracking import Tracker


@dataclass(frozen=True)
class Resources:
    """The champions and the scores of the batch, each as it was last loaded; turns at scoring."""

    champions: Watched[Champions]
    scores: Watched[Scores]
    turns: Turns

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Name the sources; nothing is loaded."""
        tracker = tracker_of(settings)
        return cls(
            Watched(champions(tracker)),
            Watched(scores(settings.scores, tracker)),
            Turns(settings.scoring_threads, settings.max_waiting),
        )

    def look(self) -> None:
        """Load what has changed; it blocks, so call it in a thread."""
        self.champions.look()
        self.scores.look()

    async def keep_looking(self, every_seconds: float) -> None:
        """Load what has changed, again and again, in a thread: no request waits for it."""
        while True:
            await asyncio.sleep(every_seconds)
            await run_in_threadpool(self.look)


def tracker_of(settings: Settings) -> Tracker:
    """The tracking store the settings name.

    Raises
    ------
    TrackingError
        If the address cannot be one.
    """
    return Tracker() if settings.tracking_uri is None else Tracker(settings.tracking_uri)


def _resources(request: Request) -> Resources:
    found: Resources = request.state.resources
    return found


# In seconds: how soon it is worth asking again.
COME_BACK = 10
ResourcesNow = Annotated[Resources, Depends(_resources)]


async def _champions(resources: ResourcesNow) -> Champions:
    try:
        return resources.champions.current()
    except NotLoadedError as error:
        raise not_ready({"champions": str(error)}) from None


async def _scores(resources: ResourcesNow) -> Scores:
    try:
        return resources.scores.current()
    except NotLoadedError as error:
        raise not_ready({"scores": str(error)}) from None


ChampionsNow = Annotated[Champions, Depends(_champions)]
ScoresNow = Annotated[Scores, Depends(_scores)]


def not_ready(reasons: dict[str, str]) -> ProblemError:
    """What is not there yet, and why."""
    remedy = "Mend this; the service looks again by itself."
    errors = [
        FieldProblem(place="service", field=name, detail=reason, remedy=remedy)
        for name, reason in reasons.items()
    ]
    said = " ".join(f"The {name} are not loaded: {reason}" for name, reason in reasons.items())
    return ProblemError(503, said, errors, {"Retry-After": str(COME_BACK)})
