"""The revisions of a store: what it is at, and how it gets to another one."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from serving.errors import ServingError
from serving.store.database import Database

# MLflow may keep its own in the same database.
VERSION_TABLE = "holdfast_revision"
PLACE = Path(__file__).parent / "migrations"
NEWEST = "head"
NONE = "base"


def revision(database: Database) -> str | None:
    """The revision that a store is at; None if there is no store in the database."""
    with database.reading() as connection:
        return _at(connection)


def newest() -> str:
    """The revision that this version of Holdfast works with."""
    return str(_scripts().get_current_head())


def migrate(database: Database, to: str = NEWEST) -> None:
    """Bring a store to another revision; with nothing there it is made.

    On the way back what only later revisions keep is lost.

    Parameters
    ----------
    database : Database
    to : str
        A revision, `head` for the newest, or `base` for none.

    Raises
    ------
    ServingError
        If there is no such revision, or the store is at one that this version does not know.
    """
    known = [script.revision for script in _scripts().walk_revisions()][::-1]
    at = revision(database)
    for name, asked in (("the store is at", at), ("asked for is", to)):
        if asked not in (*known, None, NEWEST, NONE):
            raise ServingError(
                f"{name} revision {asked}, which this version of Holdfast does not know; it knows "
                f"{', '.join(known)}. Install the version that made it, or correct it."
            )
    places = {None: 0, NONE: 0, NEWEST: len(known)} | {name: i for i, name in enumerate(known, 1)}
    with database.writing(alone="migrate") as connection:
        at = _at(connection)  # Another process may have been there meanwhile.
        go = command.upgrade if places[to] >= places[at] else command.downgrade
        go(_config(connection), to)


def ready(database: Database) -> Database:
    """A store at the newest revision; it is made where there is none.

    Raises
    ------
    ServingError
        If the store is at another revision.
    """
    found = revision(database)
    if found is None:
        migrate(database)
    elif found != newest():
        raise ServingError(
            f"the store {database.name} must be at revision {newest()}; it is at {found}. Back it "
            "up, stop what uses it, and run holdfast migrate."
        )
    return database


def _at(connection: sa.Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _config(connection: sa.Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(PLACE))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(PLACE))
