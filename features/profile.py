"""Profile: customer attributes that were declared static, or kept with the time they were known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import narwhals as nw

from features.feature import Feature

FAMILY = "profile"


def features(
    columns: Iterable[str], categories: Mapping[str, tuple[str, ...]]
) -> tuple[Feature, ...]:
    """One feature for each declared column; value i of `categories` is coded as i."""
    return tuple(
        Feature(
            f"profile_{column}",
            FAMILY,
            "code" if column in categories else "as given",
            f"customer attribute {column}"
            + (
                f", coded {_legend(categories[column])}" if column in categories else ""
            ),
            "customers",
            _coded(column, categories.get(column)),
        )
        for column in columns
    )


def _coded(column: str, values: tuple[str, ...] | None) -> nw.Expr:
    if values is None:
        return nw.col(column).max().cast(nw.Float64)
    code: nw.Expr = nw.lit(None, dtype=nw.Float64)
    for i, value in enumerate(values):
        code = nw.when(nw.col(column) == value).then(nw.lit(float(i))).otherwise(code)
    return code.max()


def _legend(values: tuple[str, ...]) -> str:
    return ", ".join(f"{i} = {value}" for i, value in enumerate(values))
