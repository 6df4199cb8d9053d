"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from training.scoring.columns import STAGES

EXAMPLES = Path(__file__).parent / "examples"

StageName = StrEnum("StageName", {name: name for name in STAGES})  # type: ignore[misc]  # told once


def _shipped(mapping: str | None) -> str | None:
    """The path of the example of that name, unless there is such a file."""
    if mapping is None or Path(mapping).is_file():
        return mapping
    return {file.stem: str(file) for file in EXAMPLES.glob("*.toml")}.get(mapping, mapping)


History = Annotated[
    str,
    typer.Argument(
        metavar="HISTORY",
        show_default=False,
        help="Folder of files, one orders file, or a SQL URL.",
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        show_default=False,
        help="Training settings; options given here win over it.",
    ),
]
MappingFile = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        show_default=False,
        callback=_shipped,
        help="How the source's columns map to ours, a file, or the name of an example that comes "
        "with Holdfast, such as cdnow; default: HISTORY/history.toml.",
    ),
]
ExportFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        show_default=False,
        help="The export that the files are, such as shopify; none to recognise nothing; default: "
        "recognised by its header.",
    ),
]
ShopName = Annotated[
    str | None,
    typer.Option(
        "--shop",
        metavar="NAME",
        show_default=False,
        help="The shop's name, by which its models are known; default: shop in history.toml, else "
        "the orders that it has in common with what they were trained on.",
    ),
]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="D",
        show_default=False,
        help="Use only what was known before: YYYY-MM-DD or an ISO instant.",
    ),
]
OptionalAsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="D",
        show_default=False,
        help="Look only at what was known before: YYYY-MM-DD or an ISO instant.",
    ),
]
HorizonDays = Annotated[
    int,
    typer.Option(
        "--horizon-days",
        metavar="N",
        show_default=False,
        help="Days in which a customer who does not order counts as churned.",
    ),
]
OptionalHorizonDays = Annotated[
    int | None,
    typer.Option(
        "--horizon-days",
        metavar="N",
        show_default=False,
        help="Days in which a customer who does not order counts as churned; default: the "
        "suggestion of holdfast check.",
    ),
]
_OUT = typer.Option(
    "--out", metavar="FILE", show_default=False, help="Where to write: .parquet or .csv."
)
OutFile = Annotated[str, _OUT]
OptionalOutFile = Annotated[str | None, _OUT]
_STORE = typer.Option(
    "--store",
    metavar="URL",
    show_default=False,
    envvar="HOLDFAST_STORE",
    help="SQL URL of the store, such as sqlite:///holdfast.db or postgresql://host/database.",
)
Store = Annotated[str, _STORE]
OptionalStore = Annotated[str | None, _STORE]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]
