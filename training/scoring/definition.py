"""What a model is about: the definition that a request, a history and a champion must share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import narwhals as nw

from features.history.history import Past

VARYING = frozenset({"trained_as_of", "scales", "categories", "shortage"})


@dataclass(frozen=True)
class Definition:
    """The terms under which a model was trained; frozen in its artifact.

    Attributes
    ----------
    horizon_days : int
        Window of the forecast.
    table_horizon_days : int
        Horizon of the feature table it is made from.
    currency : str or None
    timezone : str
    shop : str
        Digest of the shop's first orders: the same as its history grows, different for another.
    trained_as_of : float
        The instant of training, as `day`; nothing known later was seen.
    margin_rate, discount_rate_yearly : float
        How spend became value.
    scales : mapping of str to (float, float)
        Kinds of feedback among the columns, and their lowest and highest score.
    categories : mapping
        Codes of text attributes: value i is i.
    shortage : str
        What there was too little of for a better model; empty if there was enough.
    """

    horizon_days: int
    table_horizon_days: int
    currency: str | None
    timezone: str
    shop: str
    trained_as_of: float
    margin_rate: float = 1.0
    discount_rate_yearly: float = 0.0
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shortage: str = ""

    @classmethod
    def of(cls, past: Past, horizon_days: int) -> Self:
        """The terms of a churn model trained on a history up to its cut."""
        mapping = past.mapping
        texts = [column for column, is_text in past.profiles.items() if is_text]
        return cls(
            horizon_days=horizon_days,
            table_horizon_days=horizon_days,
            currency=mapping.currency,
            timezone=mapping.timezone,
            shop=shop_digest(past) or "",
            trained_as_of=past.day,
            scales=dict(mapping.scales),
            categories={column: mapping.categories[column] for column in texts},
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of feedback among the columns."""
        return tuple(self.scales)

    def with_shortage(self, basis: str) -> str:
        """What a forecast rests on, and what there was too little of."""
        return f"{basis}; {self.shortage}" if self.shortage else basis

    @property
    def lineage(self) -> str:
        """Models of one lineage may be compared: same shop, definition and currency."""
        terms = {k: v for k, v in asdict(self).items() if k not in VARYING}
        text = json.dumps(terms, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        categories = {k: tuple(values) for k, values in content["categories"].items()}
        scales = {kind: (low, high) for kind, (low, high) in content["scales"].items()}
        return cls(**{**content, "scales": scales, "categories": categories})


def shop_digest(past: Past) -> str | None:
    """A digest of the orders of the first day with any; of no use to tell who ordered.

    Parameters
    ----------
    past : Past
        Cut at the instant of training: orders that became known later do not count, though they may
        have an earlier date. The digest of a shop stays the same as its history grows or is filled
        in.

    Returns
    -------
    str or None
        None if no order was known before.
    """
    orders = past.orders
    first = orders.select(nw.col("day").min()).collect()["day"].to_list()[0]
    if first is None:
        return None
    rows = orders.filter(nw.col("day") < first + 1.0).select("order_id", "day", "amount")
    facts = sorted(zip(*rows.collect().to_dict(as_series=False).values(), strict=True))
    lines = (f"{order_id} {day:.6f} {amount:.2f}" for order_id, day, amount in facts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
