"""Any history taken in: other sources by their own words, a store as its rows were read already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from features.errors import HistoryError
from features.intake.canonical import CanonicalTable, take_in
from features.intake.database import connection_to
from features.intake.location import is_url
from features.intake.mapping import Mapping
from features.intake.sources import read_tables


def open_tables(
    path_or_url: str | Path, mapping: Mapping
) -> tuple[dict[str, CanonicalTable], Mapping]:
    """The tables of a history, and how its rows are to be read.

    Parameters
    ----------
    path_or_url : str or Path
        A folder, a file of orders, a SQL URL, or the URL of a store.
    mapping : Mapping
        Of a store only the name of the shop can be told; it keeps all else.

    Raises
    ------
    HistoryError
        If there is no such history, it cannot be read, or a store is told how to be read.
    """
    if is_url(path_or_url) and (found := _stored(str(path_or_url), mapping)):
        return found
    return take_in(dict(read_tables(path_or_url, mapping)), mapping), mapping


def _stored(url: str, told: Mapping) -> tuple[dict[str, CanonicalTable], Mapping] | None:
    from features.intake.store.reading import (
        StoredSettings,
        is_store,
        stored_settings,
        stored_tables,
    )

    with connection_to(url) as connection:
        if not is_store(connection):
            return None
        if replace(told, shop=None) != Mapping():
            raise HistoryError(
                "a store keeps how its rows were read: it must be opened without a mapping or a "
                "format. Leave them out; they are told when a source is imported."
            )
        found = stored_settings(connection) or StoredSettings()
        mapping = replace(found.mapping, shop=told.shop or found.mapping.shop)
        return stored_tables(connection, found), mapping
