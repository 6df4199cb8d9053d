"""What is done to a frame step by step: one set of expressions for every engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import narwhals as nw
import polars as pl

Verb = Literal["select", "with_columns", "filter"]
Step = tuple[Verb, tuple[nw.Expr, ...]]
# Steps that are kept of each origin: shops have few kinds of tables.
KEPT = 256


@dataclass(frozen=True, eq=False)
class Steps:
    """Expressions that a frame goes through, to be made once for all frames of a kind.

    They are kept in Polars' own terms too: translating them takes longer than a few rows do.

    Attributes
    ----------
    expressions : tuple of (str, tuple of narwhals.Expr)
        What is done, `select`, `with_columns` or `filter`, and with what.

    Examples
    --------
    >>> steps = Steps((("with_columns", (nw.col("amount").abs().alias("size"),)),))
    >>> frame = nw.from_native(pl.LazyFrame({"amount": [-2.0]}))
    >>> steps.of(frame).collect()["size"].to_list()
    [2.0]
    """

    expressions: tuple[Step, ...]

    def of(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The frame after all steps."""
        if frame.implementation.is_polars():
            native: pl.LazyFrame = frame.to_native()
            return nw.from_native(self.of_polars(native))
        for verb, given in self.expressions:
            if given:  # Not every engine adds no column at all.
                frame = getattr(frame, verb)(*given)
        return frame

    def of_polars(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The same of a frame of Polars."""
        for verb, given in self._translated:
            frame = getattr(frame, verb)(*given)
        return frame

    @cached_property
    def _translated(self) -> tuple[tuple[Verb, tuple[pl.Expr, ...]], ...]:
        return tuple(
            (verb, tuple(in_polars(expression) for expression in given))
            for verb, given in self.expressions
        )


def in_polars(expression: nw.Expr) -> pl.Expr:
    """An expression in Polars' own terms."""
    noted = _Noting()
    nw.from_native(noted).select(expression)
    return noted.expression


class _Noting(pl.LazyFrame):
    """A frame that only notes the expression it is asked for."""

    expression: pl.Expr

    def select(self, *exprs: Any, **named_exprs: Any) -> pl.LazyFrame:
        (self.expression,) = exprs
        return self
