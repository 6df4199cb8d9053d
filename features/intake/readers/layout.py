"""Where the names of a text table's columns stand, and what parts its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from features.errors import HistoryError
from features.intake.readers.content import Content
from features.intake.readers.reading import Reading
from features.intake.readers.records import OpenQuoteError, numbered_records

SEPARATORS = ",;\t|"
SAMPLE = 50
# Lines that are looked at for the sample: records may have several.
HEAD = 1000
SAID_BY_EXCEL = re.compile(r'"?sep=([\t !#-~])"?[\r\n]*')
SHOWN = 5


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out.

    Attributes
    ----------
    separator : str
    header : tuple of str
        The cells of the line of column names, as they are.
    body_line : int
        The line after it, from 1.
    skipped_lines : tuple of str
        Lines above it that say something, at most 5.
    """

    separator: str
    header: tuple[str, ...]
    body_line: int
    skipped_lines: tuple[str, ...]


def layout_of(content: Content, reading: Reading) -> Layout:
    """Find the separator and the column names of UTF-8 text.

    Raises
    ------
    HistoryError
        If there is no line of column names.
    """
    head = list(islice(content.lines(), HEAD + (reading.skip_lines or 0)))
    excel = SAID_BY_EXCEL.fullmatch(head[0]) if head else None
    above = max(reading.skip_lines or 0, 1 if excel else 0)
    lines = head[above:]
    separator = reading.separator or (excel[1] if excel else separator_of(lines))
    records = _sample(lines, separator)
    if not any(cells for _, _, cells in records):
        raise _nameless(content.name, lines, above, separator)
    place = header_place([cells for _, _, cells in records], seeks=reading.skip_lines is None)
    first, after, header = records[place]
    titles = (
        line.strip().rstrip(separator) for line in head[1 if excel else 0 : above + first - 1]
    )
    return Layout(
        separator, tuple(header), above + after, tuple(islice(filter(None, titles), SHOWN))
    )


def open_quote(name: str, line: int) -> HistoryError:
    """That a quote swallows the rest of a file."""
    return HistoryError(
        f"{name} line {line} opens a quote that nothing closes: all after it is one cell. Write a "
        "quote within a cell twice, and put the cell in quotes."
    )


def separator_of(lines: Sequence[str]) -> str:
    r"""The separator that gives most records one width of two cells or more, the larger if two do.

    Examples
    --------
    >>> separator_of(["id;amount\n", "1;2,50\n", "2;3,50\n"])
    ';'
    """
    widths = {mark: _widths(lines, mark) for mark in SEPARATORS}
    evidence = {mark: _evidence(found) for mark, found in widths.items()}
    best = max(SEPARATORS, key=lambda mark: evidence[mark])
    if evidence[best] > (0, 0):
        return best
    return max(SEPARATORS, key=lambda mark: widths[mark].count(1))


def header_place(records: Sequence[Sequence[str]], seeks: bool = True) -> int:
    """Which of the first records holds the column names.

    Titles above them have clearly fewer cells than the records of the file, or as many of which
    most are empty. They are passed over only if a record of names comes after them: of the usual
    width, every cell filled but for the last ones, and none of them a number.

    Parameters
    ----------
    records : sequence of sequences of str
        Cells of the first records; blank lines have none.
    seeks : bool
        Whether titles may be passed over, or nothing but blank lines.

    Examples
    --------
    >>> header_place([["Report", "", ""], [], ["id", "day", "amount"], ["1", "", "5"]])
    2
    """
    first = next(place for place, cells in enumerate(records) if cells)
    if not seeks:
        return first
    usual = _usual([len(cells) for cells in records if cells])
    place = next((i for i, cells in enumerate(records) if not _is_title(cells, usual)), first)
    return place if _are_names(records[place], usual) else first


def _nameless(name: str, lines: Sequence[str], above: int, separator: str) -> HistoryError:
    try:
        any(numbered_records(lines, separator))
    except OpenQuoteError as error:
        return open_quote(name, above + error.line)
    return HistoryError(f"{name} cannot be read: it is empty, without even a line of column names.")


def _is_title(cells: Sequence[str], usual: int) -> bool:
    filled = sum(1 for cell in cells if cell.strip())
    is_short = len(cells) < usual and (filled <= 1 or 2 * filled <= usual)
    return is_short or 2 * filled < usual


def _are_names(cells: Sequence[str], usual: int) -> bool:
    filled = [bool(cell.strip()) for cell in cells]
    is_whole = len(cells) == usual and filled == sorted(filled, reverse=True)
    return is_whole and not any(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    return any(mark.isdigit() for mark in cell) and not any(mark.isalpha() for mark in cell)


def _evidence(widths: Sequence[int]) -> tuple[int, int]:
    """How many records have the usual width, and the width; the first one speaks for the names."""
    width = _usual(widths)
    count = widths.count(width)
    is_shared = width > 1 and (2 * count > len(widths) or widths[0] == width)
    return (count, width) if is_shared else (0, 0)


def _usual(widths: Sequence[int]) -> int:
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _widths(lines: Sequence[str], separator: str) -> list[int]:
    return [len(cells) for _, _, cells in _sample(lines, separator) if cells]


def _sample(lines: Iterable[str], separator: str) -> list[tuple[int, int, list[str]]]:
    """The first records, as many as are needed; one that the end of the head cuts is not."""
    found: list[tuple[int, int, list[str]]] = []
    try:
        for record in numbered_records(lines, separator):
            found.append(record)
            if len(found) > SAMPLE and record[2]:
                break
    except OpenQuoteError:
        return found
    return found
