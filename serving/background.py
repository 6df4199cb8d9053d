"""What goes on beside requests: looking for what has changed, and work for the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.jobs.running import JobRunner
from serving.resources import Resources
from serving.settings import Settings


@asynccontextmanager
async def working(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Go on as long as the service runs; a job that is not done then is left to others."""
    stopped = threading.Event()
    looking = [asyncio.create_task(resources.keep_looking(settings.reload_seconds))]
    doing: list[asyncio.Task[None]] = []
    if settings.store is not None and settings.worker:
        looking.append(asyncio.create_task(resources.keep_scoring()))
        runner = JobRunner(resources.published.database, settings.environment)
        doing.append(asyncio.create_task(asyncio.to_thread(runner.keep_on, stopped)))
    yield
    stopped.set()
    for task in looking:
        task.cancel()
    await asyncio.gather(*looking, *doing, return_exceptions=True)
