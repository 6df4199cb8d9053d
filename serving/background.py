"""What goes on beside requests: looking for what has changed, and work for the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.jobs.running import JobRunner
from serving.resources import Resources
from serving.settings import Settings
from serving.webhooks.delivering import Delivering
from serving.webhooks.sending import Sender


@asynccontextmanager
async def working(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Go on as long as the service runs; a job that is not done then is left to others."""
    stopped, stopping = asyncio.Event(), threading.Event()
    tasks = [asyncio.create_task(resources.keep_looking(settings.reload_seconds, stopped))]
    if settings.store is not None and settings.worker:
        tasks.append(asyncio.create_task(resources.keep_scoring(stopped)))
        runner = JobRunner(resources.published.database, settings.environment)
        tasks.append(asyncio.create_task(asyncio.to_thread(runner.keep_on, stopping)))
        delivering = Delivering(resources.published.database, Sender(settings.private_webhooks))
        tasks.append(asyncio.create_task(delivering.keep_on(stopping)))
    yield
    stopped.set()
    stopping.set()
    await asyncio.gather(*tasks)
