"""The command that proposes how an export is to be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast import files, options
from holdfast.failures import RequestError
from holdfast.render import output

if TYPE_CHECKING:
    from features.intake.propose.guesses import Ask, Proposal


def propose_mapping(
    history: Annotated[
        str,
        typer.Argument(
            metavar="HISTORY", show_default=False, help="A file of orders, or a folder with one."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="Where to write; default: history.toml in the folder HISTORY, or here for a file.",
        ),
    ] = None,
    export: options.ExportFormat = None,
    as_json: options.AsJson = False,
) -> None:
    """Propose a mapping for an export, each guess with its evidence, and show rows read by it.

    Asks at a terminal what the file does not tell; elsewhere it takes the best guess and marks it.
    """
    target = _target(history, out)
    from features.intake.propose.proposal import preview, propose
    from features.intake.sources import read_likely_orders
    from holdfast.render.proposal import document, print_proposal

    with output.progress() as tell:
        tell("reading")
        file, frame = read_likely_orders(history)
    proposal = propose(frame, _asking(as_json), export, file)
    shown = preview(frame, proposal)
    _write(target, proposal)
    if as_json:
        output.document(document(history, target, proposal, shown))
    else:
        print_proposal(history, target, proposal, shown)


def _target(history: str, out: str | None) -> Path:
    """Where to write: a file that is not there yet."""
    from features.intake.location import MAPPING_FILE, is_url, require_there

    if is_url(history):
        raise RequestError(
            "HISTORY must be a file or a folder; got the address of a database. Write its "
            "history.toml by hand, or export the table of orders and map that."
        )
    require_there(history)
    folder = Path(history) if Path(history).is_dir() else Path()
    target = files.file_target("--out", str(folder / MAPPING_FILE) if out is None else out)
    if target.exists():
        raise RequestError(
            f"--out must be a file that does not exist yet; {target} does. Move it away, or name "
            "another file."
        )
    return target


def _write(target: Path, proposal: Proposal) -> None:
    with files.replacing(target) as draft:
        draft.write_text(proposal.toml, encoding="utf-8")


def _asking(as_json: bool) -> Ask:
    """Somebody at a terminal, or nobody."""
    from holdfast.render.proposal import ask

    return ask if at_terminal() and not as_json else lambda question: None


def at_terminal() -> bool:
    """Whether somebody reads what is printed and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()
