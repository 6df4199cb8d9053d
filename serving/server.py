"""The service as a process, or as several that share an address and a store."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import parent_process
from typing import TYPE_CHECKING

from serving import logs
from serving.clock import utc_now
from serving.errors import ServingError
from serving.processes import leave_with, together
from serving.settings import Settings, tracker_of

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

# Polars looks at them when it is imported. Its tables are a few rows, and several requests are
# scored at once: threads and streams of its own take longer to wake than they save.
ENGINE = {"POLARS_MAX_THREADS": "1", "POLARS_ENGINE_AFFINITY": "in-memory"}
# In seconds: how long a process may be silent before another one takes its place; as long the
# service may be deaf to signals then. Loading packages, and large requests, take seconds each.
SILENCE = 15


def serve(settings: Settings) -> None:
    """Run the service until it is stopped.

    Raises
    ------
    ServingError
        If keys are asked for, and there is none; the store is at another revision; or one of
        several processes could not begin.
    StoreUnavailableError
    TrackingError
        If the address of the tracking store cannot be one.
    """
    for name, value in ENGINE.items():
        os.environ.setdefault(name, value)
    tracker_of(settings)
    if settings.store is not None:
        _require_ready(settings.store, settings.keys_required)
    elif settings.keys_required:
        raise ServingError(
            f"host must be a loopback address where no store keeps keys; got {settings.host!r}. "
            "Serve a store that has a key, or use 127.0.0.1 and a proxy with its own "
            "authentication."
        )
    logs.to_stderr(settings.log_format)
    if settings.workers > 1:
        _serve_together(settings)
    else:
        _serve_alone(settings)


def process() -> FastAPI:
    """One of several processes: the service by the settings in the environment."""
    settings = Settings()
    logs.to_stderr(settings.log_format)
    parent = parent_process()
    if parent is not None and parent.pid is not None:
        # Without the one that watches over it, it would go on with nobody to stop it.
        leave_with(parent.pid, lambda: signal.raise_signal(signal.SIGTERM))
    from serving.app import create_app

    return create_app(settings)


def _serve_alone(settings: Settings) -> None:
    from uvicorn import Server

    from serving.app import create_app

    # To be stopped is what it is meant for: it ends with code 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = _config(create_app(settings), settings)
    server = Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        return
    if not server.started:
        sys.exit(1)


def _serve_together(settings: Settings) -> None:
    """Begin several processes, and others in the place of those that are lost."""
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    settings.to_environment()
    with together():
        config = _config("serving.server:process", settings)
        supervisor = Multiprocess(config, [config.bind_socket()])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise ServingError(
            "a process of the service must be able to begin; one was not. Its log says why."
        )


def _config(app: FastAPI | str, settings: Settings) -> uvicorn.Config:
    from uvicorn import Config

    return Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=SILENCE,
        server_header=False,
        # It would hold the ids of customers; `serving.http.stamp` logs without them.
        access_log=False,
        # `serving.logs` writes what uvicorn says too.
        log_config=None,
    )


def _require_ready(store: str, keys_required: bool) -> None:
    """Say before the server begins what it could not begin with."""
    from serving.keys.service import list_keys
    from serving.store.database import Database
    from serving.store.migrating import ready

    database = ready(Database.at(store))
    try:
        keys = list_keys(database) if keys_required else []
        if keys_required and not any(key.ended(utc_now()) is None for key in keys):
            raise ServingError(
                "the store must have a key that is good, for everybody is asked for one; it has "
                "none. Make one with holdfast keys create."
            )
    finally:
        database.close()
