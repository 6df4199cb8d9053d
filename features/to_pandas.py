"""From Polars to pandas, also where several threads do so."""

from __future__ import annotations

import pandas as pd
import polars as pl


def to_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """The same rows and columns on pandas.

    By way of Arrow: Polars' own `to_pandas` waits for its threads with the interpreter's lock held,
    and where one of those wants the lock for another caller both wait for ever (seen with 2.1;
    `to_arrow` lets go of the lock, https://github.com/pola-rs/polars/pull/24151).

    Examples
    --------
    >>> to_pandas(pl.DataFrame({"customer_id": ["a"], "orders": [2.0]}))
      customer_id  orders
    0           a     2.0
    """
    table: pd.DataFrame = frame.to_arrow().to_pandas(date_as_object=False)
    return table
