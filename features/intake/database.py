"""The tables of a history in a SQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from features.errors import HistoryError
from features.intake.dataframes import first_line, series_of
from features.intake.mapping import TABLES, Mapping

if TYPE_CHECKING:
    import sqlalchemy as sa

EXAMPLES = "sqlite:///shop.db or postgresql://user:password@host/shop"


def read_database(url: str, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    """Read the history's tables from a database, whole, into memory.

    Parameters
    ----------
    url : str
        A SQLAlchemy URL; `postgresql://` means psycopg. No message ever shows it.
    mapping : Mapping
        Names of tables, as `table` or `schema.table`.

    Raises
    ------
    HistoryError
        If the URL is none, the database cannot be read, or a table is missing.
    """
    import sqlalchemy as sa

    with connection_to(url) as connection:
        present = _present(sa.inspect(connection), mapping)
        return {
            table: _read(connection, name, mapping.decimal).lazy()
            for table, name in present.items()
        }


@contextmanager
def connection_to(url: str) -> Iterator[sa.Connection]:
    """A connection to read from, for as long as it is needed.

    Raises
    ------
    HistoryError
        If the URL is none, or the database cannot be read.
    """
    from sqlalchemy.exc import SQLAlchemyError

    engine = _engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = _without_secrets(first_line(error), engine.url)
        raise HistoryError(f"the database cannot be read: {reason}.") from None
    finally:
        engine.dispose()


def psycopg_url(url: str) -> str:
    """The URL with the driver that is installed, where it names PostgreSQL alone."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _engine(url: str) -> sa.Engine:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        engine = sa.create_engine(psycopg_url(url))
    except (ArgumentError, ValueError):
        raise HistoryError(
            f"the SQL URL cannot be understood. Write {EXAMPLES}; the characters @ : / and % of a "
            "password must be percent-encoded."
        ) from None
    except ModuleNotFoundError as error:
        raise HistoryError(f"the database needs its driver: {error}. Install it.") from None
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise HistoryError(f"database {engine.url.database} does not exist. Check the path.")
    return engine


def _present(inspector: sa.Inspector, mapping: Mapping) -> dict[str, str]:
    """History table -> table or view of the database, for those that are there."""
    present = {}
    for table in TABLES:
        name = mapping.of(table).table
        schema, _, plain = (name or table).rpartition(".")
        if inspector.has_table(plain, schema=schema or None):
            present[table] = name or table
        elif table == "orders" or name is not None:
            raise HistoryError(
                f"the database has no table {name or table!r}; it has "
                f"{_names(inspector, schema or None)}. "
                f'Name the table under [{table}] table = "…" in the mapping.'
            )
    return present


def _names(inspector: sa.Inspector, schema: str | None) -> list[str]:
    if schema is not None and schema not in inspector.get_schema_names():
        return []
    return sorted(inspector.get_table_names(schema) + inspector.get_view_names(schema))


def _read(connection: sa.Connection, name: str, decimal: str | None) -> pl.DataFrame:
    import sqlalchemy as sa

    schema, _, plain = name.rpartition(".")
    source = sa.table(plain, schema=schema or None)
    result = connection.execute(sa.select(sa.text("*")).select_from(source))
    names = list(result.keys())
    rows: list[Any] = list(result.fetchall())
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pl.DataFrame(
        [series_of(name, values, decimal) for name, values in zip(names, columns, strict=True)]
    )


def _without_secrets(message: str, url: sa.URL) -> str:
    secrets = [url.password, *(v for k, v in url.query.items() if "pass" in k.lower())]
    for secret in secrets:
        if secret:
            message = message.replace(str(secret), "***")
    return message
