"""Which column of a source is meant: by its name, whatever its capitals, blanks and underscores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from features.errors import HistoryError
from features.intake.mapping import TableMapping
from features.schema import Column


def settled(
    table: str, source: TableMapping, columns: Sequence[Column], names: Sequence[str]
) -> TableMapping:
    """The mapping with the columns' names as the source writes them.

    Parameters
    ----------
    table : str
    source : TableMapping
        As it was given.
    columns : sequence of Column
        Those that the table may have.
    names : sequence of str
        The source's header.

    Raises
    ------
    HistoryError
        If the mapping's further keys name a column that is not there.

    Examples
    --------
    >>> columns = [Column("order_id", "id"), Column("amount", "number")]
    >>> settled("orders", TableMapping(), columns, ["Order ID", "Amount"]).columns
    {'order_id': 'Order ID', 'amount': 'Amount'}
    """
    header = Header(names)
    mapped = {
        column: tuple(header.find(name) or name for name in source.sources(column))
        for column in source.columns
    }
    taken = {name for found in mapped.values() for name in found}
    for column in columns:
        found = header.find(column.source)
        if column.source not in mapped and found not in (None, column.source, *taken):
            mapped[column.source] = (str(found),)
    named = {column: found[0] if len(found) == 1 else found for column, found in mapped.items()}
    return replace(source, columns=named, **_further(table, source, header))


class Header:
    """The names of a source's columns, to be found as people write them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        folded = [_folded(name) for name in names]
        self._by_letters = {
            key: name for key, name in zip(folded, names, strict=True) if folded.count(key) == 1
        }

    def find(self, name: str) -> str | None:
        """The column of that name, or the only one of the same letters; None if there is none."""
        return name if name in self.names else self._by_letters.get(_folded(name))

    def meant(self, name: str) -> str:
        """What may have been meant by a name that is not there, as a sentence; "" if nothing."""
        close = get_close_matches(name, self.names, n=1)
        return f" Did you mean {close[0]!r}?" if close else ""


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _further(table: str, source: TableMapping, header: Header) -> dict[str, Any]:
    """The further keys that name a column, with the names as the source writes them."""
    found: dict[str, Any] = {}
    for key in ("quantity", "price", "line_total", "time"):
        if (name := getattr(source, key)) is not None:
            found[key] = _required(f"[{table}] {key}", name, header)
    if source.status is not None:
        column = _required(f"[{table}.status] column", source.status.column, header)
        found["status"] = replace(source.status, column=column)
    if source.refund is not None:
        told = {key: getattr(source.refund, key) for key in ("amount", "at", "of")}
        found["refund"] = replace(
            source.refund,
            **{
                key: name and _required(f"[{table}.refund] {key}", name, header)
                for key, name in told.items()
            },
        )
    return found


def _required(key: str, name: str, header: Header) -> str:
    found = header.find(name)
    if found is None:
        raise HistoryError(
            f"{key} must name a column of the source; got {name!r}, and it has "
            f"{sorted(header.names)}.{header.meant(name)}"
        )
    return found
