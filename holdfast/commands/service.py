"""The commands that answer over HTTP, and work for those that do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast import options
from holdfast.failures import RequestError

if TYPE_CHECKING:
    from serving.settings import Settings

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE.toml",
        show_default=False,
        help="Settings of the service; options and the environment win over it.",
    ),
]


def serve(
    context: typer.Context,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            show_default=False,
            help="What holdfast score wrote: the customers to list, where there is no store.",
        ),
    ] = None,
    store: options.OptionalStore = None,
    settings: SettingsFile = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="H",
            show_default="127.0.0.1",
            help="Address to listen on; off loopback only with keys.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="P",
            min=0,
            max=65535,
            show_default="8000",
            help="Port to listen on; 0 takes a free one.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=64,
            show_default="1",
            help="Server processes; several only with a store.",
        ),
    ] = None,
) -> None:
    """Serve scores and the champions over HTTP."""
    given = {"scores": scores, "store": store, "host": host, "port": port, "workers": workers}
    asked = _asked(context, given)
    # What is asked for on the command line wins over the other source, wherever that is named.
    if len(sources := asked.keys() & {"scores", "store"}) == 1:
        asked |= dict.fromkeys({"scores", "store"} - sources)
    found = _settings(asked, settings)
    if found.scores is not None and not found.scores.is_file():
        raise RequestError(
            f"--scores must be a file; {found.scores} is none. Run holdfast score first."
        )
    from serving.server import serve as run

    run(found)


def worker(
    context: typer.Context, store: options.OptionalStore = None, settings: SettingsFile = None
) -> None:
    """Do jobs and score customers again, for services that leave it to a process.

    Ends with Ctrl-C or SIGTERM; a job that is not done then is left to others.
    """
    asked = _asked(context, {"store": store})
    found = _settings({**asked, "scores": None}, settings)
    from serving.worker import work

    work(found)


def _asked(context: typer.Context, given: dict[str, Any]) -> dict[str, Any]:
    """What was given on the command line; the settings look into the environment themselves."""
    sources = {name: context.get_parameter_source(name) for name in given}
    return {
        name: value
        for name, value in given.items()
        if (source := sources[name]) is not None and source.name == "COMMANDLINE"
    }


def _settings(asked: dict[str, Any], file: Path | None) -> Settings:
    from serving.errors import ServingError
    from serving.settings import settings_of

    try:
        return settings_of(asked, file)
    except ServingError as error:
        raise RequestError(f"the service's settings are wrong: {error}") from None
