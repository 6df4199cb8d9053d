"""Tables on a terminal, whose cells may come from data."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table

from holdfast.render import output


def table_of(texts: Iterable[str], numbers: Iterable[str]) -> Table:
    """An empty table with columns of text and of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in texts:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def add(table: Table, cells: Iterable[object], style: str = "") -> None:
    """Add a row whose cells may come from data."""
    table.add_row(*(output.text(cell) for cell in cells), style=style)
