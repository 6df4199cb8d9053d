"""A proposed mapping on a terminal: what is asked, what was guessed, and rows read by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from features.agreement import many
from holdfast.render import output
from holdfast.render.tables import add, table_of

if TYPE_CHECKING:
    from features.intake.propose.guesses import Proposal, Question
    from features.intake.propose.proposal import Preview


def ask(question: Question) -> int:
    """Ask at a terminal; Enter takes the likeliest."""
    output.line(question.about, "bold")
    for number, option in enumerate(question.options, start=1):
        output.line(f"{number}  {option}", indent=2)
    answer = 0
    while not 1 <= answer <= len(question.options):
        answer = typer.prompt(f"1 to {len(question.options)}", default=1, type=int)
    return answer - 1


def document(history: str, target: Path, proposal: Proposal, preview: Preview) -> dict[str, Any]:
    """The JSON document of `holdfast map`."""
    from features.intake.propose.guesses import toml

    return {
        "history": history,
        "out": str(target),
        "format": proposal.format,
        "guesses": [
            {
                "key": guess.name,
                "value": toml(guess.value),
                "why": guess.why or None,
                "unsure": guess.unsure or None,
                "offered": guess.is_offered,
            }
            for guess in proposal.guesses
        ],
        "preview": preview.rows,
        "refused": preview.refused,
    }


def print_proposal(history: str, target: Path, proposal: Proposal, preview: Preview) -> None:
    """Print the mapping, the first rows as it reads them, and what to do next."""
    for line in proposal.toml.splitlines():
        output.verbatim(line)
    output.line()
    if preview.refused is None:
        _print_rows(preview.rows)
    else:
        output.warnings([f"not read so: {preview.refused}"])
    output.line()
    unsure = sum(bool(guess.unsure) for guess in proposal.guesses)
    doubts = f"; {many(unsure, 'line is', 'lines are')} marked unsure" if unsure else ""
    output.line(f"written to {target}{doubts}", "bold")
    beside = target.resolve() == (Path(history) / target.name).resolve()
    told = "" if beside and target.name == "history.toml" else f" --mapping {target}"
    output.line(f"next: holdfast check {history}{told}")


def _print_rows(rows: list[dict[str, Any]]) -> None:
    table = table_of(["order_id", "customer_id", "ordered_at"], ["amount"])
    table.add_column("currency")
    table.add_column("set aside")
    for row in rows:
        amount = "" if row["amount"] is None else f"{row['amount']:,.2f}"
        at = output.instant(row["ordered_at"] or "")
        cells = [row["order_id"], row["customer_id"], at, amount, row["currency"], row["problem"]]
        add(table, ["" if cell is None else cell for cell in cells])
    output.line("The first rows, as they are read", "bold")
    output.stdout().print(table)
