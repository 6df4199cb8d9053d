"""The service as a process."""

from __future__ import annotations

import os
import signal
from types import FrameType

from serving import logs
from serving.clock import utc_now
from serving.errors import ServingError
from serving.settings import Settings

# Polars looks at them when it is imported. Its tables are a few rows, and several requests are
# scored at once: threads and streams of its own take longer to wake than they save.
ENGINE = {"POLARS_MAX_THREADS": "1", "POLARS_ENGINE_AFFINITY": "in-memory"}

# In seconds: who has not been answered, or has not read the answer, by then is given up.
PATIENCE = 20


def serve(settings: Settings) -> None:
    """Run the service until it is stopped.

    Raises
    ------
    ServingError
        If keys are asked for, and there is none; or the store is at another revision.
    StoreUnavailableError
    TrackingError
        If the address of the tracking store cannot be one.
    """
    for name, value in ENGINE.items():
        os.environ.setdefault(name, value)
    import uvicorn

    from serving.app import create_app
    from serving.resources import tracker_of

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
    # Uvicorn stops at this signal, and then raises it again for whoever listened before.
    signal.signal(signal.SIGTERM, _end)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        server_header=False,
        # It would hold the ids of customers; `serving.http.stamp` logs without them.
        access_log=False,
        timeout_graceful_shutdown=PATIENCE,
    )


def _end(_: int, __: FrameType | None) -> None:
    """End well: to be told to stop is no fault."""
    raise SystemExit(0)


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
