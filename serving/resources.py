"""What endpoints work with, built in the lifespan and handed to them as typed dependencies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import Annotated, Self

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from features.intake.rules import AttributeKind
from features.intake.store.reading import StoredSettings
from serving.clock import ShopClock
from serving.errors import StoreUnavailableError
from serving.http.metrics import Gauge, Metrics
from serving.http.problems import FieldProblem, ProblemError, answer
from serving.http.rates import Limiter
from serving.http.turns import Turns
from serving.inforce.champions import Champions, champions
from serving.inforce.promoted import Promoted
from serving.inforce.reloading import NotLoadedError, Watched
from serving.keys.service import note_uses
from serving.publications.service import Published, from_file
from serving.rescoring.service import Rescoring
from serving.settings import Settings, tracker_of
from serving.store.database import Database
from serving.store.migrating import ready
from serving.store.outbox import backlog
from training.registry.tracking import Tracker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resources:
    """The champions as they were last loaded, the scores in force, turns at scoring, and limits."""

    tracker: Tracker
    champions: Watched[Champions]
    published: Published
    turns: Turns
    limiter: Limiter
    metrics: Metrics
    clock: ShopClock
    keys_required: bool
    requests_per_minute: int
    private_webhooks: bool
    promoted: Promoted
    # Key -> when it was last used, until that is noted.
    used_keys: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of(cls, settings: Settings, metrics: Metrics) -> Iterator[Self]:
        """Open the store; nothing else is loaded.

        Raises
        ------
        ServingError
            If the store's URL is none, or it is at another revision.
        StoreUnavailableError
        """
        tracker = tracker_of(settings)
        turns = Turns(settings.scoring_threads, settings.max_waiting)
        with ExitStack() as stack:
            url = settings.store
            if url is None:
                folder = stack.enter_context(TemporaryDirectory(prefix="holdfast-"))
                url = f"sqlite:///{folder}/scores.db"
            database = ready(Database.at(url))
            stack.callback(database.close)
            file = (
                None if settings.scores is None else from_file(database, settings.scores, tracker)
            )
            models = Watched(champions(tracker))
            found = cls(
                tracker,
                models,
                Published(database, file),
                turns,
                Limiter(),
                metrics,
                ShopClock(settings.clock_start),
                settings.keys_required,
                settings.requests_per_minute,
                settings.private_webhooks,
                Promoted(models, database),
            )
            metrics.add(found.gauges)
            yield found

    def gauges(self) -> Iterator[Gauge]:
        """What is in force, for those who watch over it."""
        try:
            versions = self.champions.current().versions
            for name, version in versions.items():
                metric = name.replace("-", "_")
                yield f"holdfast_{metric}_version", f"Version of {name} in force.", version
        except NotLoadedError:
            pass  # An absent figure says so.
        try:
            with self.published.database.reading() as connection:
                left = backlog(connection)
            for state, number in left.items():
                yield f"holdfast_deliveries_{state}", f"Messages to others, {state}.", number
            with self.published.reading() as (_, publication):
                pass
        except (NotLoadedError, StoreUnavailableError):
            return
        at, as_of = publication.done_at, publication.as_of
        yield "holdfast_customers_scored", "Customers in force.", publication.customers
        yield "holdfast_published_timestamp_seconds", "When, in UTC.", _seconds(at)
        yield "holdfast_scores_as_of_timestamp_seconds", "As of when, by the shop.", _seconds(as_of)

    def look(self) -> None:
        """Load what has changed; it blocks, so call it in a thread."""
        self.promoted.look()
        self.published.look()
        try:
            note_uses(self.published.database, dict(self.used_keys))
            self.published.database.forget_again()
        except StoreUnavailableError as error:
            log.warning("%s", error)

    async def keep_looking(self, every_seconds: float, stopped: asyncio.Event) -> None:
        """Load what has changed, again and again, in a thread: no request waits for it."""
        while not await told(stopped, every_seconds):
            try:
                await run_in_threadpool(self.look)
            except Exception:  # Whatever it is, it is looked again after a while.
                log.exception("what has changed could not be looked at")

    async def keep_scoring(self, stopped: asyncio.Event) -> None:
        """Score those again whom events are about, as they come in."""
        rescoring = Rescoring(self.published.database, self.champions.current, self.clock)
        pause = RESCORE_SECONDS
        while not await told(stopped, pause):
            scored = await run_in_threadpool(rescoring.once)
            pause = 0.0 if scored else RESCORE_SECONDS


async def told(stopped: asyncio.Event, within_seconds: float) -> bool:
    """Whether one was told to stop within some time; what a thread has begun is ended first."""
    try:
        await asyncio.wait_for(stopped.wait(), within_seconds)
    except TimeoutError:
        return False
    return True


def _seconds(instant: datetime) -> float:
    return instant.replace(tzinfo=UTC).timestamp()


def _resources(request: Request) -> Resources:
    found: Resources = request.state.resources
    return found


SILENT = "the database does not answer"
# In seconds: how soon it is worth asking again.
COME_BACK = 10
# In seconds: how often it is looked whether somebody waits to be scored.
RESCORE_SECONDS = 0.5
ResourcesNow = Annotated[Resources, Depends(_resources)]


async def _champions(resources: ResourcesNow) -> Champions:
    try:
        return resources.champions.current()
    except NotLoadedError as error:
        raise not_ready({"champions": str(error)}) from None


async def _published(resources: ResourcesNow) -> Published:
    return resources.published


def default_settings(resources: Resources) -> StoredSettings:
    """What is true of a history of which nothing is known yet: what the champions were told."""
    models = resources.champions.current()
    columns: dict[str, dict[str, AttributeKind]] = {
        "customers": {
            name: "number" if codes is None else "text" for name, codes in models.attributes.items()
        },
        **{table: dict(own) for table, own in models.row_attributes.items()},
    }
    return StoredSettings(models.mapping, columns)


async def _store(resources: ResourcesNow) -> Database:
    return resources.published.database


StoreNow = Annotated[Database, Depends(_store)]
ChampionsNow = Annotated[Champions, Depends(_champions)]
PublishedNow = Annotated[Published, Depends(_published)]


def not_ready(reasons: dict[str, str]) -> ProblemError:
    """What is not there yet, and why."""
    remedy = "Mend this; the service looks again by itself."
    errors = [
        FieldProblem(place="service", field=name, detail=reason, remedy=remedy)
        for name, reason in reasons.items()
    ]
    said = " ".join(f"The {name} are not loaded: {reason}" for name, reason in reasons.items())
    return ProblemError(503, said, errors, {"Retry-After": str(COME_BACK)})


async def unavailable(request: Request, error: Exception) -> Response:
    """Answer that what is needed is not there at the moment, and when to come back."""
    if isinstance(error, StoreUnavailableError):
        log.warning("the store does not answer: %s", error)
        return await answer(request, not_ready({"store": SILENT}))
    return await answer(request, not_ready({"scores": str(error)}))
