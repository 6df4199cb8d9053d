import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from serving.errors import ServingError
from serving.store.database import Database
from serving.store.migrating import VERSION_TABLE, migrate, newest, ready, revision
from serving.store.tables import METADATA


@pytest.fixture
def nothing(store):
    found = Database.at(store)
    yield found
    found.close()


def test_the_revisions_make_the_tables_that_the_code_works_with(database):
    with database.reading() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_a_store_that_is_not_there_is_made(nothing):
    assert revision(nothing) is None
    assert revision(ready(nothing)) == newest()


def test_the_way_back_leaves_nothing(database):
    migrate(database, "base")
    assert revision(database) is None
    with database.reading() as connection:
        assert sa.inspect(connection).get_table_names() == [VERSION_TABLE]
    assert revision(ready(database)) == newest()


def test_a_store_at_an_older_revision_has_to_be_migrated(nothing, monkeypatch):
    ready(nothing)
    monkeypatch.setattr("serving.store.migrating.newest", lambda: "9999")
    with pytest.raises(
        ServingError, match=r"must be at revision 9999; it is at .* holdfast migrate"
    ):
        ready(nothing)


def test_a_store_of_a_later_version_is_refused(database):
    with database.writing() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ServingError, match="the store is at revision 9999, which this version"):
        migrate(database)


def test_a_revision_that_is_none_is_refused(database):
    with pytest.raises(ServingError, match="asked for is revision x"):
        migrate(database, "x")
