"""The service as a process, on this machine only."""

from __future__ import annotations

import logging
import os

from serving.errors import ServingError
from serving.http.guards import is_loopback
from serving.settings import Settings

# Polars looks at them when it is imported. Its tables are a few rows, and several requests are
# scored at once: threads and streams of its own take longer to wake than they save.
ENGINE = {"POLARS_MAX_THREADS": "1", "POLARS_ENGINE_AFFINITY": "in-memory"}


def serve(settings: Settings) -> None:
    """Run the service until it is stopped.

    Raises
    ------
    ServingError
        If the host is not loopback: there are no keys yet that would protect it.
    TrackingError
        If the address of the tracking store cannot be one.
    """
    if not is_loopback(settings.host):
        raise ServingError(
            f"host must be a loopback address, for nobody is asked for a key; got "
            f"{settings.host!r}. Use 127.0.0.1, and an SSH tunnel or a proxy with its own "
            "authentication to reach it from elsewhere."
        )
    for name, value in ENGINE.items():
        os.environ.setdefault(name, value)
    import uvicorn

    from serving.app import create_app
    from serving.resources import tracker_of

    tracker_of(settings)
    _log_to_stderr()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        server_header=False,
        # It would hold the ids of customers; `serving.http.stamp` logs without them.
        access_log=False,
    )


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s:     %(message)s"))
    ours = logging.getLogger("serving")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False
