"""Whether Polars and Python's csv module must agree on a text, told from its bytes at once.

Polars reads only the columns that are asked for. Where a quote stands within a cell, or a record is
too short or too long, what it makes of one column then depends on the others, and rows are lost
without an error. Such a text is left to the csv module.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from features.intake.readers.content import BOM

# Small enough for a processor to keep at hand.
CHUNK = 1 << 18
NUL, LF, CR, QUOTE = b'\0\n\r"'

Bytes = NDArray[np.uint8]


def is_regular(view: bytes | mmap, start: int, separator: str, width: int) -> bool:
    r"""Whether all records after `start` have one width, and every quote is where it must be.

    Every second quote closes a cell: it stands before a separator, the end of the line or another
    quote. The others open one: they stand after such. Outside of quotes no line is blank and no
    carriage return stands alone. A zero byte is nowhere.

    Parameters
    ----------
    view : bytes or mmap
        UTF-8 text.
    start : int
        Offset of a record's first byte.
    separator : str
        One character of ASCII.
    width : int
        Cells of a record; a table of one column, whose blank lines Polars takes for rows, is never
        regular.

    Examples
    --------
    >>> is_regular(b'1,"a, b"\n2,c\n', 0, ",", width=2)
    True
    >>> is_regular(b'1,7" vinyl\n2,c\n', 0, ",", width=2)
    False
    """
    # Polars takes a byte order mark where it begins to read for none of the text.
    is_marked = view[start : start + len(BOM)] == BOM
    if width < 2 or is_marked or holds(view, start, NUL):
        return False
    data = np.frombuffer(view, np.uint8)
    mark = ord(separator)
    if holds(view, start, QUOTE):
        marks = _marks_outside_quotes(data, start, mark)
    elif not holds(view, start, CR) or _returns_end_lines(data, start):
        marks = _marks(data, start, mark)
    else:
        return False
    return _have_width(marks, width, ends_open=data[-1] != LF)


def holds(view: bytes | mmap, start: int, kind: int) -> bool:
    """Whether a byte is anywhere after `start`; mmap's own `find` takes far longer."""
    data = np.frombuffer(view, np.uint8)
    places = range(start, len(data), CHUNK)
    return any((data[place : place + CHUNK] == kind).any() for place in places)


def _have_width(marks: Iterator[Bytes | None], width: int, ends_open: bool) -> bool:
    """Whether every width-th mark, and no other, is the end of a line; None is a wrong quote."""
    place = 0
    for chunk in marks:
        if chunk is None:
            return False
        is_end = chunk == LF
        last_of_record = is_end[width - 1 - place :: width]
        if not last_of_record.all() or np.count_nonzero(is_end) != len(last_of_record):
            return False
        place = (place + len(chunk)) % width
    return place == (width - 1 if ends_open else 0)


def _marks(data: Bytes, start: int, separator: int) -> Iterator[Bytes]:
    """The separators and line ends, in their order, of text without quotes."""
    for offset in range(start, len(data), CHUNK):
        chunk = data[offset : offset + CHUNK]
        yield _only(chunk, separator, LF)


def _only(chunk: Bytes, *kinds: int) -> Bytes:
    """The bytes of some kinds, in their order; by their places, which is quicker than by a mask."""
    mask = chunk == kinds[0]
    for kind in kinds[1:]:
        mask |= chunk == kind
    return chunk[np.flatnonzero(mask)]


def _returns_end_lines(data: Bytes, start: int) -> bool:
    for offset in range(start, len(data), CHUNK):
        chunk = data[offset : offset + CHUNK + 1]
        is_return = chunk[:CHUNK] == CR
        is_end = np.append(chunk[1:], LF if len(chunk) > CHUNK else 0)[: len(is_return)] == LF
        if (is_return & ~is_end).any():
            return False
    return True


def _marks_outside_quotes(data: Bytes, start: int, separator: int) -> Iterator[Bytes | None]:
    """The separators and line ends that are not in quotes; None where a quote is misplaced."""
    is_inside = 0
    # A carriage return before a quote is within the quotes before, or stands alone.
    neighbours = np.isin(np.arange(256), [separator, LF, CR, QUOTE])
    for offset in range(start, len(data), CHUNK):
        chunk = data[offset : offset + CHUNK]
        quotes = np.flatnonzero(chunk == QUOTE) + offset
        opening, closing = quotes[is_inside::2], quotes[1 - is_inside :: 2]
        returns = np.flatnonzero(chunk == CR) + offset
        is_outside = (np.searchsorted(quotes, returns) + is_inside) % 2 == 0
        # The start and the end of a text do as well as the end of a line.
        before = data[opening[opening > start] - 1]
        after = data[closing[closing + 1 < len(data)] + 1]
        follows = data[np.minimum(returns[is_outside] + 1, len(data) - 1)]
        if not (neighbours[before].all() and neighbours[after].all() and (follows == LF).all()):
            yield None
            return
        marks = _only(chunk, separator, LF, QUOTE)
        is_quote = marks == QUOTE
        # A sum that overflows is odd where it was.
        is_out = (np.cumsum(is_quote, dtype=np.uint8) + np.uint8(is_inside)) & 1 == 0
        is_inside = (is_inside + len(quotes)) % 2
        yield marks[np.flatnonzero(is_out & ~is_quote)]
    if is_inside:
        yield None
