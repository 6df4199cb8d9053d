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
# Of those who would leave; the 95% quantile of the save rate that Verbraken, Verbeke & Baesens
# (2013) take from companies that call everybody who is about to cancel is .48.
MOST_KEPT = 0.5


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
    churn_risk : pandas.Series, shape (customers,)
    order_value : pandas.Series, shape (customers,)
        Net spend of an order.
    evidence : mapping of str to str
        Offer -> `experiment` or `prior`.
    """

    uplift: pd.DataFrame
    cautious: pd.DataFrame
    cost: pd.DataFrame
    clv_if_active: pd.Series
    churn_risk: pd.Series
    order_value: pd.Series
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
    uplift: dict[str, FloatArray] = {}
    cautious: dict[str, FloatArray] = {}
    cost: dict[str, FloatArray] = {}
    order_value = scores["order_value"] / value.mean_rate(float(scores["clv_horizon_days"].iloc[0]))
    for offer in catalogue.offers:
        if learnt is not None and offer.id in tried:
            expected = credible(learnt[offer.id].to_numpy(), risk.to_numpy())
            uplift[offer.id] = cautious[offer.id] = expected
        else:
            uplift[offer.id] = offer.save_rate * risk.to_numpy()
            cautious[offer.id] = offer.cautious_save_rate * risk.to_numpy()
        cost[offer.id] = expected_cost(offer, order_value, 1.0 - risk.to_numpy() + uplift[offer.id])
    return Prospects(
        uplift=pd.DataFrame(uplift, scores.index),
        cautious=pd.DataFrame(cautious, scores.index),
        cost=pd.DataFrame(cost, scores.index),
        clv_if_active=scores["clv_if_active"],
        churn_risk=risk,
        order_value=order_value,
        evidence={o: EXPERIMENT if o in tried else PRIOR for o in catalogue.ids},
    )


def credible(uplift: FloatArray, risk: FloatArray) -> FloatArray:
    """Uplift as it can be believed: no offer keeps more than half of those who would leave.

    Nor can anybody be lost with more than certainty.

    Examples
    --------
    >>> credible(np.array([0.05, 0.05, -0.9]), np.array([0.4, 0.04, 0.4])).tolist()
    [0.05, 0.02, -0.6]
    """
    return np.asarray(np.clip(uplift, risk - 1.0, MOST_KEPT * risk))


def expected_cost(offer: Offer, order_value: ArrayLike, p_order: ArrayLike) -> FloatArray:
    """What an offer costs that is made: contact, fixed cost, and its share of the next order.

    Examples
    --------
    >>> expected_cost(Offer("ten_percent", "discount", cost_share=0.1), [40.0], [0.5]).tolist()
    [2.0]
    """
    order = np.asarray(order_value) * np.clip(p_order, 0.0, 1.0)
    return np.asarray(offer.upfront_cost + offer.cost_share * order)
