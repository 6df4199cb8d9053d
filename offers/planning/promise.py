"""The promise of a plan: the total that it should bring, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offers.allocation.problem import Choice
from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.planning.prospects import Prospects, credible, expected_cost
from training.evaluation import FloatArray
from training.uplift.doubt import Doubt

DRAWS, SEED = 500, 0
# Of the total: a 90% interval.
TAILS = (0.05, 0.95)


@dataclass(frozen=True)
class Promise:
    """What the offers made should bring together.

    Attributes
    ----------
    profit : float
        Expected, in the shop's currency.
    low, high : float
        Ends of its 90% interval.
    observations : int
        Rows of experiments that it rests on, with an offer that is made or with none; 0 if all
        offers go by their priors.
    """

    profit: float
    low: float
    high: float
    observations: int

    @classmethod
    def of(
        cls,
        found: Prospects,
        catalogue: OfferCatalogue,
        treated: Choice,
        doubts: Mapping[str, Doubt],
    ) -> Promise:
        """Add up the treated, with mean and slope of each offer's effects drawn from what is known.

        Whoever is treated was chosen because the effects looked good, so errors of an offer do not
        cancel over customers: all of them share one draw. What is hidden of each customer's own
        effect does cancel. For an offer without evidence the save rate is drawn from its prior.

        Parameters
        ----------
        found : Prospects
        catalogue : OfferCatalogue
        treated : numpy.ndarray of int, shape (customers,)
            Column of the offer that is made, -1 for none.
        doubts : mapping of str to Doubt
            Of the offers that were tried, about the customers of the prospects.
        """
        generator = np.random.default_rng(SEED)
        totals, expected = np.zeros(DRAWS), 0.0
        observations = 0
        for column, offer in enumerate(catalogue):
            rows = np.flatnonzero(treated == column)
            if not len(rows):
                continue
            expected += float(found.profit[offer.id].to_numpy()[rows].sum())
            doubt = doubts.get(offer.id)
            for number in range(DRAWS):
                totals[number] += _total(found, offer, rows, doubt, generator)
            observations = max(observations, doubt.observations if doubt else 0)
        low, high = (float(end) for end in np.quantile(totals, TAILS))
        return cls(expected, min(low, expected), max(high, expected), observations)


def _total(
    found: Prospects,
    offer: Offer,
    rows: NDArray[np.int64],
    doubt: Doubt | None,
    generator: np.random.Generator,
) -> float:
    """Profit of an offer's customers by one draw."""
    known = (found.churn_risk, found.clv_if_active, found.order_value)
    risk, worth, order = (values.to_numpy()[rows] for values in known)
    if doubt is None:
        uplift: FloatArray = generator.beta(*offer.prior) * risk
        own = 0.0
    else:
        uplift = credible(doubt.draw(generator, rows), risk)
        each = worth - offer.cost_share * order
        own = doubt.calibration.scatter * float(np.sqrt(each @ each)) * generator.normal()
    profit = uplift * worth - expected_cost(offer, order, 1.0 - risk + uplift)
    return float(profit.sum()) + own
