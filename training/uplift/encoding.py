"""Columns of numbers, truths and texts as one matrix of floats, by a code map that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from training.errors import TrainingError
from training.evaluation import FloatArray

# Texts of a column: rarer ones have too few rows to be learnt of.
MOST_LEVELS = 100


@dataclass(frozen=True)
class Encoding:
    """How each column becomes a number.

    Attributes
    ----------
    columns : tuple of str
        In the order of the matrix.
    levels : mapping of str to tuple of str
        For each column of texts, the texts whose place is their code. Others count as unknown.
    """

    columns: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, X: pd.DataFrame) -> Self:
        """Learn the code map of a frame.

        Raises
        ------
        TrainingError
            If X is not a frame with uniquely named columns of numbers, truths or texts.
        """
        if not isinstance(X, pd.DataFrame) or not len(X.columns) or not X.columns.is_unique:
            raise TrainingError(
                f"X must be a pandas frame with columns of different names; got {_described(X)}. "
                "Build it with feature_table."
            )
        names = tuple(str(name) for name in X.columns)
        texts = {str(name): _levels(X[name]) for name in X.columns if _is_text(X[name])}
        others = [str(n) for n in X.columns if not _is_text(X[n]) and not _is_number(X[n])]
        if others:
            raise TrainingError(
                "X must have columns of numbers, truths or texts; got other types in "
                f"{', '.join(others)}. Turn times into days before the offer."
            )
        return cls(names, texts)

    def matrix(self, X: pd.DataFrame) -> FloatArray:
        """The frame as floats, unknown as NaN; columns that were not learnt from are ignored.

        Returns
        -------
        numpy.ndarray, shape (rows, columns)

        Raises
        ------
        TrainingError
            If columns are missing.
        """
        missing = [name for name in self.columns if name not in X.columns]
        if missing:
            raise TrainingError(
                f"X must have the columns learnt from; missing: {', '.join(missing)}."
            )
        return np.column_stack([self._column(name, X[name]) for name in self.columns])

    @property
    def categorical(self) -> list[int]:
        """Places of the columns of texts in the matrix."""
        return [place for place, name in enumerate(self.columns) if name in self.levels]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "columns": list(self.columns),
            "levels": {name: list(levels) for name, levels in self.levels.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        levels = {name: tuple(found) for name, found in content["levels"].items()}
        return cls(tuple(content["columns"]), levels)

    def _column(self, name: str, column: pd.Series) -> FloatArray:
        if name not in self.levels:
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        places = pd.Index(self.levels[name]).get_indexer(pd.Index(column.astype("str")))
        return np.where((places < 0) | column.isna().to_numpy(), np.nan, places)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _is_text(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    return pd.api.types.is_string_dtype(column) and not _is_number(column)


def _levels(column: pd.Series) -> tuple[str, ...]:
    """The most frequent texts, in the order of the alphabet."""
    counts = column.dropna().astype("str").value_counts()
    counts = counts[counts > 0].sort_index().sort_values(ascending=False, kind="stable")
    return tuple(sorted(str(level) for level in counts.index[:MOST_LEVELS]))


def _described(X: object) -> str:
    if isinstance(X, pd.DataFrame):
        return f"{len(X.columns)} columns, {len(set(X.columns))} different names"
    return type(X).__name__
