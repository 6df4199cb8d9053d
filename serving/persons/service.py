"""What is stored of one person, what it amounts to, and its erasure."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from features.clock import as_day, as_instant
from features.history.history import History
from features.intake.casting import spellings
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
from serving.store.history import ALONE, last_known_at
from serving.store.holdouts import held_out

log = logging.getLogger(__name__)
STEP = timedelta(microseconds=1)
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
        names = spellings(customer_id) if is_storable(customer_id) else ()
        intakes = stored_tables(connection, settings, names)
        known = last_known_at(connection)
    definition = champions.scorer.churn.definition
    day = as_day(max(clock.now(settings.mapping.timezone), known + STEP))
    past = definition.read(History.from_intakes(intakes, settings.mapping).upto(day))
    table = describe(past, definition.table_horizon_days)
    name = next((name for name in names if name in table.index), None)
    if name is None:
        raise _unknown(customer_id)
    (row,) = table.loc[[name]].to_dict("records")
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
        names = spellings(customer_id) if is_storable(customer_id) else ()
        events = [event for name in names for event in repository.events_of(connection, name)]
        further = {
            field: [row for name in names for row in repository.rows_of(connection, table, name)]
            for field, table in repository.FURTHER.items()
        }
        rows: list[Mapping[Any, Any]] = []
        if publication is not None:
            rows = list(customers.find(connection, publication.id, names).values())
        apart = held_out(connection, [row["customer_id"] for row in rows])
    if not happenings and not rows and not any(further.values()):
        raise _unknown(customer_id)
    with database.writing() as connection:
        record(connection, utc_now(), actor, "customer.exported", customer_id)
    scores = answered(rows[0], publication, apart) if publication and rows else None
    return ExportAnswer(
        customer_id=customer_id,
        definition=publication.terms if publication and scores else None,
        scores=scores,
        happenings=happenings,
        events=[json.loads(event) for event in events],
        assignments=further["assignments"],
        crossings=further["crossings"],
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
    with database.writing(alone=ALONE) as connection:
        settings = stored_settings(connection) or StoredSettings()
        now = max(clock.now(settings.mapping.timezone), last_known_at(connection))
        removed: Counter[str] = Counter()
        for name in spellings(customer_id):
            # After all that is removed, be it ahead of the clock.
            at = max(now, repository.last_time(connection, name) or now)
            removed.update(repository.remove(connection, name))
            note_erasure(connection, name, at)
            record(connection, utc_now(), actor, "customer.erased", name, rows=removed.total())
    if not database.forget():
        log.warning("the file of the store is being read: what was erased is overwritten later")
    return ErasureAnswer(removed={table: rows for table, rows in removed.items() if rows})


def _happenings(database: Database, customer_id: str) -> list[Happening]:
    if not is_storable(customer_id):
        return []
    with database.reading() as connection:
        names = spellings(customer_id)
        rows = [row for name in names for row in repository.history_of(connection, name)]
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
