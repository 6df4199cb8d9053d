"""Where runs and models are kept: the address, and the making of a SQLite database there."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from training.errors import TrainingError

ADDRESS = re.compile(r"databricks|[a-z][a-z0-9+.-]+://")


class TrackingError(TrainingError):
    """The tracking store lacks what was asked for, or cannot be used."""


def tracking_uri() -> str:
    """Address of the tracking store: MLFLOW_TRACKING_URI, else `mlruns/mlflow.db` where we are.

    Returns
    -------
    str
        A SQLite database with its absolute path.

    Raises
    ------
    TrackingError
        If MLFLOW_TRACKING_URI names a plain folder, which MLflow no longer takes.
    """
    return absolute(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlruns/mlflow.db")


def absolute(uri: str) -> str:
    """Return the address with the path of a SQLite database made absolute.

    Raises
    ------
    TrackingError
        If it names a plain folder or a database in memory.
    """
    database = database_path(uri)
    if database is not None:
        path = database.as_posix()
        _, mark, options = uri.partition("?")
        # SQLAlchemy unquotes paths from 2.1 on.
        spelt = path if database_path(f"sqlite:///{path}") == database else path.replace("%", "%25")
        return f"sqlite:///{spelt}{mark}{options}"
    if ADDRESS.match(uri) is None or uri.startswith(("file:", "sqlite:")):
        raise TrackingError(
            f"MLFLOW_TRACKING_URI must name a database or a server; got {uri}. MLflow keeps no "
            "runs in plain folders or in memory: unset it, or use "
            f"{absolute('sqlite:///mlruns/mlflow.db')}."
        )
    return uri


def database_path(uri: str) -> Path | None:
    """Return the path of a SQLite database; None for any other address."""
    if not uri.startswith("sqlite:"):
        return None
    from sqlalchemy.engine import make_url

    path = make_url(uri).database
    return None if path in {None, "", ":memory:"} else Path(path).absolute()


def shown(uri: str) -> str:
    """Return the address without its password."""
    return re.sub(r"//([^/:@]*):[^/@]*@", r"//\1:***@", uri)


def make_database(database: Path, fill: Callable[[str], None]) -> None:
    """Make a database in one step, which `fill` makes slowly at an address of its own.

    Two processes that let MLflow make the same one break each other's migrations, and one that is
    interrupted leaves it half made.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    whole = database.with_name(f".{database.name}.{uuid.uuid4().hex}")
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            blank = Path(place) / "blank.db"
            fill(absolute(f"sqlite:///{blank.as_posix()}"))
            with closing(sqlite3.connect(blank)) as source:
                source.execute("VACUUM INTO ?", [str(whole)])
        # Another process was first, or there are no hard links here and MLflow makes its own.
        with suppress(OSError):
            os.link(whole, database)
    finally:
        whole.unlink(missing_ok=True)
