"""What a campaign of so many customers can show, and how many it takes to show so much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import pandas as pd
from scipy import stats

from features.schema import NO_OFFER

# Two-sided 5 % and a power of 80 %, as is usual: (z_.975 + z_.8) ** 2 is 7.85.
LEVEL, POWER = 0.05, 0.8
# No shop has the customers for less than a millionth.
LEAST = 1e-6
CRITICAL = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))


def detectable_effect(treated: float, held_out: float, rate: float) -> float:
    """The least change in a rate that a campaign shows four times in five.

    The usual formula for two proportions (Fleiss, Levin & Paik 2003, "Statistical Methods for Rates
    and Proportions", chapter 4, without their correction for continuity), with the variance of the
    one rate for both arms: `(z_.975 + z_.8) sqrt(p (1 - p) (1 / n1 + 1 / n0))`. `holdfast measure`
    adjusts for forecasts and shows a little less than that.

    Parameters
    ----------
    treated, held_out : float
        Customers of the two arms, n1 and n0.
    rate : float
        Share that orders without an offer, p.

    Returns
    -------
    float
        In the unit of the rate; infinite where an arm is empty.

    Examples
    --------
    >>> round(detectable_effect(500, 500, 0.5), 4), detectable_effect(500, 0, 0.5)
    (0.0886, inf)
    """
    if min(treated, held_out) <= 0:
        return math.inf
    return CRITICAL * math.sqrt(rate * (1 - rate) * (1 / treated + 1 / held_out))


def customers_to_see(effect: float, rate: float) -> int:
    """How many customers it takes to show an effect, half of them held out.

    Examples
    --------
    >>> customers_to_see(0.05, 0.5), customers_to_see(0.1, 0.5)
    (3140, 785)
    """
    return math.ceil(4 * _needed(effect, rate))


def hold_out_to_see(effect: float, customers: int, rate: float) -> int | None:
    """How many of the customers to hold out to show an effect; None if there are too few.

    Examples
    --------
    >>> hold_out_to_see(0.1, 2000, 0.5), hold_out_to_see(0.01, 2000, 0.5)
    (221, None)
    """
    needed = _needed(effect, rate)
    if 4 * needed > customers:
        return None
    fewest = (customers - math.sqrt(customers**2 - 4 * customers * needed)) / 2
    # Half a customer cannot be held out, and of an odd number no half can.
    found = max(math.ceil(fewest), 1)
    return found if found * (customers - found) >= needed * customers else None


def _needed(effect: float, rate: float) -> float:
    """What n1 n0 / (n1 + n0) must be."""
    return CRITICAL**2 * rate * (1 - rate) / max(effect, LEAST) ** 2


@dataclass(frozen=True)
class CampaignPower:
    """What the customers of a plan can show.

    Attributes
    ----------
    treated, held_out : int
    rate : float
        Share expected to order without an offer; NaN where nothing is intended for anybody.
    expected : float
        Mean expected uplift of those for whom an offer is intended; NaN likewise.
    """

    treated: int
    held_out: int
    rate: float
    expected: float

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """Of the table of a plan."""
        intended = table[table["intended_offer"] != NO_OFFER]
        held_out = int((intended["arm"] == "holdout").sum())
        rate = float(1.0 - intended["churn_risk"].mean())
        expected = float(intended["expected_uplift"].mean())
        return cls(len(intended) - held_out, held_out, rate, expected)

    @property
    def customers(self) -> int:
        """For whom an offer is intended."""
        return self.treated + self.held_out

    @property
    def detectable(self) -> float:
        """The least effect that it shows four times in five; see `detectable_effect`."""
        return detectable_effect(self.treated, self.held_out, self.rate)

    @property
    def hold_out(self) -> int | None:
        """How many to hold out to show what is expected; None if there are too few customers."""
        if not self.expected > 0:
            return None
        return hold_out_to_see(self.expected, self.customers, self.rate)
