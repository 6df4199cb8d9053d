"""Names of a table's columns, from the cells above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from features.errors import HistoryError


def column_names(name: str, header: Sequence[str]) -> list[str]:
    """The cells without blanks around them; one without a name is `column_` and its number.

    Parameters
    ----------
    name : str
        The file's, for messages.
    header : sequence of str

    Raises
    ------
    HistoryError
        If two columns have one name.

    Examples
    --------
    >>> column_names("orders.csv", ["id ", "", "amount"])
    ['id', 'column_2', 'amount']
    """
    names = [cell.strip() or f"column_{i}" for i, cell in enumerate(header, start=1)]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise HistoryError(
            f"{name} has two columns of one name: {', '.join(map(repr, twice))}. Rename or remove "
            "one of them, or export the table without it."
        )
    return names


def without_empty_tail(frame: pl.LazyFrame, header: Sequence[str]) -> pl.LazyFrame:
    """Leave out the last columns that have neither a name nor a cell.

    Lines that end in a separator make such columns.
    """
    named = max((i for i, cell in enumerate(header, start=1) if cell.strip()), default=0)
    nameless = frame.collect_schema().names()[named:]
    if not nameless:
        return frame
    filled = frame.select(pl.col(nameless).is_not_null().any()).collect()
    return frame.drop(name for name in nameless if not filled[name].item())
