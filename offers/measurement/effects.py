"""What the offers of a campaign changed: retention, spend, cost, profit and return, by offer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from offers.measurement.comparison import FEWEST, UNKNOWN, Estimate, Mask, difference, mean
from offers.planning.plan_table import TOTAL
from training.evaluation import FloatArray

Figure = Literal["retention", "net_spend", "cost", "incremental_profit", "return_on_spend"]


@dataclass(frozen=True)
class Outcomes:
    """What came of a campaign's customers, one row each.

    Attributes
    ----------
    intended_offer : numpy.ndarray of str, shape (customers,)
    treated : numpy.ndarray of bool, shape (customers,)
        False for those held out.
    forecasts : numpy.ndarray, shape (customers, forecasts)
        Made before the campaign.
    ordered, net_spend : numpy.ndarray, shape (customers,)
        Of the window: 1.0 if any order came; currency.
    cost, in_spend : numpy.ndarray, shape (customers,)
        What the offer cost, 0 for those held out; and how much of it the net spend is lower by
        already, as it is by a discount.
    margin_rate : float
        What a unit of net spend is worth.
    """

    intended_offer: NDArray[np.object_]
    treated: Mask
    forecasts: FloatArray
    ordered: FloatArray
    net_spend: FloatArray
    cost: FloatArray
    in_spend: FloatArray
    margin_rate: float

    @property
    def profit(self) -> FloatArray:
        """Margin on net spend, less the cost that is not in the net spend.

        An order of list price p with a discount d earns `margin_rate * p - d`; its net spend is
        p - d, so `(1 - margin_rate) * d` remains to be subtracted.
        """
        remaining = self.cost - self.margin_rate * self.in_spend
        return np.asarray(self.margin_rate * self.net_spend - remaining)

    def strata(self) -> dict[str, Mask]:
        """The rows of each intended offer, in alphabetical order."""
        return {o: self.intended_offer == o for o in sorted(set(self.intended_offer))}

    def strata_of_total(self) -> list[Mask]:
        """The rows of each offer that can be measured, and of all others together.

        Within an offer the two arms are alike; so are they in several offers taken together,
        since the same share of each is held out.
        """
        large = [rows for rows in self.strata().values() if self.is_measurable(rows)]
        others = ~np.any([np.zeros(len(self.treated), bool), *large], axis=0)
        return [*large, others] if self.is_measurable(others) or not large else large

    def is_measurable(self, rows: Mask) -> bool:
        """Whether both arms are large enough for an interval."""
        made = int(self.treated[rows].sum())
        return FEWEST <= made <= int(rows.sum()) - FEWEST


def effect_table(outcomes: Outcomes) -> pd.DataFrame:
    """Estimate every figure of every offer and of all together, with 95% intervals.

    Customers are compared by the arm they were drawn into, whatever became of the offer
    (intention to treat). The total is stratified: the offers' differences weighted by how many
    customers were treated. Offers with fewer than 20 customers in an arm have no figures of
    their own but the cost, since a figure without its interval would be believed. They enter the
    total together; if they are too few even so, it is without them.

    Returns
    -------
    pandas.DataFrame
        One row per offer and figure, last those of the `total`: `intended_offer`, `figure`,
        `estimate`, `low`, `high`, `standard_error`, the same without adjustment in `unadjusted`,
        `unadjusted_low`, `unadjusted_high`, and `variance_saved` by it, a share. Figures:

        - `retention`: P(any order) of the treated less that of the held out, per customer;
        - `net_spend`: the same of net spend, in currency per customer;
        - `cost`: what the offers made cost, in currency, all together. Its interval says what
          it would be if the same campaign were made again;
        - `incremental_profit`: what they brought beyond their cost, in currency, all together;
        - `return_on_spend`: incremental profit over cost, its interval by the delta method.
    """
    groups: dict[str, list[Mask]] = {o: [rows] for o, rows in outcomes.strata().items()}
    groups[TOTAL] = outcomes.strata_of_total()
    found = []
    for offer, strata in groups.items():
        plain = _Group(replace(outcomes, forecasts=outcomes.forecasts[:, :0]), strata).figures()
        for figure, adjusted in _Group(outcomes, strata).figures().items():
            row = _row(adjusted, plain[figure])
            found.append({"intended_offer": offer, "figure": figure, **row})
    return pd.DataFrame(found)


@dataclass(frozen=True)
class _Group:
    """The offers that a set of figures is about, each with its own customers held out."""

    outcomes: Outcomes
    strata: list[Mask]

    def figures(self) -> dict[Figure, Estimate]:
        """Every figure, adjusted for the forecasts that there are."""
        outcomes, rows = self.outcomes, np.any(self.strata, axis=0)
        treated = rows & outcomes.treated
        customers = int(treated.sum())
        cost = mean(outcomes.cost[treated]).times(customers)
        in_spend = float(outcomes.in_spend[treated].sum())
        retention, spend = self._effect(outcomes.ordered), self._effect(outcomes.net_spend)
        earned = outcomes.margin_rate * (spend.value + in_spend)
        # NaN where the effect on spend is.
        profit = replace(self._effect(outcomes.profit), value=earned - cost.value)
        each = 1.0 / customers if customers else UNKNOWN
        return {
            "retention": retention.times(each),
            "net_spend": spend.times(each),
            "cost": cost,
            "incremental_profit": profit,
            "return_on_spend": self._ratio(profit.value, cost.value),
        }

    def _effect(self, values: FloatArray) -> Estimate:
        """By how much the offers changed the values of the treated, all together."""
        outcomes = self.outcomes
        if not all(outcomes.is_measurable(rows) for rows in self.strata):
            return Estimate.without_interval(UNKNOWN)
        parts = []
        for rows in self.strata:
            treated = outcomes.treated[rows]
            found = difference(values[rows], treated, outcomes.forecasts[rows])
            parts.append(found.times(float(treated.sum())))
        total = Estimate.total(parts)
        # All outcomes alike are no proof that they could not have differed.
        return total if total.standard_error != 0.0 else Estimate.without_interval(total.value)

    def _ratio(self, profit: float, cost: float) -> Estimate:
        """Profit over cost; its error is that of the profit less the ratio times the cost."""
        if not cost > 0:
            return Estimate.without_interval(UNKNOWN)
        values = self.outcomes.profit - profit / cost * self.outcomes.cost
        return replace(self._effect(values).times(1.0 / cost), value=profit / cost)


def _row(adjusted: Estimate, plain: Estimate) -> dict[str, float]:
    low, high = adjusted.interval()
    plain_low, plain_high = plain.interval()
    error, plain_error = adjusted.standard_error, plain.standard_error
    # The cost is not adjusted: what was paid is known.
    saved = UNKNOWN if error == plain_error else 1.0 - (error / plain_error) ** 2
    return {
        "estimate": adjusted.value,
        "low": low,
        "high": high,
        "standard_error": error,
        "unadjusted": plain.value,
        "unadjusted_low": plain_low,
        "unadjusted_high": plain_high,
        "variance_saved": saved,
    }
