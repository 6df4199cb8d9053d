"""When the next order comes: a buy-till-you-die curve for every customer, shifted to their risk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from training.btyd.histories import Histories
from training.btyd.population import Days, PopulationModel, histories
from training.evaluation import FloatArray

# A year cut in half forty times is far less than a second.
HALVINGS = 40


@dataclass(frozen=True)
class SurvivalCurve:
    """Probability of no order by any day ahead, for every customer.

    On the logit scale MBG/NBD's curve is moved up or down, by as much as the churn model
    departs from MBG/NBD at its horizon. What follows from one curve cannot contradict itself.

    Attributes
    ----------
    btyd : PopulationModel
    X : pandas.DataFrame, shape (customers, features)
    shift : numpy.ndarray, shape (customers,)
        On the logit scale.
    """

    btyd: PopulationModel
    X: pd.DataFrame
    shift: FloatArray

    @cached_property
    def _rows(self) -> Histories:
        return histories(self.X)

    def no_order(self, days: Days) -> FloatArray:
        """Probability of no order in the next `days`, shape (customers,)."""
        return np.asarray(expit(self.btyd.logit_no_order_of(self._rows, days) + self.shift))

    def p_alive(self) -> FloatArray:
        """Probability of an order ever, shape (customers,): where the curve ends."""
        return np.asarray(expit(self.btyd.logit_p_alive(self.X) - self.shift))

    def orders_if_any(self, days: Days) -> FloatArray:
        """Expected purchase days in the next `days` given at least one, shape (customers,)."""
        return self.btyd.orders_if_any(self.X, days)

    def median_days(self, limit: float) -> FloatArray:
        """Days until an order is as likely as not to have come; NaN if beyond `limit`."""
        low, high = np.zeros(len(self.X)), np.full(len(self.X), float(limit))
        comes = self.no_order(limit) <= 0.5
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_before = self.no_order(middle) > 0.5
            low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
        return np.where(comes, high, np.nan)
