"""What a model is about: the definition that a request, a history and a champion must share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import narwhals as nw

from features.history import History


@dataclass(frozen=True)
class Definition:
    """The terms under which a model was trained; frozen in its artifact.

    Attributes
    ----------
    horizon_days : int
        Label window of the model.
    currency : str or None
    timezone : str
    shop : str
        Digest of the shop's first orders: the same as its history grows, different for another.
    trained_as_of : float
        The instant of training, as `day`; nothing known later was seen.
    margin_rate, discount_rate_yearly : float
        How spend became value.
    kinds : tuple of str
        Kinds of feedback among the columns.
    categories : mapping
        Codes of text attributes: value i is i.
    """

    horizon_days: int
    currency: str | None
    timezone: str
    shop: str
    trained_as_of: float
    margin_rate: float = 1.0
    discount_rate_yearly: float = 0.0
    kinds: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        categories = {k: tuple(v) for k, v in content["categories"].items()}
        terms = {**content, "kinds": tuple(content["kinds"]), "categories": categories}
        return cls(**terms)


VARYING = frozenset({"trained_as_of", "kinds", "categories"})


def shop_digest(history: History) -> str:
    """A digest of the order ids of the first day with orders; of no use to tell who ordered."""
    first = history.orders.select(nw.col("day").min()).collect()["day"].to_list()[0]
    rows = history.orders.filter(nw.col("day") < first + 1.0).select("order_id").collect()
    ids = sorted(rows["order_id"].to_list())
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
