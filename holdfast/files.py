"""Where commands write: checked before the work, replaced whole after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.failures import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from features.intake.mapping import Mapping

SUFFIXES = (".parquet", ".csv")
CALENDAR_DATES = ("expected_next_order",)


def table_target(option: str, path: str) -> Path:
    """The path of a table to write.

    Raises
    ------
    RequestError
        If it is no .parquet or .csv file, or cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{option} must end in .parquet or .csv; got {path}.")
    return file_target(option, path)


def file_target(option: str, path: str) -> Path:
    """The path of a file to write.

    Raises
    ------
    RequestError
        If its folder is absent or closed to us, or it is a folder itself.
    """
    target = Path(path)
    if target.is_dir():
        raise RequestError(f"{option} must be a file; got the folder {path}.")
    if not target.parent.is_dir():
        raise RequestError(f"{option} must be in a folder that exists; {target.parent} does not.")
    if not os.access(target.parent, os.W_OK):
        raise RequestError(
            f"{option} must be in a folder you may write to; {target.parent} is not."
        )
    return target


def spare_history(option: str, target: Path, history: str, mapping: Mapping) -> None:
    """Refuse to write over a file that the history is read from.

    Raises
    ------
    RequestError
        If the target is one of the history's own files.
    """
    if any(target.resolve() == own.resolve() for own in _files(Path(history), mapping)):
        raise RequestError(f"{option} must not be a file of the history itself; got {target}.")


def _files(history: Path, mapping: Mapping) -> list[Path]:
    from features.intake.location import SUFFIXES as READ
    from features.intake.mapping import TABLES

    of = [mapping.of(table) for table in TABLES]
    named = [name for own in of for name in (own.file, *own.files) if name]
    globbed = (path for name in named for path in history.glob(name))
    usual = [f"{table}{suffix}" for table in TABLES for suffix in READ]
    parts = (p for t in TABLES for p in history.glob(f"{t}*") if p.name.lower().endswith(READ))
    return [history, *(history / name for name in (*usual, *named)), *globbed, *parts]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A place beside the target to write to; in the end it takes the target's place.

    Who reads the target meanwhile sees the old file or the new one, never a part.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, target: Path) -> None:
    """Write a table by the suffix of the target; NaN becomes null, ids stay text."""
    import polars as pl
    import polars.selectors as cs

    frame = pl.from_pandas(table).with_columns(
        cs.by_dtype(pl.Null).cast(pl.String),
        # pandas has no type for a day without a time.
        cs.by_name(*CALENDAR_DATES, require_all=False).cast(pl.Date),
    )
    with replacing(target) as draft:
        if target.suffix.lower() == ".parquet":
            frame.write_parquet(draft)
        else:
            frame.write_csv(draft)


def require_table(option: str, source: Path) -> None:
    """Refuse what is no table, or is not there, before anything is read.

    Raises
    ------
    RequestError
    """
    if source.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{option} must end in .parquet or .csv; got {source}.")
    if not source.is_file():
        raise RequestError(f"{option} must be a file that exists; {source} does not.")


def read_table(option: str, source: Path) -> pd.DataFrame:
    """Read a table that a command wrote; of a CSV file every cell as text, so that ids stay whole.

    Raises
    ------
    RequestError
        If it is no .parquet or .csv file, is absent or cannot be read.
    """
    import polars as pl

    from features.to_pandas import to_pandas

    require_table(option, source)
    try:
        if source.suffix.lower() == ".parquet":
            return to_pandas(pl.read_parquet(source))
        return to_pandas(pl.read_csv(source, infer_schema=False))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RequestError(f"{option} {source} cannot be read: {error}.") from None
