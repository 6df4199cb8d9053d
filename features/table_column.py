"""What a column of a table of ours is: declared once for the frame, its checks and its words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

MONEY, PROBABILITY, PERCENT, DAYS = "currency", "probability", "percent", "days"
NAMED = {"text": "text", "instant": "an instant", "date": "a date", "flag": "true or false"}
DType = Literal["text", "instant", "date", "flag", "whole", "number"]


@dataclass(frozen=True)
class TableColumn:
    """One column of scores or of a plan.

    Attributes
    ----------
    name : str
    unit : str
    meaning : str
    dtype : str
        `text`, `instant`, `date`, `flag`, `whole` (number) or `number`.
    nullable : bool
        Whether a row may lack it.
    constant : bool
        Whether it is the same in all rows of a table.
    texts : tuple of str
        The texts that there are; any if empty.
    low, high : float
        What numbers lie between.
    above_low : bool
        Whether `low` itself is too little.
    """

    name: str
    unit: str
    meaning: str
    dtype: DType = "number"
    nullable: bool = False
    constant: bool = False
    texts: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    above_low: bool = False

    @property
    def rule(self) -> str:
        """What a cell must be, in words.

        Examples
        --------
        >>> TableColumn("expected_cost", MONEY, "", low=0.0).rule
        'an amount of 0 or more'
        """
        if self.texts:
            return f"{', '.join(self.texts[:-1])} or {self.texts[-1]}"
        if self.dtype in NAMED:
            return NAMED[self.dtype]
        return " ".join(part for part in (self._noun, self._bounds) if part)

    @property
    def _noun(self) -> str:
        if self.dtype == "whole":
            return f"a whole number of {self.unit}" if self.unit else "a whole number"
        return {MONEY: "an amount", PROBABILITY: ""}.get(self.unit, "a number")

    @property
    def _bounds(self) -> str:
        if self.low == -math.inf:
            return ""
        if self.high == math.inf:
            return f"above {self.low:g}" if self.above_low else f"of {self.low:g} or more"
        if self.above_low:
            return f"above {self.low:g} and at most {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"


def as_markdown(columns: Iterable[TableColumn]) -> str:
    """A table of columns with their units and meanings."""
    lines = [
        f"| `{c.name}` | {c.dtype} | {c.unit} | {'yes' if c.nullable else ''} | {c.meaning} |\n"
        for c in columns
    ]
    head = "| column | type | unit | may be null | meaning |\n|---|---|---|---|---|\n"
    return head + "".join(lines)
