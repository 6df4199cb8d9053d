"""The terms of a campaign: which offers, for how much, who is held out, who is explored."""

from __future__ import annotations

import math
from dataclasses import dataclass

from offers.catalogue.catalogue import OfferCatalogue
from offers.errors import OffersError

# Of the customers: a plan that is mostly random is no plan.
MOST_EXPLORED = 0.5


@dataclass(frozen=True)
class Campaign:
    """The terms of a campaign.

    Attributes
    ----------
    campaign_id : str
        Salt of every random draw: the same campaign holds out the same customers.
    catalogue : OfferCatalogue
        The offers that may be made.
    budget : float
        Expected cost of the offers made, in the shop's currency.
    holdout : float
        Share of the customers of each offer who do not get it, between 0 and 1.
    explore : float
        Share of the customers who get a random offer among those they may have, at most a half. No
        more than this share of the budget and of every capacity goes there.

    Raises
    ------
    OffersError
        If a term is out of its range.

    Examples
    --------
    >>> Campaign("autumn", OfferCatalogue.default(), budget=-1.0)
    Traceback (most recent call last):
    offers.errors.OffersError: budget must be a number >= 0; got -1.0. Say what may be spent.
    """

    campaign_id: str
    catalogue: OfferCatalogue
    budget: float
    holdout: float = 0.1
    explore: float = 0.05

    def __post_init__(self) -> None:
        self._require(
            "campaign_id",
            bool(self.campaign_id.strip()) and self.campaign_id.isprintable(),
            "a text without control characters",
            "Give it a name.",
        )
        self._require(
            "budget",
            math.isfinite(self.budget) and self.budget >= 0,
            "a number >= 0",
            "Say what may be spent.",
        )
        self._require(
            "holdout",
            0 < self.holdout < 1,
            "above 0 and below 1",
            "Without customers who are held out nobody can tell what the offers brought; 0.1 is "
            "usual.",
        )
        self._require(
            "explore",
            0 <= self.explore <= MOST_EXPLORED,
            f"from 0 to {MOST_EXPLORED}",
            "0.05 is usual; 0 makes no random offers, and the uplift model stops learning.",
        )

    def _require(self, name: str, holds: bool, rule: str, remedy: str) -> None:
        if not holds:
            raise OffersError(f"{name} must be {rule}; got {getattr(self, name)!r}. {remedy}")
