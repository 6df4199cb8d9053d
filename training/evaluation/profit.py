"""What a churn forecast is worth to a retention campaign, in money."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from training.evaluation.validation import churn_arrays


@dataclass(frozen=True)
class RetentionCampaign:
    """Terms of the campaign that a churn forecast is judged by.

    Defaults are those of Verbraken, Verbeke & Baesens (IEEE TKDE 25, 2013, section 5).

    Attributes
    ----------
    clv : float
        Value of a customer who stays, in currency.
    offer_cost : float
        Cost of the offer, paid to everybody who accepts.
    contact_cost : float
        Cost of contacting a customer.
    alpha, beta : float
        Of the Beta distribution of the share of would-be churners whom the offer keeps.
    """

    clv: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0

    def __post_init__(self) -> None:
        for name in ("clv", "alpha", "beta"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0; got {getattr(self, name)}.")
        for name in ("offer_cost", "contact_cost"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more; got {getattr(self, name)}.")
        if self.offer_cost >= self.clv:
            raise ValueError(
                f"offer_cost must be below clv ({self.clv}); got {self.offer_cost}. "
                "An offer that costs more than a customer is worth never pays."
            )


@dataclass(frozen=True)
class MaximumProfit:
    """Expected maximum profit per customer, in currency, and the share of customers to contact."""

    profit: float
    share: float


def expected_maximum_profit(
    churned: ArrayLike, churn_risk: ArrayLike, campaign: RetentionCampaign | None = None
) -> MaximumProfit:
    """Profit per customer of contacting the best number of customers, highest risk first.

    EMPC of Verbraken, Verbeke & Baesens (A Novel Profit Maximizing Metric for Measuring
    Classification Performance of Customer Churn Prediction Models, IEEE TKDE 25, 2013, equations
    7 to 10): the share gamma of would-be churners who accept is Beta distributed, for each gamma
    the best cut is taken, and profits are averaged. Only cuts on the convex hull of the ROC curve
    can be best; its pieces are the pools of adjacent violators (Fawcett & Niculescu-Mizil, Machine
    Learning 68, 2007), so a piece with churn rate r is contacted if its own profit per customer,
    `clv * (gamma * (1 - delta) * r - phi - delta * (1 - r))`, is above 0, where delta and phi are
    the costs of offer and contact over `clv`.

    Parameters
    ----------
    churned : array of bool, shape (n,)
    churn_risk : array of float, shape (n,)
        Forecast probability of `churned`; only its order matters.
    campaign : RetentionCampaign, optional

    Raises
    ------
    ValueError
        If lengths differ, a value is missing, or a probability is outside [0, 1].

    Examples
    --------
    >>> found = expected_maximum_profit([True, True, False, False], [0.9, 0.8, 0.3, 0.2])
    >>> round(found.profit, 3), round(found.share, 3)
    (28.0, 0.5)
    """
    outcome, risk = churn_arrays(churned, churn_risk)
    terms = campaign or RetentionCampaign()
    pooled = IsotonicRegression().fit_transform(risk, outcome)
    rate, customers = np.unique(pooled, return_counts=True)
    weight = customers / len(outcome)
    delta, phi = terms.offer_cost / terms.clv, terms.contact_cost / terms.clv
    cost = phi + delta * (1 - rate)
    worth = (1 - delta) * rate
    least = np.divide(cost, worth, out=np.ones_like(cost), where=worth > cost)
    accepted = stats.beta(terms.alpha, terms.beta).sf(least)
    # The part of the mean of gamma that lies above `least`: gamma h(gamma) is again a Beta.
    mean = terms.alpha / (terms.alpha + terms.beta)
    kept = mean * stats.beta(terms.alpha + 1, terms.beta).sf(least)
    profit = terms.clv * float(weight @ (worth * kept - cost * accepted))
    return MaximumProfit(profit, float(weight @ accepted))
