"""Bring a history into the store: by parts, and unseen until it is whole."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from features.errors import HistoryError
from features.history.history import History
from features.intake.canonical import CanonicalTable, refuse_unusable
from features.intake.mapping import Mapping as Settings
from features.intake.store.reading import StoredSettings, stored_settings
from features.intake.store.rows import further, kept_rows
from features.schema import SCHEMAS
from serving.clock import utc_now
from serving.imports.repository import (
    KIND,
    claim,
    drop_erased,
    not_yet_stored,
    renew,
    without_erased,
)
from serving.store.database import Database
from serving.store.history import ALONE, add_rows, count_rows, end_batch, save_settings

# Rows that are written in one transaction.
CHUNK = 50_000
Tell = Callable[[str], Any]


@dataclass(frozen=True)
class Imported:
    """What an import brought.

    Attributes
    ----------
    added, known : dict
        Table -> rows that are new, and rows that the store held already.
    erased : dict
        Table -> rows of customers who were erased after they happened: they stay away.
    resumed : int
        Rows that an earlier try had written.
    """

    added: dict[str, int]
    known: dict[str, int]
    erased: dict[str, int]
    resumed: int


def import_history(
    database: Database,
    intakes: Mapping[str, CanonicalTable],
    mapping: Settings,
    tell: Tell = lambda _: None,
) -> Imported:
    """Add the rows of a history that can be used to the store.

    Parameters
    ----------
    database : Database
        At the newest revision.
    intakes : mapping of str to CanonicalTable
        As `open_tables` gives them.
    mapping : Mapping
        How they were read.
    tell : callable, optional
        Told what is being done.

    Raises
    ------
    HistoryError
        If no order can be used, or the history is of another currency, wall clock or scale of
        feedback than that of the store.
    ServingError
        If another import is at work.
    StoreUnavailableError
    """
    refuse_unusable(dict(intakes))
    settled = History.from_intakes(dict(intakes), mapping).mapping
    tables = {table: intake for table, intake in intakes.items() if table in SCHEMAS}
    own = StoredSettings(settled, {table: further(intake) for table, intake in tables.items()})
    found = {table: kept_rows(intake) for table, intake in tables.items()}
    with database.reading() as connection:
        _agreed(stored_settings(connection), own)
        tell("comparing with the store")
        kept = without_erased(connection, found)
        fresh = not_yet_stored(connection, kept)
    counts = {table: rows.height for table, rows in fresh.items()}
    with database.writing(alone=KIND) as connection:
        batch = claim(connection, _digest(fresh), counts, utc_now())
    resumed = sum(_write(database, batch, table, rows, tell) for table, rows in fresh.items())
    with database.writing(alone=ALONE) as connection:
        renew(connection, batch, utc_now())
        drop_erased(connection, batch)
        save_settings(connection, _agreed(stored_settings(connection), own))
        end_batch(connection, batch, utc_now())
    known = {table: rows.height - counts[table] for table, rows in kept.items()}
    erased = {table: rows.height - kept[table].height for table, rows in found.items()}
    return Imported(counts, known, {t: rows for t, rows in erased.items() if rows}, resumed)


def _write(database: Database, batch: int, table: str, rows: pl.DataFrame, tell: Tell) -> int:
    """Write what of a table is not there yet; how many rows were."""
    with database.reading() as connection:
        there = count_rows(connection, batch, table)
    for start in range(there, rows.height, CHUNK):
        tell(f"writing {table}, {start:,} of {rows.height:,} rows")
        with database.writing() as connection:
            renew(connection, batch, utc_now())
            add_rows(connection, batch, table, rows[start : start + CHUNK].to_dicts())
    return there


def _digest(tables: Mapping[str, pl.DataFrame]) -> str:
    content = hashlib.sha256()
    for table in sorted(tables):
        written = io.BytesIO()
        tables[table].write_csv(written)
        content.update(table.encode() + written.getbuffer())
    return content.hexdigest()


def _agreed(known: StoredSettings | None, told: StoredSettings) -> StoredSettings:
    """What is true of the store with the rows of a history in it."""
    if known is None:
        return told
    mine, theirs = known.mapping, told.mapping
    scales = {kind: theirs.scales.get(kind, scale) for kind, scale in mine.scales.items()}
    for name, here, there in (
        ("timezone", mine.timezone, theirs.timezone),
        ("currency", mine.currency, theirs.currency or mine.currency),
        ("scales of feedback", dict(mine.scales), scales),
        ("fold_emails", mine.fold_emails, theirs.fold_emails),
        ("recording_lag_days", mine.recording_lag_days, theirs.recording_lag_days),
    ):
        if here is not None and here != there:
            raise HistoryError(
                f"the history's {name} must be {here}, as the store's; got {there}. Import it "
                "into a store of its own, or correct its history.toml."
            )
    tables = {*known.further, *told.further}
    columns = {t: {**known.further.get(t, {}), **told.further.get(t, {})} for t in tables}
    mapping = replace(
        theirs,
        currency=mine.currency or theirs.currency,
        shop=theirs.shop or mine.shop,
        scales={**mine.scales, **theirs.scales},
        static=tuple(dict.fromkeys((*mine.static, *theirs.static))),
        numbers=tuple(dict.fromkeys((*mine.numbers, *theirs.numbers))),
        categories={**mine.categories, **theirs.categories},
    )
    return StoredSettings(mapping, columns)
