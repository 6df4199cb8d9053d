"""Events in the store, and the rows of the history that they make."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.intake.store.tables import BATCHES, HISTORY
from features.schema import SCHEMAS
from serving.events.folding import IDENTITY, UNNAMED_FEEDBACK, Fields, Version, identity_of
from serving.store.tables.events import EVENTS
from serving.store.upserts import parts

# Columns of a row that are about how it came, and not about the thing.
CAME = "came_by"
HOW = frozenset({"id", "batch_id", "recorded_at", "replaced_at", CAME})
TIMES = tuple({c.source for table in SCHEMAS.values() for c in table if c.kind == "date"})


def known_digests(connection: sa.Connection, keys: Sequence[str]) -> dict[str, str]:
    """Keys of events that came before, and the digests of what they said."""
    query = sa.select(EVENTS.c.event_key, EVENTS.c.digest)
    found = (connection.execute(query.where(EVENTS.c.event_key.in_(part))) for part in parts(keys))
    return {key: digest for rows in found for key, digest in rows}


def add_events(connection: sa.Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Keep what events said."""
    if events:
        connection.execute(sa.insert(EVENTS), events)


def versions_of(connection: sa.Connection, identities: Sequence[str]) -> dict[str, list[Version]]:
    """All events of some things."""
    found: dict[str, list[Version]] = defaultdict(list)
    for part in parts(identities):
        for row in connection.execute(sa.select(EVENTS).where(EVENTS.c.identity.in_(part))):
            found[row.identity].append(Version(row.version_at, row.digest, _read(row.fields)))
    return found


def standing_rows(
    connection: sa.Connection, table: str, things: Sequence[Fields]
) -> tuple[dict[str, Fields], dict[str, Version]]:
    """The last row of each of some things, by identity; and the last that was imported."""
    source = HISTORY[table]
    name = IDENTITY[table][0]
    ids = sorted({thing[name] for thing in things if thing.get(name) is not None})
    queries: list[sa.ColumnElement[bool]] = [source.c[name].in_(part) for part in parts(ids)]
    if table == "feedback":
        unnamed = sorted({t[UNNAMED_FEEDBACK[0]] for t in things if t.get(name) is None})
        is_unnamed = source.c[name].is_(None)
        queries += [is_unnamed & source.c.customer_id.in_(part) for part in parts(unnamed)]
    last: dict[str, Fields] = {}
    imported: dict[str, Version] = {}
    for query in queries:
        whole = (
            sa.select(source, BATCHES.c.kind.label(CAME))
            .join(BATCHES)
            .where(BATCHES.c.done_at.is_not(None), query)
        )
        rows = connection.execute(
            whole.order_by(source.c.recorded_at.asc().nulls_first(), source.c.id)
        ).mappings()
        for row in rows:
            fields = _fields(row)
            identity = identity_of(table, fields)
            last[identity] = fields
            if row[CAME] == "import":
                known = row["recorded_at"] or datetime.min
                imported[identity] = Version(known, "", fields)
    return last, imported


def as_row(table: str, fields: Fields, known_at: datetime) -> dict[str, Any]:
    """A row of the history that says what fields say, known from an instant on."""
    columns = [c.name for c in HISTORY[table].c if c.name not in ("id", "batch_id")]
    row = {name: fields.get(name) for name in columns}
    told = {name: value for name, value in (row["attributes"] or {}).items() if value is not None}
    row["attributes"] = json.dumps(told, sort_keys=True) if told else None
    return {**row, "recorded_at": known_at}


def written(fields: Fields) -> str:
    """Fields as the store keeps them."""
    return json.dumps(dict(fields), sort_keys=True, default=datetime.isoformat)


def _read(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(text)
    for name in TIMES:
        if fields.get(name) is not None:
            fields[name] = datetime.fromisoformat(fields[name])
    return fields


def _fields(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What a row of the history says, without what it does not say."""
    told = {name: value for name, value in row.items() if value is not None and name not in HOW}
    if "attributes" in told:
        told["attributes"] = json.loads(told["attributes"])
    return told
