"""Where a history is, and the settings beside it; nothing of it is read yet."""

from __future__ import annotations

import re
from pathlib import Path

from features.errors import HistoryError
from features.intake.mapping import Mapping

MAPPING_FILE = "history.toml"
TEXT = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xls", ".xlsb", ".ods")
SUFFIXES = (".parquet", *TEXT, *WORKBOOKS, *(f"{suffix}.gz" for suffix in TEXT), ".zip")
URL = re.compile(r"[A-Za-z][\w+.-]+:/")


def read_mapping(path_or_url: str | Path, mapping: Mapping | str | Path | None) -> Mapping:
    """The mapping given, else the `history.toml` in the folder, else the default one."""
    if isinstance(mapping, Mapping):
        return mapping
    if mapping is not None:
        return Mapping.read(mapping)
    beside = Path(path_or_url) / MAPPING_FILE
    if not is_url(path_or_url) and beside.is_file():
        return Mapping.read(beside)
    return Mapping()


def require_there(path_or_url: str | Path) -> None:
    """Refuse a folder or a file that is not there; a database is only asked when it is read.

    Raises
    ------
    HistoryError
    """
    if not is_url(path_or_url) and not Path(path_or_url).exists():
        raise absent(path_or_url)


def absent(path: str | Path) -> HistoryError:
    """That there is no such history."""
    return HistoryError(f"history {path} does not exist. Give a folder, a file or a SQL URL.")


def is_url(path_or_url: str | Path) -> bool:
    """Whether it is the address of a database."""
    return URL.match(str(path_or_url)) is not None
