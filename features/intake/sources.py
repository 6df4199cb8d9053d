"""Where a history comes from: a folder, a file or a database, read as it is."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
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
from features.intake.recognise import recognised


def read_tables(path_or_url: str | Path, mapping: Mapping) -> dict[str, list[pl.LazyFrame]]:
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
        found = read_database(str(path_or_url), mapping)
        return {table: [frame] for table, frame in found.items()}
    path = Path(path_or_url)
    if path.is_dir():
        return _read_folder(path, mapping)
    if path.is_file():
        return {"orders": [_scan(path, mapping)]}
    raise absent(path)


def read_likely_orders(path: str | Path) -> tuple[str | None, pl.LazyFrame]:
    """Find the orders of which no mapping tells anything yet.

    Parameters
    ----------
    path : str or Path
        A file, or a folder: of that the files named orders, else its largest table file.

    Returns
    -------
    tuple of str or None, and polars.LazyFrame
        The name of the file, where a mapping must tell it, and its rows as they are.

    Raises
    ------
    HistoryError
        If the path does not exist, is a folder without table files, or cannot be read.
    """
    path, plain = Path(path), Mapping()
    if not path.exists():
        raise absent(path)
    if path.is_file():
        return None, _scan(path, plain)
    if named := _find(path, "orders", plain.of("orders")):
        return None, _together(named, plain)[0]
    tables = [p for p in path.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES)]
    if not tables:
        names = sorted(p.name for p in path.iterdir())[:10]
        raise HistoryError(
            f"history {path} must hold a table file: {', '.join(SUFFIXES)}; it holds {names}. "
            "Give the file or the folder of an export."
        )
    largest = max(sorted(tables), key=lambda p: p.stat().st_size)
    return largest.name, _scan(largest, plain)


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
            f"{mapping.drop!r}: {first_line(error)}.{_unquoted(mapping.drop, frame)}"
        ) from None


def _unquoted(rule: str, frame: pl.LazyFrame) -> str:
    """Names of columns with blanks or marks that a rule holds without double quotes."""
    names = [n for n in frame.collect_schema().names() if not n.isidentifier()]
    bare = [n for n in names if n in rule and f'"{n}"' not in rule]
    return "".join(f' Write "{name}" in double quotes.' for name in bare[:1])


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


def _read_folder(folder: Path, mapping: Mapping) -> dict[str, list[pl.LazyFrame]]:
    found = {table: paths for table in TABLES if (paths := _find(folder, table, mapping.of(table)))}
    if "orders" not in found:
        found = {**_only_export(folder, mapping), **found}
    if "orders" not in found:
        names = sorted(path.name for path in folder.iterdir())[:10]
        raise HistoryError(
            f"history {folder} has no orders: expected orders.parquet or orders.csv; it holds "
            f'{names}. Rename the file, or name it under [orders] file = "…" in {MAPPING_FILE}.'
        )
    return {table: _together(paths, mapping) for table, paths in found.items()}


def _find(folder: Path, table: str, mapping: TableMapping) -> list[Path]:
    """The table's file, or its parts: those named, those of its name, or those that begin so."""
    if mapping.files:
        return [path for name in mapping.files for path in _named(folder, table, name)]
    if mapping.file is not None:
        path = folder / mapping.file
        if not path.is_file():
            raise HistoryError(f"[{table}] file: {path} does not exist. Correct the mapping.")
        return [path]
    found = [folder / f"{table}{s}" for s in SUFFIXES if (folder / f"{table}{s}").is_file()]
    if len(found) > 1:
        raise HistoryError(
            f"{folder} holds {' and '.join(p.name for p in found)}. Keep one, or name it in the "
            f'mapping under [{table}] file = "…".'
        )
    return found or _parts(folder, table)


def _named(folder: Path, table: str, name: str) -> list[Path]:
    found = sorted(path for path in folder.glob(name) if path.is_file())
    if not found:
        raise HistoryError(f"[{table}] files: {folder / name} does not exist. Correct the mapping.")
    return found


def _parts(folder: Path, table: str) -> list[Path]:
    """Files such as orders_2024-01.csv and orders_2024-02.csv."""
    begins = (path for path in folder.iterdir() if path.name.lower().startswith(table))
    return sorted(path for path in begins if path.name.lower().endswith(SUFFIXES))


def _only_export(folder: Path, mapping: Mapping) -> dict[str, list[Path]]:
    """The one file of a folder that is the orders of a known format, whatever its name."""
    files = (path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES))
    found = [path for path in files if path.is_file() and _is_export(path, mapping)]
    if len(found) > 1:
        raise HistoryError(
            f"{folder} holds {' and '.join(p.name for p in found)}, each an export of orders. Keep "
            f'one, or name those that belong together under [orders] files = ["…"] in '
            f"{MAPPING_FILE}."
        )
    return {"orders": found} if found else {}


def _is_export(path: Path, mapping: Mapping) -> bool:
    """Whether a file holds the orders of a known format; one that cannot be read does not."""
    try:
        names = _scan(path, mapping).collect_schema().names()
        return recognised("orders", names, mapping) is not None
    except HistoryError:
        return False


def _together(paths: Sequence[Path], mapping: Mapping) -> list[pl.LazyFrame]:
    """A table's parts: those of one header one below the other, others each by itself."""
    alike: dict[tuple[str, ...], list[pl.LazyFrame]] = {}
    for path in paths:
        frame = _scan(path, mapping)
        alike.setdefault(tuple(sorted(frame.collect_schema().names())), []).append(frame)
    return [pl.concat(frames, how="diagonal_relaxed") for frames in alike.values()]


def unread_files(folder: Path, mapping: Mapping) -> dict[str, str | None]:
    """The table files of a folder that are not read, and what each looks like.

    Returns
    -------
    dict
        File name -> name of the format that its header is of; None if it is of none.
    """
    own = {table: _find(folder, table, mapping.of(table)) for table in TABLES}
    if not own["orders"]:
        own |= _only_export(folder, mapping)
    read = {path.name for paths in own.values() for path in paths}
    files = (path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES))
    return {path.name: _looks_like(path, mapping) for path in files if path.name not in read}


def _looks_like(path: Path, mapping: Mapping) -> str | None:
    try:
        names = _scan(path, mapping).collect_schema().names()
    except HistoryError:
        return None
    found = (recognised(table, names, Mapping()) for table in TABLES)
    return next((each.name for each in found if each is not None), None)


def _scan(path: Path, mapping: Mapping) -> pl.LazyFrame:
    reading = Reading(mapping.separator, mapping.encoding, mapping.skip_lines)
    return read_file(path, reading).frame
