"""Rows that say the same thing again: which of them counts at an instant, whatever the instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import narwhals as nw
import polars as pl

from features.intake.consent import is_given
from features.intake.steps import Steps
from features.schema import Column, later_facts

_STANDING = Steps((("with_columns", (nw.lit(None, dtype=nw.Float64).alias("superseded_day"),)),))
_UNUSABLE = Steps((("filter", (~nw.col("problem").is_null(),)),))
BEFORE_ALL = float("-inf")
UNORDERED = ("row", "problem", "unread", "known_day", "replaced_day")


def with_versions(table: str, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Say when each row was superseded by a later known one of the same identity.

    A row counts at `as_of` if `known_day < as_of` and it was not superseded before `as_of`: this
    is deduplication after the cut, done once for every cut.

    Parameters
    ----------
    table : str
    rows : narwhals.LazyFrame
        Canonical rows with `known_day`, `recorded_day` and `problem`; local ones in memory. With
        `replaced_day` where other rows than those of the same identity may take their place.

    Returns
    -------
    narwhals.LazyFrame
        The same rows, in any order, with `superseded_day` in place of `recorded_day`. Rows with a
        problem supersede nothing.
    """
    names = rows.collect_schema().names()
    keys, named = _named_identity(table, tuple(names))
    usable, unusable = named.of(rows), _STANDING.of(_UNUSABLE.of(rows))
    if rows.implementation.is_polars():
        parts = [*_parted(table, usable, keys), unusable]
    else:
        parts = [_superseded(table, usable, keys), unusable]
    found = nw.concat(parts)
    if "replaced_day" in names:
        ends = nw.min_horizontal("superseded_day", "replaced_day")
        found = found.with_columns(ends.alias("superseded_day")).drop("replaced_day")
    return found.drop("recorded_day", strict=False)


def orders_of(lines: nw.LazyFrame[Any], anonymous: str) -> nw.LazyFrame[Any]:
    """Group usable invoice lines into orders; an order's time is that of its first line.

    A line recorded late makes a version of its order, so that the order as it was known before
    stays what it was.
    """
    native: pl.LazyFrame = lines.to_native()
    # Added up one by one, sorted: a total is then the same to the last bit, in whatever order the
    # lines come and however threads part them.
    amounts = [pl.col(c).fill_null(0.0).cum_sum().last() for c in ("amount", "discount_amount")]
    discounts = pl.col("discount_amount").count().alias("discounts")
    firsts = [pl.col(c).min() for c in ("customer_id", "day", "currency", "row")]
    steps = (
        native.filter(pl.col("problem").is_null() | (pl.col("problem") == anonymous))
        .sort("amount", "discount_amount")
        .group_by("order_id", "known_day", maintain_order=True)
        .agg(*amounts, discounts, *firsts)
    )
    so_far = (
        pl.col("amount", "discount_amount", "discounts").cum_sum(),
        pl.col("day", "row").cum_min(),
        pl.col("customer_id", "currency").forward_fill(),
        pl.col("known_day").shift(-1).alias("superseded_day"),
    )
    versions = steps.with_columns(value.over("order_id", order_by="known_day") for value in so_far)
    return nw.from_native(
        versions.with_columns(
            pl.when(pl.col("discounts") > 0).then("discount_amount").alias("discount_amount"),
            pl.when(pl.col("customer_id").is_null()).then(pl.lit(anonymous)).alias("problem"),
        ).drop("discounts")
    )


@cache
def _named_identity(table: str, names: tuple[str, ...]) -> tuple[list[str], Steps]:
    """Columns that tell usable rows apart, and how they are made."""
    keys = [key.alias(f"key_{i}") for i, key in enumerate(_identity(table, names))]
    usable = nw.col("problem").is_null()
    steps = Steps((("filter", (usable,)), ("with_columns", tuple(keys))))
    return [f"key_{i}" for i in range(len(keys))], steps


def _identity(table: str, names: Sequence[str]) -> list[nw.Expr]:
    """What makes two rows of a table the same thing."""
    if table == "orders":
        refunded = nw.col("amount") < 0
        # An order may be refunded in parts; what was recorded again is of the same instant.
        own = ["day", *(name for name in ("refund_id",) if name in names)]
        parts = [nw.when(refunded).then(nw.col(name)) for name in own]
        return [nw.col("order_id"), refunded, *parts]
    if table == "refunds":
        unnamed = nw.col("refund_id").is_null()
        parts = [nw.when(unnamed).then(nw.col(c)) for c in ("day", "amount")]
        return [nw.col("order_id"), nw.col("refund_id"), *parts]
    if table == "feedback":
        unnamed = nw.col("feedback_id").is_null()
        parts = [nw.when(unnamed).then(nw.col(c)) for c in ("customer_id", "day", "order_id")]
        return [nw.col("feedback_id"), nw.col("kind"), *parts]
    if table == "offers":
        return [nw.col(c) for c in ("customer_id", "campaign_id", "offer_id", "day")]
    return [nw.col("customer_id")]


def _parted(table: str, usable: nw.LazyFrame[Any], keys: Sequence[str]) -> list[nw.LazyFrame[Any]]:
    """Rank only the rows whose identity may occur again: comparing hashes is cheap."""
    native: pl.LazyFrame = usable.to_native()
    hashes = native.select(pl.struct(keys).hash()).collect().to_series()
    ordered = hashes.sort()
    twice = ordered.filter(ordered == ordered.shift()).unique()
    if twice.is_empty():
        return [_STANDING.of(usable.drop(keys))]
    again = hashes.is_in(twice.implode())
    rows = native.collect()
    repeated: nw.LazyFrame[Any] = nw.from_native(rows.filter(again).lazy())
    single: nw.LazyFrame[Any] = nw.from_native(rows.filter(~again).lazy())
    return [_superseded(table, repeated, keys), _STANDING.of(single.drop(keys))]


def _superseded(table: str, usable: nw.LazyFrame[Any], keys: Sequence[str]) -> nw.LazyFrame[Any]:
    names = usable.collect_schema().names()
    ties = {f"tie_{i}": tie for i, tie in enumerate(_tie_breakers(table, names, keys))}
    later = nw.col("known_day").shift(-1).over(*keys, order_by=["known_day", *ties])
    ranked = usable.with_columns(**ties).with_columns(later.alias("superseded_day"))
    return ranked.drop([*keys, *ties])


def _tie_breakers(table: str, names: Sequence[str], keys: Sequence[str]) -> list[nw.Expr]:
    """Order versions known at the same instant, so that row order means nothing.

    Facts that became known after the row come last and the earliest of them wins: then no fact
    later than a cut can change which row is seen there. Where customers both consent and do not,
    they do not.
    """
    later = later_facts(table)
    unsure = {*later, *(c.target for columns in later.values() for c in columns)}
    plain = [c for c in names if c not in {*UNORDERED, *unsure, *keys}]
    first = [c for c in ("recorded_day", "day", "amount") if c in plain]
    # What was given back of an order only grows from one export to the next.
    ties = [
        nw.col(c).abs() if c == "amount" else nw.col(c) for c in dict.fromkeys([*first, *plain])
    ]
    if later:
        ties += _later_ties(later)
    if table == "customers":
        return [~is_given(nw.col("marketing_consent")), *ties]
    return ties


def _later_ties(later: Mapping[str, tuple[Column, ...]]) -> list[nw.Expr]:
    """Facts known with the row after all, then the later ones: the earliest of them comes last."""
    told = [
        nw.when(~nw.col("kind").is_in(list(column.known_later_of))).then(nw.col(column.target))
        for columns in later.values()
        for column in columns
        if column.known_later_of
    ]
    days = [-nw.col(day) for day in later]
    # Spark has no greatest of one.
    earliest = [nw.max_horizontal(*days)] if len(days) > 1 else []
    facts = [
        -nw.col(day) if column.target == day else nw.col(column.target)
        for day, columns in later.items()
        for column in columns
    ]
    return [*told, *earliest, *facts]
