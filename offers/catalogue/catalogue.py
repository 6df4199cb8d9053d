"""The offers that may be made: what each costs, who may get it, and what it is believed to do."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.stats import beta

from features.schema import NO_OFFER
from offers.catalogue.rules import KEYS, as_values, mistakes
from offers.errors import OffersError
from training.evaluation import FloatArray

RESERVED = {NO_OFFER: "it means no offer", "total": "results name all offers together so"}
LIVE_STAGES = ("new", "active", "at_risk")
# The true save rate is believed to lie below the cautious one with this probability.
CAUTION = 0.2


@dataclass(frozen=True)
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

    id: str
    kind: str
    fixed_cost: float = 0.0
    cost_share: float = 0.0
    contact_cost: float = 0.0
    capacity: int | None = None
    stages: tuple[str, ...] = LIVE_STAGES
    min_clv: float = 0.0
    contact_cap: int | None = None
    contact_cap_days: float = 30.0
    refusal_cooldown_days: float = 0.0
    addresses: tuple[str, ...] = ()
    prior: tuple[float, float] = (6.0, 14.0)

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in KEYS}
        if wrong := _wrong_id(self.id) + mistakes(f"offers.{self.id}", values):
            raise OffersError("\n".join(wrong))

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


@dataclass(frozen=True)
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

    offers: tuple[Offer, ...]

    def __post_init__(self) -> None:
        if not self.offers:
            raise OffersError("offers must hold at least one offer; got none. Add [offers.ID].")
        if twice := sorted({i for i in self.ids if self.ids.count(i) > 1}):
            raise OffersError(f"offers must have different ids; got {twice} twice. Rename one.")

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
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise OffersError(f"offers {path} does not exist. Check the path.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise OffersError(f"offers {path} cannot be read: {error}.") from None
        try:
            return cls.from_dict(content)
        except OffersError as error:
            raise OffersError(f"offers {path}:\n{error}") from None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Build from the parsed TOML document.

        Raises
        ------
        OffersError
            All mistakes at once, one a line, by table and key.
        """
        if wrong := _wrong_content(content):
            raise OffersError("\n".join(wrong))
        defaults = content.get("defaults", {})
        return cls(tuple(_offer(i, {**defaults, **own}) for i, own in content["offers"].items()))

    @classmethod
    def default(cls) -> Self:
        """The catalogue that ships with the package, to start from."""
        file = resources.files("offers") / "default.toml"
        return cls.from_dict(tomllib.loads(file.read_text(encoding="utf-8")))


def _offer(offer_id: str, section: Mapping[str, Any]) -> Offer:
    return Offer(offer_id, **as_values(section))


def _wrong_content(content: Mapping[str, Any]) -> list[str]:
    """What is wrong with a file, a sentence each; a mistake among the defaults counts once."""
    tables = ("defaults", "offers")
    wrong = [
        f"{name} must be one of the tables {list(tables)}; it is unknown."
        for name in content
        if name not in tables
    ]
    found = {name: content.get(name, {}) for name in tables}
    if no_table := [name for name, table in found.items() if not isinstance(table, Mapping)]:
        return [*wrong, *(f"{n} must be a table; got {found[n]!r}." for n in no_table)]
    if not found["offers"]:
        wrong.append("offers must hold at least one offer; got none. Add a table [offers.ID].")
    wrong += mistakes("defaults", as_values(found["defaults"]))
    for offer_id, own in found["offers"].items():
        wrong += _wrong_offer(offer_id, own, "kind" in found["defaults"])
    return wrong


def _wrong_offer(offer_id: str, own: Any, has_kind: bool) -> list[str]:
    if not isinstance(own, Mapping):
        return [
            f"offers.{offer_id} must be a table; got {own!r}. Keys for all go under [defaults]."
        ]
    wrong = _wrong_id(offer_id) + mistakes(f"offers.{offer_id}", as_values(own))
    if not has_kind and "kind" not in own:
        wrong.append(f"offers.{offer_id}.kind must be {KEYS['kind'].rule}; it is missing.")
    return wrong


def _wrong_id(offer_id: Any) -> list[str]:
    """The history cuts blanks off ids, and says `none` for customers held out."""
    if isinstance(offer_id, str) and offer_id.strip() == offer_id != "":
        if offer_id.lower() not in RESERVED:
            return []
        meaning = RESERVED[offer_id.lower()]
        return [f"offers.{offer_id} must have another id; {meaning}. Rename it."]
    return [f"an offer's id must be text without blanks around it; got {offer_id!r}. Rename it."]
