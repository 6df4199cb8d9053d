"""Events as rows of the history: read as every source is, each one taken or rejected by itself."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from features.clock import as_day, as_instant
from features.errors import HistoryError
from features.intake.canonical import take_in
from features.intake.rules import AttributeKind
from features.intake.store.reading import StoredSettings
from features.intake.store.rows import read_rows
from features.schema import RECORDED, SCHEMAS
from serving.events.folding import Fields, digest_of, identity_of
from serving.events.schemas import EVENTS, TABLES, Event, Rejected
from serving.http.problems import problem_of_validation
from serving.rows.frames import Placed, as_kind, column_type, frame_of, rule_of
from serving.rows.schemas import RequestModel

ADAPTER: TypeAdapter[RequestModel] = TypeAdapter(Event)
# Clocks differ.
AHEAD = timedelta(minutes=10)
HAPPENED = ("ordered_at", "created_at", "offered_at", "resolved_at", "redeemed_at", "refused_at")
OWN = frozenset({"type", "event_id", RECORDED.source, "changed_at"})


@dataclass(frozen=True)
class Taken:
    """An event that can be used.

    Attributes
    ----------
    index : int
        Its place in the request.
    event_id, customer_id, table, identity : str
    happened_at, version_at : datetime
        When it happened, and when this version of it was written, on the shop's wall clock.
    fields : mapping
        What it tells, as rows of the history have it.
    """

    index: int
    event_id: str
    customer_id: str
    table: str
    identity: str
    happened_at: datetime
    version_at: datetime
    fields: Fields

    @property
    def digest(self) -> str:
        """Of its content."""
        return digest_of({**self.fields, "version_at": self.version_at})


def read_events(
    given: Sequence[Any], settings: StoredSettings, now: datetime
) -> tuple[list[Taken], list[Rejected]]:
    """Read each event by itself.

    Parameters
    ----------
    given : sequence
        Events as they were sent.
    settings : StoredSettings
        Of the history that they are added to.
    now : datetime
        On the shop's wall clock.
    """
    rejected: list[Rejected] = []
    models: dict[str, list[tuple[int, RequestModel]]] = defaultdict(list)
    for index, event in enumerate(given):
        try:
            model = ADAPTER.validate_python(event)
        except ValidationError as error:
            rejected.append(_invalid(index, error))
            continue
        kind: Any = getattr(model, "type")  # noqa: B009  # The model is made from the schema.
        models[TABLES[kind]].append((index, model))
    taken: list[Taken] = []
    for table, events in models.items():
        good, bad = _read_table(table, events, settings)
        taken += good
        rejected += bad
    sound = []
    for event in taken:
        latest = max(event.happened_at, event.version_at)
        if latest > now + AHEAD:
            rejected.append(_in_the_future(event, latest, now))
        else:
            sound.append(event)
    sound, contradicting = _without_contradictions(sound)
    return sound, sorted([*rejected, *contradicting], key=lambda each: each.index)


def _read_table(
    table: str, events: Sequence[tuple[int, RequestModel]], settings: StoredSettings
) -> tuple[list[Taken], list[Rejected]]:
    """The events of a table, those aside that name what the history does not have."""
    known = settings.further.get(table, {})
    rejected = [
        found
        for index, model in events
        if (found := _unknown(index, table, model, known) or _foreign(index, model, settings))
    ]
    out = {found.index for found in rejected}
    taken, bad = _read_rows(table, [each for each in events if each[0] not in out], settings)
    return taken, [*rejected, *bad]


def _read_rows(
    table: str, events: Sequence[tuple[int, RequestModel]], settings: StoredSettings
) -> tuple[list[Taken], list[Rejected]]:
    """Events as the one intake reads their rows."""
    if not events:
        return [], []
    known = settings.further.get(table, {})
    placed = [Placed(str(index), model.customer_id, model) for index, model in events]  # type: ignore[attr-defined]  # made from the schema
    try:
        frames = {"orders": _no_orders(settings), table: _frame(table, placed, known)}
        intake = take_in(frames, settings.mapping)[table]
    except HistoryError as error:
        if len(events) == 1:
            detail = f"cannot be read: {error}"
            return [], [_rejected(events[0][0], "", detail, "Correct it and send it again.")]
        alone = [_read_rows(table, [event], settings) for event in events]
        return [t for good, _ in alone for t in good], [r for _, bad in alone for r in bad]
    native: pl.LazyFrame = intake.rows.to_native()
    wrong = native.filter(pl.col("problem").is_not_null()).select("row", "problem").collect()
    rejected = []
    for number, problem in wrong.sort("row").iter_rows():
        row = placed[number - 1]
        detail = f"cannot be used: {problem}{rule_of(table, row, settings.mapping)}"
        rejected.append(_rejected(int(row.place), "", detail, "Correct it and send it again."))
    zone = settings.mapping.timezone
    taken = [
        _taken(table, events[row["row"] - 1], row, zone) for row in read_rows(intake).to_dicts()
    ]
    return taken, rejected


def _frame(table: str, placed: Sequence[Placed], known: Dict[str, AttributeKind]) -> pl.DataFrame:
    if table != "customers":
        return frame_of(table, placed, known).drop(RECORDED.source, strict=False)
    consent = [_spelt(row.cell("marketing_consent")) for row in placed]
    told = {
        name: [as_kind(row.cell("attributes").get(name), kind) for row in placed]
        for name, kind in known.items()
    }
    return pl.DataFrame(
        [
            pl.Series("customer_id", [row.customer_id for row in placed], dtype=pl.String),
            pl.Series("marketing_consent", consent, dtype=pl.String),
            pl.Series(RECORDED.source, [row.cell("changed_at") for row in placed], dtype=pl.String),
            *(pl.Series(name, told[name], dtype=column_type(known[name])) for name in known),
        ]
    )


def _taken(table: str, given: tuple[int, Any], row: Dict[str, Any], timezone: str) -> Taken:
    index, event = given
    told = {*(event.model_fields_set - OWN), "customer_id"}
    if row.get("marketing_consent") is None:
        told.discard("marketing_consent")  # Null: not said here.
    fields = {name: row[name] for name in told if name in row}
    if (refund := getattr(event, "refund_id", None)) is not None:
        fields["refund_id"] = refund
    if "attributes" in fields:
        known = json.loads(row["attributes"] or "{}")
        fields["attributes"] = {name: known.get(name) for name in event.attributes}
    times = [row[name] for name in HAPPENED if row.get(name) is not None]
    if table == "customers":
        times = [row[RECORDED.source]]
    written = event.recorded_at
    version = max(times) if written is None else as_instant(as_day(written, timezone))
    identity = identity_of(table, fields)
    person = row["customer_id"]
    return Taken(index, event.event_id, person, table, identity, max(times), version, fields)


def _without_contradictions(events: Sequence[Taken]) -> tuple[list[Taken], list[Rejected]]:
    """Leave out what says two things of one version; nothing tells which is right."""
    alike: dict[tuple[str, datetime], list[Taken]] = defaultdict(list)
    for event in events:
        alike[event.identity, event.version_at].append(event)
    wrong: dict[int, str] = {}
    for same in alike.values():
        for name in {name for event in same for name in event.fields}:
            values = {repr(event.fields[name]) for event in same if name in event.fields}
            if len(values) > 1:
                wrong |= {event.index: name for event in same}
    rejected = [
        _rejected(
            index,
            f"/{name}",
            "must be one value at one instant; another event of this request says another one",
            "Give recorded_at to say which was written later.",
        )
        for index, name in wrong.items()
    ]
    return [event for event in events if event.index not in wrong], rejected


def _foreign(index: int, model: RequestModel, settings: StoredSettings) -> Rejected | None:
    """An order in another currency than the history's."""
    given: str | None = getattr(model, "currency", None)
    known = settings.mapping.currency
    if given is None or given.upper() == known:
        return None
    detail = f"must be {known}, as the history's" if known else "is not known of the history"
    remedy = "Convert the amount." if known else "Leave it out, or import a history that names it."
    return _rejected(index, "/currency", detail, remedy)


def _unknown(
    index: int, table: str, model: RequestModel, known: Dict[str, AttributeKind]
) -> Rejected | None:
    """An attribute that the history does not have, or that is no number."""
    attributes: Dict[str, Any] = getattr(model, "attributes", {})
    for name, value in attributes.items():
        if name not in known:
            detail = f"is no attribute of {table} in the store, which has {sorted(known)}"
            remedy = "Leave it out, or import a history that declares it."
        elif value is not None and as_kind(value, known[name]) is None:
            detail, remedy = "must be a number", "Send it as a JSON number."
        else:
            continue
        step = name.replace("~", "~0").replace("/", "~1")
        return _rejected(index, f"/attributes/{step}", detail, remedy)
    return None


def _in_the_future(event: Taken, latest: datetime, now: datetime) -> Rejected:
    names = [name for name in HAPPENED if event.fields.get(name) == latest]
    field = f"/{names[0]}" if names else ""
    at = now.isoformat(timespec="seconds")
    detail = f"must not lie more than ten minutes after now, which is {at} by the shop's clock"
    return _rejected(event.index, field, detail, "Correct it, or the clock that wrote it.")


def _invalid(index: int, error: ValidationError) -> Rejected:
    """The first thing that is wrong with an event; without the name of its kind in the place."""
    first = error.errors()[0]
    path = [step for step in first["loc"] if step not in EVENTS]
    found = problem_of_validation([{**first, "loc": ("body", *path)}]).errors[0]
    return _rejected(index, found.field, found.detail, found.remedy)


def _rejected(index: int, field: str, detail: str, remedy: str) -> Rejected:
    return Rejected(index=index, field=field, detail=detail, remedy=remedy)


def _spelt(consent: bool | None) -> str | None:
    return None if consent is None else str(consent).lower()


def _no_orders(settings: StoredSettings) -> pl.DataFrame:
    required = {c.source: column_type(c.kind) for c in SCHEMAS["orders"] if c.required}
    further = settings.further.get("orders", {})
    return pl.DataFrame(schema={**required, **{n: column_type(k) for n, k in further.items()}})
