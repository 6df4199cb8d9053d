"""Text tables: by Polars where it must agree with Python's csv module, else by that module."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from reprlib import repr as shortened

import polars as pl

from features.errors import HistoryError
from features.intake.readers.columns import column_names, without_empty_tail
from features.intake.readers.content import BOM, Content
from features.intake.readers.encodings import as_utf8
from features.intake.readers.layout import Layout, layout_of, open_quote
from features.intake.readers.reading import FileReading, Reading, TableFile
from features.intake.readers.records import OpenQuoteError, cells_of_any_length, numbered_records
from features.intake.readers.regular import QUOTE, holds, is_regular

# Records that are held as Python's objects at a time.
BATCH = 50_000


def read_text(content: Content, reading: Reading) -> TableFile:
    """Read a text table, cells as text, empty ones as null.

    Raises
    ------
    HistoryError
        If bytes are of another encoding, records differ in width, a quote stays open, or two
        columns have one name.
    """
    content, encoding = as_utf8(content, reading.encoding)
    with cells_of_any_length():
        layout = layout_of(content, reading)
        names = column_names(content.name, layout.header)
        frame = _scanned(content, layout, names)
        if frame is None:
            frame = _parsed(content, layout, names)
    frame = without_empty_tail(frame, layout.header)
    return TableFile(frame, FileReading(encoding, layout.separator, layout.skipped_lines))


def _scanned(content: Content, layout: Layout, names: list[str]) -> pl.LazyFrame | None:
    """The frame by Polars, lazily; None where only the csv module may read it."""
    view = content.view()
    start = _offset(content, layout.body_line)
    if start == len(view):
        return pl.LazyFrame(schema=dict.fromkeys(names, pl.String))
    above = view[:start]
    is_whole = above.endswith(b"\n")
    if not (is_whole and is_regular(view, start, layout.separator, len(names))):
        return None
    has_quotes = holds(view, start, QUOTE)
    return pl.scan_csv(
        content.source,
        has_header=False,
        skip_lines=above.count(b"\n"),
        schema=dict.fromkeys(names, pl.String),
        separator=layout.separator,
        quote_char='"' if has_quotes else None,
        # Polars takes an empty cell in quotes for an empty text.
        null_values=[""] if has_quotes else None,
        glob=False,
    )


def _offset(content: Content, line: int) -> int:
    """The offset of a line's first byte."""
    mark = len(BOM) if content.view()[: len(BOM)] == BOM else 0
    return mark + sum(len(text.encode()) for text in islice(content.lines(), line - 1))


def _parsed(content: Content, layout: Layout, names: list[str]) -> pl.LazyFrame:
    """The frame by the csv module, in memory."""
    schema = dict.fromkeys(names, pl.String)
    frames = [pl.DataFrame(schema=schema)]
    rows = _rows(content, layout)
    while batch := list(islice(rows, BATCH)):
        frame = pl.DataFrame(batch, schema=schema, orient="row")
        frames.append(frame.with_columns(pl.all().replace("", None)))
    return pl.concat(frames).lazy()


def _rows(content: Content, layout: Layout) -> Iterator[list[str]]:
    body = islice(content.lines(), layout.body_line - 1, None)
    above, width = layout.body_line - 1, len(layout.header)
    try:
        for line, _, cells in numbered_records(body, layout.separator):
            if len(cells) not in {0, width}:
                raise _uneven(content.name, above + line, cells, layout)
            if cells:
                yield cells
    except OpenQuoteError as error:
        raise open_quote(content.name, above + error.line) from None


def _uneven(name: str, line: int, cells: list[str], layout: Layout) -> HistoryError:
    text = shortened(layout.separator.join(cells))
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return HistoryError(
        f"{name} line {line} has {count}, the header has {len(layout.header)}: {text}. "
        f"Correct the line, or put a cell that holds {layout.separator!r} or a quote in quotes; if "
        "the header is not the line of column names, set skip_lines in history.toml."
    )
