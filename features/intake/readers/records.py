"""Records of a text table by Python's csv module, with the lines on which they begin."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

LINE_END = re.compile(r"\r\n|\r|\n")


class OpenQuoteError(ValueError):
    """A quote that nothing closes; `line` is where it opens."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def numbered_records(lines: Iterable[str], separator: str) -> Iterator[tuple[int, int, list[str]]]:
    r"""Each record with its first line, from 1, and the line after it; a blank line has no cells.

    Raises
    ------
    OpenQuoteError
        If the last record never ends.

    Examples
    --------
    >>> list(numbered_records(['a,"b\n', 'c"\n', "\n", "d,e"], ","))
    [(1, 3, ['a', 'b\nc']), (3, 4, []), (4, 5, ['d', 'e'])]
    """
    # A blank line after the last one is a record of its own, unless a quote is still open.
    reader = csv.reader(chain(lines, ["\n"]), delimiter=separator)
    cells: list[str] | None = None
    line = after = 1
    for following in reader:
        if cells is not None:
            yield line, after, cells
        line, after, cells = after, reader.line_num + 1, following
    if cells:
        raise OpenQuoteError(line + sum(len(LINE_END.findall(cell)) for cell in cells[:-1]))


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit of the length of a cell, which is the whole process's."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
