"""What goes on beside requests: looking for what has changed, and work for the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.jobs.running import JobRunner
from serving.processes import Turn
from serving.resources import Resources, told
from serving.settings import Settings
from serving.webhooks.delivering import Delivering
from serving.webhooks.sending import Sender

# In seconds: how soon another process goes on with what one that was lost has done.
LOOK = 1.0


@asynccontextmanager
async def working(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Go on as long as the service runs; a job that is not done then is left to others."""
    stopped, stopping = asyncio.Event(), threading.Event()
    tasks = [asyncio.create_task(resources.keep_looking(settings.reload_seconds, stopped))]
    if settings.store is not None and settings.worker:
        tasks.append(asyncio.create_task(_work(resources, settings, stopped, stopping)))
    try:
        yield
    finally:
        stopped.set()
        stopping.set()
        await asyncio.gather(*tasks)


async def _work(
    resources: Resources, settings: Settings, stopped: asyncio.Event, stopping: threading.Event
) -> None:
    """Work for the store, in one of the processes of a service: the others stand by."""
    turn = Turn()
    while not turn.take():
        if await told(stopped, LOOK):
            return
    database = resources.published.database
    try:
        runner = JobRunner(database, settings.environment)
        delivering = Delivering(database, Sender(settings.private_webhooks))
        await asyncio.gather(
            resources.keep_scoring(stopped),
            asyncio.to_thread(runner.keep_on, stopping),
            delivering.keep_on(stopping),
        )
    finally:
        turn.end()
