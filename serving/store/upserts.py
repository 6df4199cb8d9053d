"""Statements of many rows; and rows that are added, or changed where they are there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

# Parameters of one statement.
CHUNK = 500


def parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Values, as many at a time as a statement may have."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def put(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *changed: str
) -> None:
    """Add rows; of those whose key is there change the named columns, or nothing."""
    if not rows:
        return
    made: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    added = made(table)
    key = list(table.primary_key.columns)
    if changed:
        values = {name: added.excluded[name] for name in changed}
        connection.execute(added.on_conflict_do_update(index_elements=key, set_=values), rows)
    else:
        connection.execute(added.on_conflict_do_nothing(index_elements=key), rows)
