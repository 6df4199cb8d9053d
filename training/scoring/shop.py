"""By what a shop is known again: a name, or some of its orders, hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import numpy as np

from features.history.history import Past
from features.history.order_days import solid

# Days of the last two years: exports roll on, and orders are erased or corrected here and there.
SAMPLED_DAYS, RECENT_DAYS = 24, 730
ORDERS_A_DAY = 20
# Of the orders on days that both histories know. Of two shops that count their orders from one on
# hardly any fall to the same customer on the same day.
LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class OrderSample:
    """Orders on some days of a shop, by a hash of their id and their customer.

    What changes in a row but these two and its day does not count, such as a corrected amount.

    Attributes
    ----------
    days : mapping of int to tuple of str
        Day -> hashes of at most twenty of its orders, those with the smallest.
    """

    days: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, past: Past) -> Self:
        """Sample days evenly from the last two years that were known."""
        known = solid(past.order_days)["day"].to_numpy()
        recent = known[known >= past.day - RECENT_DAYS] if len(known) else known
        places = np.unique(np.linspace(0, max(len(recent) - 1, 0), SAMPLED_DAYS).round())
        wanted = [int(recent[int(place)]) for place in places] if len(recent) else []
        return cls({day: of[:ORDERS_A_DAY] for day, of in _hashes(past, wanted).items()})

    @property
    def digest(self) -> str:
        """A name for the shop, for want of another; of no use to tell who ordered."""
        text = "\n".join(f"{day} {' '.join(of)}" for day, of in sorted(self.days.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def overlap(self, past: Past) -> float:
        """Share of the sampled orders that a history has too, of the days that it reaches back to.

        Returns
        -------
        float
            0 if it reaches back to none of them.
        """
        known = solid(past.order_days)["day"].to_list()
        shared = [day for day in self.days if known and day >= known[0]]
        theirs = _hashes(past, shared)
        sampled = sum(len(self.days[day]) for day in shared)
        found = sum(len(set(self.days[day]) & set(theirs.get(day, ()))) for day in shared)
        return found / sampled if sampled else 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {str(day): list(of) for day, of in self.days.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls({int(day): tuple(of) for day, of in content.items()})


def _hashes(past: Past, days: list[int]) -> dict[int, tuple[str, ...]]:
    """The orders of some days, hashed and sorted."""
    if not days:
        return {}
    day = nw.col("day").floor().cast(nw.Int64)
    rows = past.purchases.with_columns(day).filter(nw.col("day").is_in(days))
    facts = rows.select("day", "order_id", "customer_id").collect().to_dict(as_series=False)
    found: dict[int, set[str]] = {}
    for on, *who in zip(*facts.values(), strict=True):
        order = hashlib.sha256("\n".join(map(str, who)).encode()).hexdigest()[:16]
        found.setdefault(on, set()).add(order)
    return {on: tuple(sorted(of)) for on, of in found.items()}
