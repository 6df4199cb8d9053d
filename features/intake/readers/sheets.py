"""Sheets of workbooks, as Excel and LibreOffice keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from features.errors import HistoryError
from features.intake.dataframes import first_line
from features.intake.readers.columns import column_names, without_empty_tail
from features.intake.readers.content import Content
from features.intake.readers.layout import SAMPLE, SHOWN, header_place
from features.intake.readers.reading import FileReading, Reading, TableFile

if TYPE_CHECKING:
    from fastexcel import ExcelReader


def read_sheet(content: Content, reading: Reading) -> TableFile:
    """Read the one sheet of a workbook that has rows, cells as text.

    Whole numbers have no decimals, times are ISO 8601, formulas are their last results; cells that
    show an error, such as #N/A, are null. Rows without any cell are left out.

    Raises
    ------
    HistoryError
        If it is no workbook, needs a password, or not exactly one visible sheet has rows.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(content.source)
        sheet = _only_sheet(content.name, book)
    except fastexcel.FastExcelError as error:
        raise HistoryError(
            f"{content.name} cannot be read: {first_line(error)}. Open it and save it again as "
            ".xlsx without a password, or as .csv."
        ) from None
    above = reading.skip_lines or 0
    rows = [_cells(row) for row in sheet.slice(above).head(SAMPLE).iter_rows()]
    place = above + header_place(rows, seeks=reading.skip_lines is None)
    header = [cell or "" for cell in sheet.row(place)]
    names = column_names(content.name, header)
    body = sheet.slice(place + 1).rename(dict(zip(sheet.columns, names, strict=True))).lazy()
    body = body.filter(~pl.all_horizontal(pl.all().is_null()))
    titles = [" ".join(filter(None, row)) for row in sheet.head(place).iter_rows()]
    found = FileReading(skipped_lines=tuple(filter(None, titles))[:SHOWN])
    return TableFile(without_empty_tail(body, header), found)


def _only_sheet(name: str, book: ExcelReader) -> pl.DataFrame:
    """The rows of the sheet that has any, from its first row on; empty cells are null."""
    sheets = ((sheet, _rows(book, sheet)) for sheet in book.sheet_names)
    filled = {sheet: rows for sheet, rows in sheets if rows is not None}
    if not filled:
        raise HistoryError(f"{name} cannot be read: it is empty, no sheet has rows.")
    if len(filled) > 1:
        raise HistoryError(
            f"{name} must have one sheet with rows; got {[*filled]}. Save the one with the table "
            "as a file of its own."
        )
    return next(iter(filled.values()))


def _rows(book: ExcelReader, name: str) -> pl.DataFrame | None:
    """A visible sheet with a filled cell."""
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if sheet.visible != "visible" or not sheet.width:
        return None
    rows = sheet.to_polars().with_columns(pl.all().replace("", None))
    is_filled = any(rows[column].null_count() < rows.height for column in rows.columns)
    return rows if is_filled else None


def _cells(row: tuple[str | None, ...]) -> list[str]:
    """A row up to its last filled cell."""
    last = max((i for i, cell in enumerate(row, start=1) if cell is not None), default=0)
    return [cell or "" for cell in row[:last]]
