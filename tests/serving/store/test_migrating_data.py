"""Stores with something in them, at every revision that there was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from serving.clock import ShopClock
from serving.customers import service as customers
from serving.customers.schemas import CustomerQuery
from serving.events.service import take_events
from serving.imports.service import import_history
from serving.keys.service import create_key
from serving.persons.service import erase, timeline
from serving.publications.files import read_scores
from serving.publications.service import Published, publish
from serving.store.database import Database
from serving.store.migrating import PLACE, VERSION_TABLE, migrate, ready, revision
from serving.store.tables import METADATA

REVISIONS = [each.revision for each in ScriptDirectory(str(PLACE)).walk_revisions()][:0:-1]
EVERY = ["new", "active", "at_risk", "lapsed"]
NOW = datetime(2026, 1, 2)
AT = datetime(2026, 1, 1, 12)
# What a cell may hold that nothing of this test writes.
MADE_UP: dict[type, Any] = {int: 1, str: "a", datetime: AT, date: AT.date(), float: 0.5,
                            bool: True, object: {"a": 1}}  # fmt: skip


def order(number: int, customer_id: str = "a") -> dict[str, Any]:
    return {"type": "order", "event_id": f"e{number}", "customer_id": customer_id,
            "order_id": f"o{number}", "ordered_at": "2026-01-01", "amount": 20}  # fmt: skip


@pytest.fixture
def known(tmp_path, served):
    """A store of the newest revision with rows in every table."""
    database = ready(Database.at(f"sqlite:///{tmp_path / 'known.db'}"))
    rows = {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2025-12-01"], "amount": [9.0]}
    mapping = Mapping(currency="EUR")
    import_history(database, take_in({"orders": pl.DataFrame(rows)}, mapping), mapping)
    run = read_scores(served.scores, served.tracker)
    publish(database, run.rows.head(5), run.terms)
    create_key(database, "shop", ["read"], "a test")
    take_events(database, [order(1), order(2, "b")], ShopClock(NOW))
    erase(database, ShopClock(NOW), "b", "a test")
    with database.writing() as connection:
        for table in METADATA.sorted_tables:
            if connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
                connection.execute(sa.insert(table).values(_made_up(table)))
    yield database
    database.close()


def _made_up(table: sa.Table) -> dict[str, Any]:
    return {column.name: MADE_UP[column.type.python_type] for column in table.c}


def rows_of(database: Database, tables: sa.MetaData) -> dict[str, list[Any]]:
    """The rows of some columns of some tables, in an order of their own."""
    found = {}
    with database.reading() as connection:
        for table in tables.sorted_tables:
            names = [column.name for column in table.c]
            own = METADATA.tables[table.name].c
            rows = connection.execute(sa.select(*(own[name] for name in names))).mappings()
            found[table.name] = sorted((dict(row) for row in rows), key=repr)
    return found


def tables_of(database: Database) -> sa.MetaData:
    found = sa.MetaData()
    with database.reading() as connection:
        found.reflect(connection)
    found.remove(found.tables[VERSION_TABLE])
    return found


@pytest.fixture(params=REVISIONS)
def old(request, store, known):
    """A store of an earlier revision, with what that could hold of the known one's rows."""
    database = Database.at(store)
    migrate(database, request.param)
    rows = rows_of(known, tables_of(database))
    with database.writing() as connection:
        for name, own in rows.items():
            assert own, name
            connection.execute(sa.insert(METADATA.tables[name]), own)
            _count_on(connection, METADATA.tables[name], own)
    yield database
    database.close()


def _count_on(connection: Any, table: sa.Table, rows: list[Any]) -> None:
    """Have PostgreSQL number later rows from there on."""
    if connection.dialect.name == "postgresql" and table.autoincrement_column is not None:
        name = table.autoincrement_column.name
        sequence = sa.func.pg_get_serial_sequence(table.name, name)
        connection.execute(sa.select(sa.func.setval(sequence, max(row[name] for row in rows))))


def test_what_a_store_held_is_there_after_every_revision_and_it_works(old, known, store, served):
    tables = tables_of(old)
    migrate(old)
    assert rows_of(old, tables) == rows_of(known, tables)
    page = customers.a_page(Published(old), CustomerQuery(stage=EVERY))
    assert page.total == 5
    orders = History.open(store).upto(NOW.replace(day=3)).orders.collect()
    assert orders["order_id"].to_list() == ["1", "o1"]
    assert timeline(old, "a") == timeline(known, "a")

    answer = take_events(old, [order(1), order(3)], ShopClock(NOW))
    assert answer.accepted + answer.duplicate == 2
    run = read_scores(served.scores, served.tracker)
    publish(old, run.rows, run.terms)
    assert customers.a_page(Published(old), CustomerQuery(stage=EVERY)).total == run.rows.height


def test_the_way_back_and_on_again_keeps_what_the_earlier_revision_held(old, known):
    at, tables = revision(old), tables_of(old)
    migrate(old)
    migrate(old, str(at))
    assert revision(old) == at
    migrate(old)
    assert rows_of(old, tables) == rows_of(known, tables)
