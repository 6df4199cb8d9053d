"""A process that works for the service: does jobs, and scores those again whom events are about."""

from __future__ import annotations

import logging
import signal
import threading
import time

from serving import logs
from serving.clock import ShopClock
from serving.errors import ServingError
from serving.inforce.champions import champions
from serving.inforce.reloading import Watched
from serving.jobs.running import JobRunner
from serving.rescoring.service import Rescoring
from serving.resources import RESCORE_SECONDS
from serving.settings import Settings, tracker_of
from serving.store.database import Database
from serving.store.migrating import ready

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
    rescoring = Rescoring(database, models.current, ShopClock(settings.clock_start))
    jobs = JobRunner(database, settings.environment)
    doing = threading.Thread(target=jobs.keep_on, args=(stopped,))
    doing.start()
    looked = float("-inf")
    log.info("working for %s", database.name)
    while not stopped.is_set():
        if time.monotonic() - looked > settings.reload_seconds:
            models.look()
            looked = time.monotonic()
        if not rescoring.once():
            stopped.wait(RESCORE_SECONDS)
    doing.join()
    database.close()
    log.info("stopped")
