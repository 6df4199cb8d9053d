"""Counts and the words that agree with them."""

from __future__ import annotations


def many(count: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun, and with the verb where both forms are given.

    Examples
    --------
    >>> many(1, "row"), many(1200, "row")
    ('1 row', '1,200 rows')
    >>> many(1, "customer dominates", "customers dominate")
    '1 customer dominates'
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
