"""What a buy-till-you-die model expects of every customer, for a window of any length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from training.btyd import MBGNBD
from training.btyd.histories import Histories
from training.evaluation import FloatArray

# One number for all customers, or one for each.
Days = float | FloatArray
# Worth a few customers: enough where nobody came back yet, nothing where many did.
RIDGE = 3.0
# Customers with two purchase days: fewer tell nothing of how spend varies.
FEW = 30
# Purchase days after which a customer's own mean counts half, where nothing tells better.
USUAL_CREDIBILITY = 0.8
# Times what 99% of customers stay below. Totals and slopes may hang on a few very large customers,
# but not on one absurd order; one is believed as far as its like came again.
FAR = 3.0
# Purchase days: the mean of a single one then counts for 5/6, or for 1/6.
LIMITS = (0.2, 5.0)


@dataclass(frozen=True)
class PopulationModel:
    """An MBG/NBD of a population at one instant, the pace of its season and the worth of a day.

    Attributes
    ----------
    parameters : mapping of str to float
        r, alpha, a, b of the MBG/NBD, in days.
    day_spend : float
        Mean net spend of a purchase day.
    credibility : float
        Purchase days of a customer after which their own mean counts half.
    pace : float
        Logarithm of how fast purchases come in the window ahead, against the usual: 0.1 means that
        its days are worth 1.1 usual ones.
    paced_days : float
        Length of that window; after it the pace is the usual one.
    far_value : float or None
        Net spend of a purchase day that few come near, and of which a customer's own mean may be as
        many times as they have purchase days; None: any.
    most_value : float or None
        The largest mean of a customer's purchase days; None: any.
    """

    parameters: Mapping[str, float]
    day_spend: float
    credibility: float
    pace: float = 0.0
    paced_days: float = 0.0
    far_value: float | None = None
    most_value: float | None = None

    @classmethod
    def of(cls, X: pd.DataFrame, weight: FloatArray | None = None) -> Self:
        """Fit the customers of a feature table.

        `weight` says how often each counts in when they buy and in the worth of a day, once by
        default; credibility and the largest values are of all alike.
        """
        days = X["purchase_days"].to_numpy()
        counted = days if weight is None else days * weight
        value = net_spend(X) / days
        return replace(
            cls.of_purchases(X, weight),
            day_spend=float(np.average(capped(value), weights=counted)),
            credibility=_credibility(X),
            far_value=FAR * float(np.quantile(value, 0.99, method="lower")),
            most_value=float(value.max()),
        )

    @classmethod
    def of_purchases(cls, X: pd.DataFrame, weight: FloatArray | None = None) -> Self:
        """Fit only when they buy, from the columns frequency, recency and T."""
        model = MBGNBD(ridge=RIDGE).fit(*_history(X), weight)
        return cls(model.parameters, 0.0, USUAL_CREDIBILITY)

    def at_pace(self, pace: float, paced_days: float) -> Self:
        """The same, with another pace of the window ahead."""
        return replace(self, pace=float(pace), paced_days=float(paced_days))

    def usual_days(self, days: Days) -> FloatArray:
        """How many usual days the next `days` are worth; of the shape of `days`.

        Examples
        --------
        >>> btyd = PopulationModel({}, 0.0, 1.0, pace=0.5, paced_days=10.0)
        >>> btyd.usual_days(np.array([4.0, 10.0, 15.0])).round(2).tolist()
        [6.59, 16.49, 21.49]
        """
        paced = np.minimum(days, self.paced_days)
        return np.asarray(paced * np.exp(self.pace) + days - paced)

    def logit_no_order(self, X: pd.DataFrame, days: Days) -> FloatArray:
        """Logit of the probability of no order in the next `days`, shape (customers,)."""
        return self.logit_no_order_of(histories(X), days)

    def logit_no_order_of(self, rows: Histories, days: Days) -> FloatArray:
        """The same, where the histories were taken from the table already."""
        ahead = np.broadcast_to(self.usual_days(days), rows.T.shape)
        return self._model.logit_no_purchase_of(rows, ahead)

    def p_alive(self, X: pd.DataFrame) -> FloatArray:
        """Probability of not having left for good, shape (customers,)."""
        return self._model.p_alive_of(histories(X))

    def logit_p_alive(self, X: pd.DataFrame) -> FloatArray:
        """Logit of `p_alive`, accurate near 0 and 1, shape (customers,)."""
        return self._model.logit_p_alive_of(histories(X))

    def orders_if_any(self, X: pd.DataFrame, days: Days) -> FloatArray:
        """Expected purchase days in the next `days` given at least one, shape (customers,)."""
        rows = histories(X)
        ahead = np.broadcast_to(self.usual_days(days), rows.T.shape)
        expected = self._model.expected_purchases_of(rows, ahead)
        any_order = expit(-self.logit_no_order_of(rows, days))
        return np.maximum(expected / np.maximum(any_order, 1e-300), 1.0)

    def order_value(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend of a purchase day, shape (customers,).

        The customer's own mean and that of all, weighted by credibility (Buhlmann 1967).
        """
        spend = self.believed_spend(X) + self.credibility * self.day_spend
        return np.asarray(spend / (X["purchase_days"].to_numpy() + self.credibility))

    def believed_spend(self, X: pd.DataFrame) -> FloatArray:
        """Net spend, as far as a single absurd order may stand for a habit; shape (customers,)."""
        spend = net_spend(X)
        if self.far_value is None:
            return spend
        return np.minimum(spend, self.far_value * X["purchase_days"].to_numpy() ** 2)

    def most_seen(self, X: pd.DataFrame) -> FloatArray:
        """The largest mean value of purchase days, of anybody or their own; shape (customers,)."""
        most = np.inf if self.most_value is None else self.most_value
        return np.asarray(np.maximum(self.believed_spend(X) / X["purchase_days"], most))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)

    @cached_property
    def _model(self) -> MBGNBD:
        return MBGNBD.from_parameters(self.parameters)


def capped(values: FloatArray, far: float = 1.0) -> FloatArray:
    """Values, at most `far` times what 99% stay below: one absurd order must not bend a mean."""
    return np.minimum(values, far * np.quantile(values, 0.99, method="lower"))


def net_spend(X: pd.DataFrame) -> FloatArray:
    """Spend less refunds, never below 0, shape (customers,)."""
    net = X["spend"].to_numpy() - X["refund_amount"].to_numpy()
    return np.asarray(np.maximum(net, 0.0))


def histories(X: pd.DataFrame) -> Histories:
    """What MBG/NBD goes by of every row.

    Not refused, but brought to what can be: rows may be mixed from those of several customers. Such
    are a middling customer, and what explains a model column by column.
    """
    x, t_x, T = _history(X)
    recency = np.where(x > 0, np.clip(t_x, 0.0, T), 0.0)
    return Histories(x, recency, T, np.ones(len(X)))


def _history(X: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    columns = ("frequency", "recency", "T")
    x, t_x, T = (X[name].to_numpy(dtype=np.float64) for name in columns)
    return x, t_x, T


def _credibility(X: pd.DataFrame) -> float:
    """Squared coefficient of variation within customers, over that between them."""
    days, mean = X["purchase_days"].to_numpy(), X["aov"].to_numpy()
    within = X["order_amount_std"].to_numpy() / np.where(mean > 0, mean, np.nan)
    known = (days >= 2) & np.isfinite(within)
    if known.sum() < FEW:
        return USUAL_CREDIBILITY
    days, mean, within = days[known], mean[known], within[known]
    # Both capped: a few wholesalers would stand for everybody.
    own = np.average(np.minimum(within**2, 4.0), weights=np.minimum(days - 1, 5))
    mean = capped(mean)
    between = mean.var() / mean.mean() ** 2 - own * np.mean(1 / days)
    return float(np.clip(own / max(between, 1e-9), *LIMITS))
