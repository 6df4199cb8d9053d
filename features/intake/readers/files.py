"""Any table file, read by its format."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from features.errors import HistoryError
from features.intake.dataframes import readable
from features.intake.location import SUFFIXES, TEXT
from features.intake.readers.columns import column_names
from features.intake.readers.content import Content, unpacked
from features.intake.readers.reading import FileReading, Reading, TableFile
from features.intake.readers.sheets import read_sheet
from features.intake.readers.text import read_text


def read_file(path: Path, reading: Reading | None = None) -> TableFile:
    """Read a table file: Parquet with its types, any other with cells as text, no row lost.

    Parameters
    ----------
    path : Path
        A file of one of the `location.SUFFIXES`.
    reading : Reading, optional
        What is known of the file; default: everything is found by evidence.

    Returns
    -------
    TableFile
        The rows as a lazy frame, and how they were read. Names of columns have no blanks around
        them; empty cells are null.

    Raises
    ------
    HistoryError
        If the file is of another format, is damaged, or cannot be read without losing a row.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise HistoryError(f"{path} must be a table file: {', '.join(SUFFIXES)}.")
    with readable(str(path)):
        content = unpacked(Content(path.name, path))
        name = content.name.lower()
        if name.endswith(".parquet"):
            return _read_parquet(content)
        read = read_text if name.endswith(TEXT) else read_sheet
        return read(content, reading or Reading())


def _read_parquet(content: Content) -> TableFile:
    source = content.source
    if isinstance(source, bytes):
        frame = pl.scan_parquet(io.BytesIO(source))
    else:
        frame = pl.scan_parquet(source, glob=False)
    found = frame.collect_schema().names()
    names = dict(zip(found, column_names(content.name, found), strict=True))
    return TableFile(frame.rename(names), FileReading())
