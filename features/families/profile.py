"""Profile: customer attributes that were declared static, or kept with the time they were known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import narwhals as nw

from features.feature import Family, Feature

# What the columns of customers begin with.
PROFILE = "profile_"

_of_customers = Family("profile", "customers")


def features(
    columns: Iterable[str], categories: Mapping[str, tuple[str, ...]]
) -> tuple[Feature, ...]:
    """One feature for each declared column; value i of `categories` is coded as i."""
    return tuple(
        _category(column, categories[column]) if column in categories else _number(column)
        for column in columns
    )


@cache
def _number(column: str) -> Feature:
    meaning = f"customer attribute {column}"
    return _of_customers(
        f"{PROFILE}{column}", "as given", meaning, nw.col(column).max().cast(nw.Float64)
    )


@cache
def _category(column: str, values: tuple[str, ...]) -> Feature:
    legend = ", ".join(f"{i} = {value}" for i, value in enumerate(values))
    # Of each row, though there be no values: what is the same for all cannot be added up.
    code: nw.Expr = nw.when(nw.col(column).is_null()).then(nw.lit(None, dtype=nw.Float64))
    for i, value in enumerate(values):
        code = nw.when(nw.col(column) == value).then(nw.lit(float(i))).otherwise(code)
    return _of_customers(
        f"{PROFILE}{column}", "code", f"customer attribute {column}, coded {legend}", code.max()
    )
