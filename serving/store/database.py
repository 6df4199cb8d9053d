"""A connection to the store: reads of one moment, writes that are whole or not at all."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoneFreeError

from features.intake.database import psycopg_url
from serving.errors import ServingError, StoreUnavailableError

Connection = sa.Connection
EXAMPLES = "sqlite:///holdfast.db or postgresql://user:password@host/database"
DIALECTS = ("sqlite", "postgresql")
# In seconds: how long a write waits for another one, and a connection for the server.
BUSY = 5
# More requests than threads are never at work at once.
CONNECTIONS = 48


# Classes of SQLSTATE: connections, conflicts, resources, locks, and the server's going down.
PASSING = ("08", "40", "53", "55", "57")

# What SQLite says of a file that is none of its own, or no longer.
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreFailedError(Exception):
    """The database refused a statement; the message has no values, which may be of persons."""


class Database:
    """The database of a store.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._has_to_forget = False

    @classmethod
    def at(cls, url: str) -> Self:
        """Name the database; nothing is opened.

        Raises
        ------
        ServingError
            If the URL is none, or of another kind of database.
        """
        try:
            address = sa.make_url(psycopg_url(url))
        except (ArgumentError, ValueError):
            raise ServingError(
                f"the store's URL cannot be understood. Write {EXAMPLES}; the characters @ : / "
                "and % of a password must be percent-encoded."
            ) from None
        if address.get_backend_name() not in DIALECTS:
            raise ServingError(
                f"a store must be in SQLite or PostgreSQL; got {address.get_backend_name()}. "
                f"Write {EXAMPLES}."
            )
        if address.get_backend_name() == "sqlite" and not address.database:
            raise ServingError(f"a store in SQLite must be a file; got none. Write {EXAMPLES}.")
        if address.get_backend_name() == "sqlite":
            return cls(_sqlite(address))
        waits = {"connect_timeout": BUSY, "options": _options(address)}
        bare = address.difference_update_query(["options"])
        return cls(sa.create_engine(bare, connect_args=waits, **_pool()))

    @property
    def name(self) -> str:
        """Its address without a password."""
        # Without its query, which may hold a password too.
        return self._engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees the database as it is at its first statement.

        Raises
        ------
        StoreUnavailableError
        """
        with self._connected("REPEATABLE READ") as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, alone: str | None = None) -> Iterator[sa.Connection]:
        """A transaction: committed at the end, undone if it is left by an error.

        Parameters
        ----------
        alone : str, optional
            What no other transaction does meanwhile; in SQLite none writes anyway.

        Raises
        ------
        StoreUnavailableError
        """
        with self._connected("READ COMMITTED", writes=True) as connection, connection.begin():
            if alone is not None and not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(alone))))
            yield connection

    @contextmanager
    def _connected(self, level: Any, writes: bool = False) -> Iterator[sa.Connection]:
        options: dict[str, Any] = {"holdfast_writes": writes}
        if not self.is_sqlite:
            options["isolation_level"] = level
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(**options)
        except NoneFreeError:
            raise self._unavailable("all connections are at work") from None
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorcode", None) in DAMAGED:
                raise StoreUnavailableError(
                    f"the store {self.name} is damaged: {_said(error)}. Put a backup in its place."
                ) from None
            if _is_passing(error):
                raise self._unavailable(_said(error)) from None
            raise StoreFailedError(_said(error)) from None

    def forget(self) -> bool:
        """Have nothing of what was deleted left in the log of a file; whether it is so.

        While somebody reads it cannot be; `forget_again` then does it later.
        """
        self._has_to_forget = self.is_sqlite
        return self.forget_again()

    def forget_again(self) -> bool:
        """Forget what could not be forgotten before, if there is something."""
        if self._has_to_forget:
            with self._engine.connect() as connection:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            self._has_to_forget = bool(row[0])
        return not self._has_to_forget

    def _unavailable(self, reason: str) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"the store {self.name} does not answer: {reason}. Check that it is there and may be "
            "written to; what was committed before is kept."
        )

    def close(self) -> None:
        """Give up all connections."""
        self._engine.dispose()


def _number(name: str) -> int:
    """By which the server knows a lock."""
    return int.from_bytes(hashlib.sha256(f"holdfast {name}".encode()).digest()[:7])


def _pool() -> dict[str, Any]:
    return {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": BUSY}


def _options(address: sa.URL) -> str:
    """Options of the URL, and that nothing is waited for without end."""
    given = address.query.get("options", "")
    own = f"-c lock_timeout={BUSY}s -c idle_in_transaction_session_timeout=60s"
    return f"{given} {own}".strip()


# What is deleted is overwritten: erasing somebody leaves nothing in the file.
PRAGMAS = ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL", "secure_delete = ON")


def _sqlite(address: sa.URL) -> sa.Engine:
    engine = sa.create_engine(address, connect_args={"timeout": BUSY}, **_pool())

    # As SQLAlchemy's documentation of SQLite has it: the driver begins no transactions itself.
    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("holdfast_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _is_passing(error: DBAPIError) -> bool:
    """Whether an error is of the moment, such as a lock or a lost connection."""
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(PASSING)


def _said(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement and its values, which may be of persons."""
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().partition("\n")[0].rstrip(".")
