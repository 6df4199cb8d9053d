"""Where a history comes from: a folder, a file, a database or frames in memory."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import HistoryError
from features.mapping import TABLES, Mapping, TableMapping

SUFFIXES = (".parquet", ".csv", ".csv.gz")
MAPPING_FILE = "history.toml"


def read_mapping(
    path_or_url: str | Path, mapping: Mapping | str | Path | None
) -> Mapping:
    """The mapping given, else the `history.toml` in the folder, else the default one."""
    if isinstance(mapping, Mapping):
        return mapping
    if mapping is not None:
        return Mapping.read(mapping)
    beside = Path(path_or_url) / MAPPING_FILE
    if not _is_url(path_or_url) and beside.is_file():
        return Mapping.read(beside)
    return Mapping()


def read_tables(path_or_url: str | Path, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    """Find the history's tables and read them as they are.

    Parameters
    ----------
    path_or_url : str or Path
        A folder of Parquet or CSV files named after the tables, a single file of orders, or a SQL
        URL (`sqlite:///shop.db`, `postgresql://host/shop`).
    mapping : Mapping
        Names of files, tables and columns.

    Returns
    -------
    dict
        Table name -> frame with the source's columns. CSV cells are text. `orders` is there.

    Raises
    ------
    HistoryError
        If the path does not exist, holds no orders, or cannot be read.
    """
    if _is_url(path_or_url):
        return _read_database(str(path_or_url), mapping)
    path = Path(path_or_url)
    if path.is_dir():
        return _read_folder(path, mapping)
    if path.is_file():
        return {"orders": _scan(path, mapping)}
    raise HistoryError(
        f"history {path} does not exist. Give a folder, a file or a SQL URL."
    )


def as_lazy(table: str, frame: Any) -> nw.LazyFrame[Any]:
    """Take a pandas, Polars, DuckDB or PySpark frame; pandas moves to Polars, the rest stays.

    Raises
    ------
    HistoryError
        If the frame is of another kind, or a pandas column mixes types.
    """
    try:
        native = nw.from_native(frame)
    except TypeError:
        raise HistoryError(
            f"{table} must be a pandas, Polars, DuckDB or PySpark frame; got {type(frame).__name__}."
        ) from None
    if native.implementation.is_pandas():
        try:
            return nw.from_native(pl.from_pandas(frame).lazy())
        except (
            pl.exceptions.PolarsError,
            TypeError,
            ValueError,
            ArithmeticError,
        ) as error:
            raise HistoryError(
                f"{table}: a pandas column mixes types ({error}). Give each column one type."
            ) from None
    return native.lazy()


def _is_url(path_or_url: str | Path) -> bool:
    return "://" in str(path_or_url)


def _read_folder(folder: Path, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    found = {table: _find(folder, table, mapping.of(table)) for table in TABLES}
    if found["orders"] is None:
        raise HistoryError(
            f"history {folder} has no orders: expected orders.parquet or orders.csv. "
            f"Rename the file, or name it under [orders] file = … in {MAPPING_FILE} or --mapping."
        )
    return {
        table: _scan(path, mapping) for table, path in found.items() if path is not None
    }


def _find(folder: Path, table: str, mapping: TableMapping) -> Path | None:
    if mapping.file is not None:
        path = folder / mapping.file
        if not path.is_file():
            raise HistoryError(
                f"[{table}] file: {path} does not exist. Correct the mapping."
            )
        return path
    found = [
        folder / f"{table}{s}" for s in SUFFIXES if (folder / f"{table}{s}").is_file()
    ]
    if len(found) > 1:
        raise HistoryError(
            f"{folder} holds {' and '.join(p.name for p in found)}. Keep one, or name it in the "
            f"mapping under [{table}] file = …."
        )
    return found[0] if found else None


def _scan(path: Path, mapping: Mapping) -> pl.LazyFrame:
    if not path.name.endswith(SUFFIXES):
        raise HistoryError(f"{path} must be a .parquet, .csv or .csv.gz file.")
    try:
        if path.suffix == ".parquet":
            frame = pl.scan_parquet(path)
        else:
            frame = pl.scan_csv(path, infer_schema=False, separator=mapping.separator)
        frame.collect_schema()
        return frame
    except pl.exceptions.NoDataError:
        raise HistoryError(
            f"{path} is empty: it needs at least a line of column names."
        ) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(f"{path} cannot be read: {_first_line(error)}.") from None


def _read_database(url: str, mapping: Mapping) -> dict[str, pl.LazyFrame]:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        engine = sa.create_engine(url)
        if (
            engine.dialect.name == "sqlite"
            and not Path(engine.url.database or "").is_file()
        ):
            raise HistoryError(
                f"database {engine.url.database} does not exist. Check the path."
            )
        present = (
            sa.inspect(engine).get_table_names() + sa.inspect(engine).get_view_names()
        )
        wanted = {table: mapping.of(table).table or table for table in TABLES}
        if wanted["orders"] not in present:
            raise HistoryError(
                f"database {engine.url.render_as_string()} has no table {wanted['orders']!r}; it has "
                f"{sorted(present)}. Name the table under [orders] table = … in the mapping."
            )
        frames = {}
        with engine.connect() as connection:
            for table, name in wanted.items():
                if name in present:
                    query = sa.select(sa.text("*")).select_from(sa.table(name))
                    frames[table] = pl.read_database(
                        query, connection, infer_schema_length=None
                    ).lazy()
        engine.dispose()
        return frames
    except ArgumentError:
        raise HistoryError(
            f"{url.split('://')[0]}://… is no SQL URL. Write sqlite:///shop.db or postgresql://…."
        ) from None
    except (SQLAlchemyError, pl.exceptions.PolarsError, ModuleNotFoundError) as error:
        raise HistoryError(
            f"the database cannot be read: {_first_line(error)}."
        ) from None


def select_rows(table: str, frame: pl.LazyFrame, mapping: TableMapping) -> pl.LazyFrame:
    """Leave out the rows that the mapping's `drop` condition names.

    Raises
    ------
    HistoryError
        If the condition is no SQL over the source's columns.
    """
    if mapping.drop is None:
        return frame
    context = pl.SQLContext({table: frame})
    try:
        kept = context.execute(
            f"SELECT * FROM {table} WHERE ({mapping.drop}) IS NOT TRUE"
        )
        kept.collect_schema()
        return kept
    except pl.exceptions.PolarsError as error:
        raise HistoryError(
            f"[{table}] drop must be a SQL condition over the columns of the source; got "
            f"{mapping.drop!r}: {_first_line(error)}."
        ) from None


def constants(frame: pl.LazyFrame, values: Dict[str, str | float]) -> pl.LazyFrame:
    """Add the mapping's constant columns."""
    return frame.with_columns(**{name: pl.lit(value) for name, value in values.items()})


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
