"""Where a history comes from: a folder, a file or a database, read as it is."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import HistoryError
from features.intake.database import read_database
from features.intake.dataframes import first_line
from features.intake.location import MAPPING_FILE, SUFFIXES, absent, is_url
from features.intake.mapping import TABLES, Mapping, TableMapping
from features.intake.readers.files import read_file
from features.intake.readers.reading import Reading


def read_tables(path_or_url: str | Path, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    """Find the history's tables and read them as they are.

    Parameters
    ----------
    path_or_url : str or Path
        A folder of table files named after the tables, a single file of orders, or a SQL URL
        (`sqlite:///shop.db`, `postgresql://host/shop`).
    mapping : Mapping
        Names of files, tables and columns.

    Returns
    -------
    dict
        Table name -> frame with the source's columns. Cells of files are text, but for those of
        Parquet. `orders` is there.

    Raises
    ------
    HistoryError
        If the path does not exist, holds no orders, or cannot be read.
    """
    if is_url(path_or_url):
        return read_database(str(path_or_url), mapping)
    path = Path(path_or_url)
    if path.is_dir():
        return _read_folder(path, mapping)
    if path.is_file():
        return {"orders": _scan(path, mapping)}
    raise absent(path)


def select_rows(table: str, frame: pl.LazyFrame, mapping: TableMapping) -> pl.LazyFrame:
    """Leave out the rows that the mapping's `drop` condition names.

    Raises
    ------
    HistoryError
        If the condition is no SQL over the source's columns.
    """
    if mapping.drop is None:
        return frame
    try:
        context = pl.SQLContext({table: frame})
        kept = context.execute(f"SELECT * FROM {table} WHERE NOT COALESCE(({mapping.drop}), FALSE)")
        kept.collect_schema()
        return kept
    except pl.exceptions.PolarsError as error:
        raise HistoryError(
            f"[{table}] drop must be a SQL condition over the columns of the source; got "
            f"{mapping.drop!r}: {first_line(error)}."
        ) from None


def constants(table: str, frame: pl.LazyFrame, values: Dict[str, Any]) -> pl.LazyFrame:
    """Add the mapping's constant columns.

    Raises
    ------
    HistoryError
        If the source has a column of that name.
    """
    if values and (taken := sorted(set(values) & set(frame.collect_schema()))):
        raise HistoryError(
            f"[{table}.constants] must name columns that the source does not have; got {taken}. "
            f"Remove them, or map the column to another name under [{table}.columns]."
        )
    return frame.with_columns(**{name: pl.lit(value) for name, value in values.items()})


def _read_folder(folder: Path, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    found = {table: _find(folder, table, mapping.of(table)) for table in TABLES}
    if found["orders"] is None:
        names = sorted(path.name for path in folder.iterdir())[:10]
        raise HistoryError(
            f"history {folder} has no orders: expected orders.csv, orders.xlsx, orders.parquet or "
            f"the like; it holds {names}. Rename the file, or name it under [orders] "
            f'file = "…" in {MAPPING_FILE}.'
        )
    return {table: _scan(path, mapping) for table, path in found.items() if path is not None}


def _find(folder: Path, table: str, mapping: TableMapping) -> Path | None:
    if mapping.file is not None:
        path = folder / mapping.file
        if not path.is_file():
            raise HistoryError(f"[{table}] file: {path} does not exist. Correct the mapping.")
        return path
    found = [folder / f"{table}{s}" for s in SUFFIXES if (folder / f"{table}{s}").is_file()]
    if len(found) > 1:
        raise HistoryError(
            f"{folder} holds {' and '.join(p.name for p in found)}. Keep one, or name it in the "
            f'mapping under [{table}] file = "…".'
        )
    return found[0] if found else None


def _scan(path: Path, mapping: Mapping) -> pl.LazyFrame:
    reading = Reading(mapping.separator, mapping.encoding, mapping.skip_lines)
    return read_file(path, reading).frame
