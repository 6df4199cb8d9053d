"""What is stored of one person, what it amounts to, and its erasure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from features.clock import as_day, as_instant
from features.history.history import History
from features.intake.store.reading import StoredSettings, stored_settings, stored_tables
from features.table import describe, features_of
from serving.clock import ShopClock, utc_now
from serving.customers import repository as customers
from serving.customers.service import answered
from serving.http.cells import is_storable
from serving.http.problems import FieldProblem, ProblemError, shortened
from serving.inforce.champions import Champions
from serving.persons import repository
from serving.persons.schemas import (
    ErasureAnswer,
    ExportAnswer,
    FeaturesAnswer,
    FeatureValue,
    Happening,
    TimelineAnswer,
)
from serving.publications.repository import current
from serving.store.audit import record
from serving.store.database import Database
from serving.store.erased import note_erasure

# The time of a row of each table.
TIMES = {
    "orders": "ordered_at",
    "refunds": "refunded_at",
    "feedback": "created_at",
    "offers": "offered_at",
    "customers": "recorded_at",
}
HIDDEN = frozenset({"id", "batch_id", "customer_id", "recorded_at"})


def timeline(database: Database, customer_id: str) -> TimelineAnswer:
    """What happened, the earliest first.

    Raises
    ------
    ProblemError
        If nothing is known of such a customer.
    """
    happenings = _happenings(database, customer_id)
    if not happenings:
        raise _unknown(customer_id)
    return TimelineAnswer(customer_id=customer_id, happenings=happenings)


def features(
    database: Database, champions: Champions, clock: ShopClock, customer_id: str
) -> FeaturesAnswer:
    """What the churn model looks at, as of now.

    Raises
    ------
    ProblemError
        If no order of such a customer is known.
    """
    with database.reading() as connection:
        settings = stored_settings(connection) or StoredSettings()
        known = is_storable(customer_id)
        intakes = stored_tables(connection, settings, [customer_id] if known else [])
    definition = champions.scorer.churn.definition
    day = as_day(clock.now(settings.mapping.timezone))
    past = definition.read(History.from_intakes(intakes, settings.mapping).upto(day))
    table = describe(past, definition.table_horizon_days)
    if customer_id not in table.index:
        raise _unknown(customer_id)
    (row,) = table.loc[[customer_id]].to_dict("records")
    values = [
        FeatureValue(
            name=feature.name,
            value=None if math.isnan(row[feature.name]) else row[feature.name],
            unit=feature.unit,
            meaning=feature.meaning,
        )
        for feature in features_of(past.coded())
    ]
    return FeaturesAnswer(customer_id=customer_id, as_of=as_instant(day), features=values)


def export(database: Database, customer_id: str, actor: str) -> ExportAnswer:
    """Everything that is stored of a customer, for whom it is about.

    Raises
    ------
    ProblemError
        If nothing is.
    """
    happenings = _happenings(database, customer_id)
    with database.reading() as connection:
        publication = current(connection)
        events = repository.events_of(connection, customer_id) if happenings else []
        found: Mapping[str, Mapping[Any, Any]] = {}
        if publication is not None and is_storable(customer_id):
            found = customers.find(connection, publication.id, [customer_id])
    if not happenings and not found:
        raise _unknown(customer_id)
    with database.writing() as connection:
        record(connection, utc_now(), actor, "customer.exported", customer_id)
    scores = answered(found[customer_id]) if customer_id in found else None
    return ExportAnswer(
        customer_id=customer_id,
        definition=publication.terms if publication and scores else None,
        scores=scores,
        happenings=happenings,
        events=[json.loads(event) for event in events],
    )


def erase(database: Database, clock: ShopClock, customer_id: str, actor: str) -> ErasureAnswer:
    """Remove everything that is stored of a customer, and keep that they were erased.

    What happened before does not come back, by events or imports; what they do afterwards counts as
    that of anybody else.

    Raises
    ------
    ProblemError
        If no database could hold the id.
    """
    if not is_storable(customer_id):
        raise _unknown(customer_id)
    with database.writing(alone="events") as connection:
        settings = stored_settings(connection) or StoredSettings()
        removed = repository.remove(connection, customer_id)
        note_erasure(connection, customer_id, clock.now(settings.mapping.timezone))
        rows = sum(removed.values())
        record(connection, utc_now(), actor, "customer.erased", customer_id, rows=rows)
    database.forget()
    return ErasureAnswer(removed={table: rows for table, rows in removed.items() if rows})


def _happenings(database: Database, customer_id: str) -> list[Happening]:
    if not is_storable(customer_id):
        return []
    with database.reading() as connection:
        rows = list(repository.history_of(connection, customer_id))
    found = [
        Happening(
            table=table,
            at=row[TIMES[table]] or row["recorded_at"] or datetime(1970, 1, 1),
            known_at=row["recorded_at"],
            fields={n: v for n, v in row.items() if v is not None and n not in HIDDEN},
        )
        for table, row in rows
    ]
    return sorted(found, key=lambda each: each.at)


def _unknown(customer_id: str) -> ProblemError:
    detail = f"there is no customer {shortened(customer_id)!r} in the store"
    remedy = "Check the id."
    problem = FieldProblem(place="path", field="customer_id", detail=detail, remedy=remedy)
    return ProblemError(404, f"path customer_id: {detail}. {remedy}", [problem])
