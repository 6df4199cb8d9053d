"""The command that answers over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast import options
from holdfast.failures import RequestError


def serve(
    context: typer.Context,
    scores: Annotated[
        str | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            show_default=False,
            help="What holdfast score wrote: the customers to list, where there is no store.",
        ),
    ] = None,
    store: options.OptionalStore = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="H", help="Address to listen on; off loopback only with keys."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="P", min=0, max=65535, help="Port to listen on.")
    ] = 8000,
) -> None:
    """Serve scores and the champions over HTTP."""
    from serving.server import serve as run
    from serving.settings import Settings

    path = None if scores is None else Path(scores)
    source = context.get_parameter_source("store")
    if path is not None and source is not None and source.name == "ENVIRONMENT":
        store = None  # What is asked for on the command line wins.
    if (path is None) == (store is None):
        raise RequestError(
            "either --scores or --store must be given: a file that holdfast score wrote, or a "
            "store that it published to."
        )
    if path is not None and not path.is_file():
        raise RequestError(f"--scores must be a file; {scores} is none. Run holdfast score first.")
    try:
        settings = Settings(scores=path, store=store, host=host, port=port)
    except ValueError as error:
        raise RequestError(f"the service's settings are wrong: {error}") from error
    run(settings)


def worker(store: options.Store) -> None:
    """Do jobs and score customers again, for services that leave it to a process.

    Ends with Ctrl-C or SIGTERM; a job that is not done then is left to others.
    """
    from serving.settings import Settings
    from serving.worker import work

    try:
        settings = Settings(store=store)
    except ValueError as error:
        raise RequestError(f"the service's settings are wrong: {error}") from error
    work(settings, store)
