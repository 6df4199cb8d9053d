"""What a model is about: the definition that a request, a history and a champion must share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from features.feature import Feature
from features.history.history import History, Past
from features.own.named import Attributes, own_features
from training.errors import TrainingError
from training.scoring.shop import LEAST_OVERLAP, OrderSample

VARYING = frozenset(
    {
        "trained_as_of", "scales", "categories", "shortage", "shop_name", "orders", "features",
        "attributes",
    }
)  # fmt: skip
# Left out of an artifact where there are none.
OWN = ("features", "attributes")


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
        What models of this shop have in common: handed on from one training to the next.
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
    shop_name : str or None
        The shop's name, where its history.toml has one.
    orders : OrderSample
        By which the shop is known again without a name.
    features : mapping of str to str
        Features of the shop's own: name -> digest of the module that holds it.
    attributes : mapping
        Declared columns of orders, feedback and offers, where there are such features: table ->
        column -> `number` or `text`.
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
    shop_name: str | None = None
    orders: OrderSample = field(default_factory=lambda: OrderSample({}))
    features: Mapping[str, str] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)

    @classmethod
    def of(cls, past: Past, horizon_days: int, known: Iterable[Definition] = ()) -> Self:
        """The terms of a churn model trained on a history up to its cut.

        Parameters
        ----------
        past : Past
        horizon_days : int
        known : iterable of Definition
            Of models that stand: the first of this very shop gives it its `shop`.
        """
        mapping, orders = past.mapping, OrderSample.of(past)
        same = (definition.shop for definition in known if definition.is_shop_of(past))
        texts = [column for column, is_text in past.profiles.items() if is_text]
        return cls(
            horizon_days=horizon_days,
            table_horizon_days=horizon_days,
            currency=mapping.currency,
            timezone=mapping.timezone,
            shop=next(same, mapping.shop or orders.digest),
            trained_as_of=past.day,
            scales=dict(mapping.scales),
            categories={column: mapping.categories[column] for column in texts},
            shop_name=mapping.shop,
            orders=orders,
            features={f.source: f.digest for f in past.own if f.source},
            attributes=mapping.attributes if past.own else {},
        )

    def is_shop_of(self, history: History) -> bool:
        """Whether a history is of the shop of this model: by name, else by orders in common."""
        if self.shop_name is not None and history.mapping.shop is not None:
            return self.shop_name == history.mapping.shop
        return self.orders.overlap(history.upto(self.trained_as_of)) >= LEAST_OVERLAP

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of feedback among the columns."""
        return tuple(self.scales)

    @cached_property
    def own(self) -> tuple[Feature, ...]:
        """The features of the shop's own; one look at their code is enough.

        Raises
        ------
        ExtensionError
            If their code is not there or has changed.
        """
        return own_features(self.features, self.attributes)

    def read(self, past: Past) -> Past:
        """A history as the model reads it: with its codes, and its features of the shop's own.

        Raises
        ------
        TrainingError
            If the history does not declare a column that the model was trained with.
        ExtensionError
            If the code of a feature is not there or has changed.
        """
        theirs = past.mapping.attributes
        for table, columns in self.attributes.items():
            known = theirs.get(table, {}).items()
            missing = [column for column in columns.items() if column not in known]
            if missing:
                listed = ", ".join(f'{column} = "{kind}"' for column, kind in missing)
                raise TrainingError(
                    f"[{table}.attributes] must have {listed}, as the history that the model was "
                    "trained on. Add it to history.toml, or train again."
                )
        return past.with_categories(self.categories).with_features(self.own)

    def reads_as(self, other: Definition) -> bool:
        """Whether two models read a history alike."""
        return self.categories == other.categories and self.features == other.features

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
        content = {**asdict(self), "orders": self.orders.as_dict()}
        return {k: v for k, v in content.items() if v or k not in OWN}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        categories = {k: tuple(values) for k, values in content["categories"].items()}
        scales = {kind: (low, high) for kind, (low, high) in content["scales"].items()}
        orders = OrderSample.from_dict(content["orders"])
        return cls(**{**content, "scales": scales, "categories": categories, "orders": orders})
