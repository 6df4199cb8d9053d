"""The front door: `holdfast`, the command line that composes the packages below it."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from holdfast.commands import campaigns, data, demo, keys, mapping, metrics, models, service, store
from holdfast.failures import CommandGroup, tell_unexpected
from holdfast.render import output

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Who a shop is about to lose, what they are worth, why, and which offer is worth making: "
    "from raw order history.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        output.line(f"holdfast {version('holdfast')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Who a shop is about to lose, what they are worth, why, and which offer is worth making."""


app.command()(data.check)
app.command("map")(mapping.propose_mapping)
app.command()(data.features)
app.command()(metrics.metrics)
app.command()(models.train)
app.command()(models.backtest)
app.command()(models.score)
app.command()(campaigns.uplift)
app.command()(campaigns.plan)
app.command()(campaigns.measure)
app.command("models")(models.models)
app.command()(models.promote)
app.command()(data.simulate)
app.command("import")(store.import_history)
app.command()(store.migrate)
app.command()(keys.keys)
app.command()(service.serve)
app.command()(service.worker)
app.command()(demo.demo)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = tell_unexpected
    # Last, so that nothing there hides a package: where a shop's own features and models may lie.
    sys.path.append(str(Path.cwd()))
    typer.main.get_command(app).main(prog_name="holdfast")
