"""The offers that may be made: what each costs, who may get it, and what it is believed to do."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, create_model
from scipy.stats import beta

from features.explanations import refusal
from features.settings import STRICT, checked, read, settings, table
from offers.catalogue import rules
from offers.errors import OffersError
from training.evaluation import FloatArray
from training.scoring.columns import LIVE_STAGES

T = TypeVar("T")

# The true save rate is believed to lie below the cautious one with this probability.
CAUTION = 0.2


@settings(OffersError, "offers", "{id}")
class Offer:
    """One offer of the catalogue.

    Attributes
    ----------
    id : str
        Any text but `none`, as campaigns record it in the history's offers.
    kind : str
        One of `offers.catalogue.rules.KINDS`.
    fixed_cost, contact_cost : float
        Paid for every customer who gets the offer, in the shop's currency.
    cost_share : float
        Share of the next order's value, paid if an order comes.
    capacity : int or None
        The most customers who may get it in one campaign; None for no limit.
    stages : tuple of str
        Stages of the customers who may get it.
    min_clv : float
        The least `clv` of the customers who may get it, in the shop's currency.
    contact_cap : int or None
        Not for customers who received so many offers, of whatever kind, in the last
        `contact_cap_days`; None for no cap.
    contact_cap_days : float
    refusal_cooldown_days : float
        Not for customers who refused an offer, whichever it was, in the last so many days.
    addresses : tuple of str
        Signals: the customer must show one of them. Empty for anybody.
    prior : tuple of float
        (alpha, beta) of the Beta of the save rate: the share of would-be churners who stay
        because of the offer. The default, Beta(6, 14), is that of Verbraken et al. (2013).

    Raises
    ------
    OffersError
        If a value breaks its rule; all that do are named.

    Examples
    --------
    >>> offer = Offer("points", kind="points", fixed_cost=2.0, contact_cost=0.1)
    >>> offer.upfront_cost, offer.save_rate, round(offer.cautious_save_rate, 3)
    (2.1, 0.3, 0.212)
    """

    id: rules.OfferId
    kind: rules.Kind
    fixed_cost: rules.Amount = 0.0
    cost_share: rules.OrderShare = 0.0
    contact_cost: rules.Amount = 0.0
    capacity: rules.Capacity | None = None
    stages: rules.Stages = LIVE_STAGES
    min_clv: rules.Amount = 0.0
    contact_cap: rules.Cap | None = None
    contact_cap_days: rules.Positive = 30.0
    refusal_cooldown_days: rules.Amount = 0.0
    addresses: rules.Signals = ()
    prior: rules.Prior = (6.0, 14.0)

    @property
    def upfront_cost(self) -> float:
        """What is paid whether or not an order comes."""
        return self.fixed_cost + self.contact_cost

    @property
    def save_rate(self) -> float:
        """Expected save rate under the prior."""
        alpha, other = self.prior
        return alpha / (alpha + other)

    @property
    def cautious_save_rate(self) -> float:
        """The 20 % quantile of the prior: the less is known, the further below `save_rate`."""
        return float(beta.ppf(CAUTION, *self.prior))


def _some(offers: T) -> T:
    if not offers:
        raise refusal("must hold at least one offer", "Add a table [offers.ID].")
    return offers


def _of_different_ids(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    ids = [offer.id for offer in offers]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise refusal("must have different ids", f"Rename one of {twice}.")
    return offers


@settings(OffersError)
class OfferCatalogue:
    """The offers of a shop, in the order of their file.

    Raises
    ------
    OffersError
        If there is no offer, or two have the same id.

    Examples
    --------
    >>> catalogue = OfferCatalogue.from_dict({
    ...     "defaults": {"contact_cost": 0.1},
    ...     "offers": {"points": {"kind": "points", "fixed_cost": 2.0}}})
    >>> catalogue.ids, catalogue["points"].upfront_cost
    (('points',), 2.1)
    """

    offers: Annotated[
        tuple[Offer, ...],
        Field(strict=False),
        AfterValidator(_some),
        AfterValidator(_of_different_ids),
    ]

    @property
    def ids(self) -> tuple[str, ...]:
        """The offers' ids."""
        return tuple(offer.id for offer in self.offers)

    @property
    def capacities(self) -> FloatArray:
        """How often each offer can be made, infinite without a limit; shape (offers,)."""
        return np.array([np.inf if o.capacity is None else o.capacity for o in self.offers], float)

    def __iter__(self) -> Iterator[Offer]:
        return iter(self.offers)

    def __len__(self) -> int:
        return len(self.offers)

    def __getitem__(self, offer_id: str) -> Offer:
        for offer in self.offers:
            if offer.id == offer_id:
                return offer
        raise KeyError(f"the catalogue has no offer {offer_id!r}; it has {list(self.ids)}")

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read an `offers.toml`; see docs/offers.md.

        Raises
        ------
        OffersError
            If the file cannot be read, or breaks rules: all mistakes at once, by table and key.
        """
        return read(path, "offers", cls.from_dict, OffersError)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Build from the parsed TOML document.

        Raises
        ------
        OffersError
            All mistakes at once, one a line, by table and key.
        """
        given = checked(_file(content), content, OffersError)
        defaults = given.get("defaults", {})
        return cls(tuple(Offer(i, **{**defaults, **own}) for i, own in given["offers"].items()))

    @classmethod
    def default(cls) -> Self:
        """The catalogue that ships with the package, to start from."""
        file = resources.files("offers") / "default.toml"
        return cls.from_dict(tomllib.loads(file.read_text(encoding="utf-8")))


OFFER_TABLE = table(Offer, "id", capacity=rules.FileCapacity, contact_cap=rules.FileCap)
KIND_TABLE = create_model("KindTable", __base__=OFFER_TABLE, kind=(rules.Kind, ...))


def _file(content: Mapping[str, Any]) -> type[BaseModel]:
    """What a file may hold: offers of a kind, unless the defaults tell it."""
    defaults = content.get("defaults")
    has_kind = isinstance(defaults, Mapping) and "kind" in defaults
    own: Any = OFFER_TABLE if has_kind else KIND_TABLE
    return create_model(
        "OffersFile",
        __config__=STRICT,
        defaults=(OFFER_TABLE, {}),
        offers=(
            Annotated[dict[rules.OfferId, own], AfterValidator(_some)],
            Field({}, validate_default=True),
        ),
    )
