"""Prospects: what every offer would change, cost and bring, customer by customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from offers.catalogue.catalogue import Offer, OfferCatalogue
from training.evaluation import FloatArray
from training.panel.labels import Value

EXPERIMENT, PRIOR = "experiment", "prior"


@dataclass(frozen=True)
class Prospects:
    """What every offer would bring to every customer, whether they may have it or not.

    Attributes
    ----------
    uplift : pandas.DataFrame, shape (customers, offers)
        Expected change in the probability of an order within the horizon.
    cautious : pandas.DataFrame, shape (customers, offers)
        The same as it is ranked by: where there is only a prior, at a low quantile of it.
    cost : pandas.DataFrame, shape (customers, offers)
        Expected cost of an offer that is made.
    clv_if_active : pandas.Series, shape (customers,)
        What a customer who is kept is worth.
    evidence : mapping of str to str
        Offer -> `experiment` or `prior`.
    """

    uplift: pd.DataFrame
    cautious: pd.DataFrame
    cost: pd.DataFrame
    clv_if_active: pd.Series
    evidence: Mapping[str, str]

    @property
    def profit(self) -> pd.DataFrame:
        """Expected profit, shape (customers, offers)."""
        return self.uplift.mul(self.clv_if_active, axis=0) - self.cost

    @property
    def cautious_profit(self) -> pd.DataFrame:
        """Expected profit by the cautious uplift, shape (customers, offers)."""
        return self.cautious.mul(self.clv_if_active, axis=0) - self.cost


def prospects(
    scores: pd.DataFrame,
    catalogue: OfferCatalogue,
    value: Value,
    learnt: pd.DataFrame | None = None,
) -> Prospects:
    """Work out what every offer would bring.

    An offer that was tried has the uplift learnt from the trial. Any other has a prior: the rate at
    which would-be churners accept times the risk that the customer is one (Verbraken, Verbeke &
    Baesens 2013 take the rate from a Beta distribution). Its cost is paid also by those who would
    have bought anyway.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (customers, columns)
        Index `customer_id`; columns churn_risk, clv_if_active, order_value of the scores.
    catalogue : OfferCatalogue
    value : Value
        Margin and discount that are in `clv_if_active` and `order_value`.
    learnt : pandas.DataFrame, optional, shape (customers, tried offers)
        Same index; uplift of the offers that were tried.
    """
    risk = scores["churn_risk"]
    tried = [] if learnt is None else [o for o in catalogue.ids if o in learnt]
    uplift, cautious, cost = {}, {}, {}
    order_value = scores["order_value"] / value.mean_rate(float(scores["clv_horizon_days"].iloc[0]))
    for offer in catalogue.offers:
        if learnt is not None and offer.id in tried:
            # Nobody can be kept with more than certainty, or lost with more.
            expected = learnt[offer.id].clip(lower=risk - 1.0, upper=risk)
            uplift[offer.id] = cautious[offer.id] = expected
        else:
            uplift[offer.id] = offer.save_rate * risk
            cautious[offer.id] = offer.cautious_save_rate * risk
        cost[offer.id] = expected_cost(offer, order_value, 1.0 - risk + uplift[offer.id])
    return Prospects(
        uplift=pd.DataFrame(uplift, scores.index),
        cautious=pd.DataFrame(cautious, scores.index),
        cost=pd.DataFrame(cost, scores.index),
        clv_if_active=scores["clv_if_active"],
        evidence={o: EXPERIMENT if o in tried else PRIOR for o in catalogue.ids},
    )


def expected_cost(offer: Offer, order_value: ArrayLike, p_order: ArrayLike) -> FloatArray:
    """What an offer costs that is made: contact, fixed cost, and its share of the next order.

    Examples
    --------
    >>> expected_cost(Offer("ten_percent", "discount", cost_share=0.1), [40.0], [0.5]).tolist()
    [2.0]
    """
    order = np.asarray(order_value) * np.clip(p_order, 0.0, 1.0)
    return np.asarray(offer.upfront_cost + offer.cost_share * order)
