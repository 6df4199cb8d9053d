"""Rows that were sent as the tables that the history takes in."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import polars as pl

from features.intake.mapping import Mapping
from features.intake.rules import AttributeKind
from features.schema import SCHEMAS, SCORE
from serving.rows.schemas import RequestModel

Cell = str | float | bool | None


class Placed(NamedTuple):
    """A row of the request, whose it is, and where it stands."""

    place: str
    customer_id: str
    row: RequestModel

    def cell(self, name: str) -> Any:
        """The value of a field; None if the row has no such field."""
        return getattr(self.row, name, None)


def frame_of(table: str, rows: Sequence[Placed], further: Dict[str, AttributeKind]) -> pl.DataFrame:
    """The source's table as the history reads it.

    Dates that have an offset stay text, for the history to move them to the shop's wall clock.
    """
    fields = type(rows[0].row).model_fields.keys() - {"customer_id"}
    columns = {c.source: c.kind for c in SCHEMAS[table] if c.source in fields}
    if not any(SCORE.known_with in p.row.model_fields_set for p in rows):
        # Where nobody tells of resolutions, there is no such column: a score then counts at once.
        columns.pop(SCORE.known_with, None)
    given = [placed.row for placed in rows]
    cells = [
        _series(name, kind, list(map(attrgetter(name), given))) for name, kind in columns.items()
    ]
    cells += [
        pl.Series(
            name, [as_kind(p.cell("attributes").get(name), kind) for p in rows], column_type(kind)
        )
        for name, kind in further.items()
    ]
    owners = pl.Series("customer_id", [placed.customer_id for placed in rows], dtype=pl.String)
    return pl.DataFrame([owners, *cells])


def _series(name: str, kind: str, values: list[Any]) -> pl.Series:
    """Cells of a request, which were looked at already: reading dates as text takes longer."""
    if kind != "date":
        return pl.Series(name, values, dtype=column_type(kind))
    instants = [None if value is None else datetime.fromisoformat(value) for value in values]
    if any(instant is not None and instant.tzinfo is not None for instant in instants):
        return pl.Series(name, values, dtype=pl.String)
    return pl.Series(name, instants, dtype=pl.Datetime("us"))


def column_type(kind: str) -> type[pl.Float64 | pl.String]:
    """The type of a column whose cells were looked at."""
    return pl.Float64 if kind == "number" else pl.String


def as_kind(value: Cell, kind: AttributeKind) -> str | float | None:
    """A further column of a row as its kind; None if it is none of it."""
    return as_number(value) if kind == "number" else None if value is None else spelling(value)


def as_number(value: Cell) -> float | None:
    """A cell as a number; None if it is none."""
    return None if value is None or isinstance(value, str) else float(value)


def spelling(value: Cell) -> str:
    """How a table of the batch would write a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def rule_of(table: str, placed: Placed, mapping: Mapping) -> str:
    """What feedback has to fulfil, where it did not."""
    if table != "feedback":
        return ""
    kind, score = placed.cell("kind"), placed.cell("score")
    if kind not in mapping.scales:
        return f": kind must be one of {', '.join(mapping.scales)}"
    low, high = mapping.scales[kind]
    is_outside = score is not None and not low <= score <= high
    return f": score must be from {low:g} to {high:g}" if is_outside else ""
