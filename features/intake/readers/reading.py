"""What is said of a table file, and what was found in it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Reading:
    """How a table file is to be read; what is None is found by evidence.

    Attributes
    ----------
    separator : str or None
        The character between cells of text files.
    encoding : str or None
        Any name that Python knows; a byte order mark in the file is believed before it.
    skip_lines : int or None
        Lines above the line of column names.
    """

    separator: str | None = None
    encoding: str | None = None
    skip_lines: int | None = None


@dataclass(frozen=True)
class FileReading:
    """How a table file was read: nothing of it is told where the format leaves no choice.

    Attributes
    ----------
    encoding, separator : str or None
        Of text files.
    skipped_lines : tuple of str
        Lines above the column names that say something, at most 5.
    """

    encoding: str | None = None
    separator: str | None = None
    skipped_lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableFile:
    """A table file's rows, and how they were read."""

    frame: pl.LazyFrame
    found: FileReading
