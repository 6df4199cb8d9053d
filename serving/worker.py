"""A process that works for the service: jobs, customers to be scored again, webhooks."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time

from serving import logs
from serving.clock import ShopClock
from serving.errors import ServingError
from serving.inforce.champions import champions
from serving.inforce.promoted import Promoted
from serving.inforce.reloading import Watched
from serving.jobs.running import JobRunner
from serving.rescoring.service import Rescoring
from serving.resources import RESCORE_SECONDS
from serving.settings import Settings, tracker_of
from serving.store.database import Database
from serving.store.migrating import ready
from serving.webhooks.delivering import Delivering
from serving.webhooks.sending import Sender

log = logging.getLogger(__name__)


def work(settings: Settings) -> None:
    """Work until a signal says to stop; what was begun is ended.

    Raises
    ------
    ServingError
        If there is no store, its URL is none, or it is at another revision.
    StoreUnavailableError
    TrackingError
    """
    logs.to_stderr(settings.log_format)
    stopped = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopped.set())
    if settings.store is None:
        raise ServingError("store must be given: a worker works for one.")
    database = ready(Database.at(settings.store))
    models = Watched(champions(tracker_of(settings)))
    promoted = Promoted(models, database)
    rescoring = Rescoring(database, models.current, ShopClock(settings.clock_start))
    jobs = JobRunner(database, settings.environment)
    delivering = Delivering(database, Sender(settings.private_webhooks))
    beside = [
        threading.Thread(target=jobs.keep_on, args=(stopped,)),
        threading.Thread(target=lambda: asyncio.run(delivering.keep_on(stopped))),
    ]
    for thread in beside:
        thread.start()
    looked = float("-inf")
    log.info("working for %s", database.name)
    try:
        while not stopped.is_set():
            if time.monotonic() - looked > settings.reload_seconds:
                promoted.look()
                looked = time.monotonic()
            if not rescoring.once():
                stopped.wait(RESCORE_SECONDS)
    finally:  # Else it would go on with a half of its work.
        stopped.set()
        for thread in beside:
            thread.join()
        database.close()
    log.info("stopped")
