"""Customers by what a column says: one of theirs, or one of their first order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from features.errors import HistoryError
from features.history.history import MAX_CATEGORIES, Past

Frame = nw.LazyFrame[Any]
GROUP = "group"


def groups_of(past: Past, by: str) -> Frame:
    """The group of each customer, as known at the cut.

    Parameters
    ----------
    past : Past
    by : str
        A column of customers, or of orders, whose value on the first order counts; with the
        table's name and a dot before it where both have one.

    Returns
    -------
    narwhals.LazyFrame
        `customer_id` and `group` (text); customers of whom nothing is known have no row, or null.

    Raises
    ------
    HistoryError
        If there is no such column, or two.
    """
    table, column = _place(past, by)
    if table == "customers":
        found = past.customers
        if found is None:
            raise LookupError("customers")
    else:
        found = _first_orders(past, column)
    return found.select("customer_id", nw.col(column).cast(nw.String).alias(GROUP))


def values_of(cuts: Iterable[Past], by: str) -> list[str]:
    """The groups that there are at any of some cuts, in order.

    Raises
    ------
    HistoryError
        If there is no such column, or it has more than 50 values: those are ids, names or numbers.
    """
    found: set[str] = set()
    for past in cuts:
        rows = groups_of(past, by).select(GROUP).unique().collect("polars")
        found |= {value for value in rows[GROUP].to_list() if value is not None}
        if len(found) > MAX_CATEGORIES:
            raise HistoryError(
                f"a column to group by must have at most {MAX_CATEGORIES} values; {by!r} has "
                f"{len(found):,}, such as {min(found)!r} and {max(found)!r}. Choose another one, "
                "or put its values together in the source."
            )
    return sorted(found)


def _place(past: Past, by: str) -> tuple[str, str]:
    """The table and column that a name stands for."""
    known = [("customers", column) for column in past.profiles]
    known += [("orders", column) for column in past.mapping.attributes.get("orders", ())]
    found = [place for place in known if by in (place[1], ".".join(place))]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(".".join(place) for place in known)) or "none"
    if found:
        raise HistoryError(f"{by!r} is a column of two tables. Write one of {names}.")
    raise HistoryError(
        f"customers are grouped by a column of theirs or of their orders: {names}; got {by!r}. "
        "In history.toml, declare columns of customers as static under [customers], and those of "
        "orders under [orders.attributes]."
    )


def _first_orders(past: Past, column: str) -> Frame:
    """What the first orders say; the least value of several at the same instant."""
    purchases = past.purchases.select("customer_id", "day", column)
    first = purchases.group_by("customer_id").agg(nw.col("day").min().alias("first_day"))
    rows = purchases.join(first, on="customer_id", how="inner")
    rows = rows.filter(nw.col("day") == nw.col("first_day"))
    return rows.group_by("customer_id").agg(nw.col(column).cast(nw.String).min())
