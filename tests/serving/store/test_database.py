import sqlite3
import time
import traceback
from datetime import timedelta

import pytest
import sqlalchemy as sa

from features.intake.store.tables import BATCHES
from serving.clock import utc_now
from serving.errors import ServingError, StoreUnavailableError
from serving.store.database import Database, StoreFailedError
from serving.store.history import begin_batch
from serving.store.migrating import revision
from serving.store.tables.events import WAITING
from serving.store.upserts import put


def batches(database):
    with database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(BATCHES))


def test_what_was_written_is_kept(database):
    with database.writing() as connection:
        begin_batch(connection, "import", utc_now())
    assert batches(database) == 1


def test_an_error_undoes_the_whole_transaction(database):
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        begin_batch(connection, "import", utc_now())
        _ = 1 / 0
    assert batches(database) == 0


def test_a_reader_sees_one_moment(database):
    with database.reading() as reader:
        before = reader.scalar(sa.select(sa.func.count()).select_from(BATCHES))
        with database.writing() as connection:
            begin_batch(connection, "import", utc_now())
        again = reader.scalar(sa.select(sa.func.count()).select_from(BATCHES))
    assert (before, again, batches(database)) == (0, 0, 1)


def test_a_locked_file_is_waited_for_and_then_told(tmp_path):
    database = Database.at(f"sqlite:///{tmp_path / 'store.db'}")
    revision(database)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="locked"), database.writing():
        pass
    assert 4 < time.monotonic() - began < 15
    other.execute("COMMIT")
    with database.writing() as connection:
        assert connection.scalar(sa.select(1)) == 1
    other.close()
    database.close()


def test_a_server_that_is_not_there_is_told_without_the_password():
    database = Database.at("postgresql://shop:s3cret@127.0.0.1:1/shop")
    with (
        pytest.raises(StoreUnavailableError, match="does not answer") as caught,
        database.reading(),
    ):
        pass
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://host/shop", "must be in SQLite or PostgreSQL; got mysql"),
        ("sqlite://", "must be a file"),
        ("store.db", "cannot be understood"),
        ("postgresql://a:b@h:port/x", "cannot be understood"),
    ],
)
def test_an_address_that_is_no_store_is_refused(url, told):
    with pytest.raises(ServingError, match=told):
        Database.at(url)


def test_no_address_shows_a_password_in_its_query():
    database = Database.at("postgresql://127.0.0.1/shop?user=me&password=s3cret")
    assert "s3cret" not in database.name
    database.close()


def test_a_fault_of_the_database_names_no_values(database):
    with database.writing() as connection:
        put(connection, WAITING, [{"customer_id": "person-7", "since": utc_now()}])
    with pytest.raises(StoreFailedError) as caught, database.writing() as connection:
        row = {"customer_id": "person-7", "since": utc_now()}
        connection.execute(sa.insert(WAITING).values(**row))
    trace = "".join(traceback.format_exception(caught.value))
    assert "person-7" not in trace


def test_a_row_that_is_there_is_changed_where_asked(database):
    now = utc_now()
    with database.writing() as connection:
        for at in (now, now + timedelta(days=1)):
            put(connection, WAITING, [{"customer_id": "a", "since": at}], "since")
        put(connection, WAITING, [{"customer_id": "a", "since": now}])
        assert connection.scalar(sa.select(WAITING.c.since)) == now + timedelta(days=1)
