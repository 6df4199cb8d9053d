"""Lists of customers as CSV and as JSON lines, sent while they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from serving.inforce.schemas import CustomerRow

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
# What a spreadsheet takes for a formula where a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(parts: Iterable[list[CustomerRow]]) -> Iterator[str]:
    """Rows below the names of the columns; null is an empty cell."""
    names = list(CustomerRow.model_fields)
    yield _lines([names])
    for rows in parts:
        told = (row.model_dump(mode="json") for row in rows)
        yield _lines([[guarded(row[name]) for name in names] for row in told])


def as_jsonl(parts: Iterable[list[CustomerRow]]) -> Iterator[str]:
    """A JSON object in every line."""
    for rows in parts:
        yield "".join(f"{row.model_dump_json()}\n" for row in rows)


def guarded(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> [guarded(cell) for cell in ("=cmd()", "-5", -5.0, "a@b.example", None)]
    ["'=cmd()", "'-5", -5.0, 'a@b.example', None]
    """
    if isinstance(cell, bool):
        return str(cell).lower()
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _lines(rows: Iterable[list[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()
