"""Gamma-Gamma: what an order of a customer is worth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, psi

from training.btyd.histories import column, refuse
from training.btyd.likelihood import MaximumLikelihood
from training.errors import TrainingError
from training.evaluation import FloatArray


class GammaGamma(MaximumLikelihood):
    """Gamma-Gamma: the mean value of a customer's orders, given the mean of those seen.

    Orders are Gamma(p, nu) for one customer, and nu is Gamma(q, v) over customers (gamma in the
    paper is v here). The value of an order must not depend on how often the customer buys.

    Parameters
    ----------
    ridge : float
        See `MaximumLikelihood`; money is in units of the mean order.

    Notes
    -----
    The mean z of x orders has the density

        Gamma(p x + q) / (Gamma(p x) Gamma(q)) v^q x^(p x) z^(p x - 1) / (v + x z)^(p x + q),

    and the conditional mean is p (v + x z) / (p x + q - 1). q is kept at 1.05 or more: at 1 and
    below, the mean of the population is infinite.

    References
    ----------
    P. S. Fader and B. G. S. Hardie (2013), "The Gamma-Gamma Model of Monetary Value".

    Examples
    --------
    >>> model = GammaGamma.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})
    >>> model.expected_spend([0, 2, 7], [0.0, 22.35, 73.74]).round(1).tolist()
    [35.2, 24.7, 71.5]
    """

    names = ("p", "q", "v")
    scaled = (False, False, True)
    starts = ((2.0, 3.0, 1.0), (10.0, 3.0, 0.2))
    least = (0.0, 1.05, 0.0)

    p_: float
    q_: float
    v_: float

    def fit(
        self,
        frequency: ArrayLike,
        monetary_value: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        start: Mapping[str, float] | None = None,
    ) -> Self:
        """Learn the parameters from the customers with an order.

        Parameters
        ----------
        frequency : array, shape (customers,)
            Orders x that the mean was taken over; customers with 0 are left out.
        monetary_value : array, shape (customers,)
            Mean value of these orders.
        weights : array, shape (customers,), optional
            How often each row counts.
        start : mapping of str to float, optional
            Parameters of a similar fit, in the same currency: the only start then.

        Raises
        ------
        TrainingError
            If nobody has an order, or a value is missing or not above 0.
        """
        self._check_ridge()
        x, z, w = _orders(frequency, monetary_value, weights)
        used = (x > 0) & (w > 0)
        if not used.any():
            raise TrainingError(
                f"frequency must be above 0 somewhere; got none in {len(x)} customers. "
                "There is no order to learn a value from."
            )
        x, z, w = x[used], z[used], w[used]
        unit = float(np.average(z, weights=w))
        log_likelihood = partial(_log_likelihood, x=x, z=z / unit, w=w)
        total = float(w.sum())
        self._maximise([(log_likelihood, total)], unit, start)
        self.log_likelihood_ -= total * float(np.log(unit))
        return self

    def expected_spend(self, frequency: ArrayLike, monetary_value: ArrayLike) -> FloatArray:
        """Expected mean value of an order, shape (customers,).

        The population's mean where frequency is 0, whatever the value there.
        """
        self._check_fitted()
        x, z, _ = _orders(frequency, monetary_value, None)
        return np.asarray(self.p_ * (self.v_ + x * z) / (self.p_ * x + self.q_ - 1))


def _orders(
    frequency: ArrayLike, monetary_value: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x = column(frequency, "frequency")
    refuse(x, x < 0, "frequency must be 0 or more", "Count the orders behind the mean.")
    given = np.atleast_1d(np.asarray(monetary_value, dtype=np.float64))
    w = np.ones(len(x)) if weights is None else column(weights, "weights")
    refuse(w, w < 0, "weights must be 0 or more", "Leave rows out by a weight of 0.")
    if not x.shape == given.shape == w.shape:
        raise TrainingError(
            "frequency, monetary_value and weights must have one value per customer; "
            f"got shapes {x.shape}, {given.shape} and {w.shape}. Take them from one table."
        )
    z = column(np.where(x > 0, given, 0.0), "monetary_value")
    refuse(z, (x > 0) & (z <= 0), "monetary_value must be above 0 where frequency is",
           "Leave out free orders.")  # fmt: skip
    return x, z, w


def _log_likelihood(
    theta: FloatArray, x: FloatArray, z: FloatArray, w: FloatArray
) -> tuple[float, FloatArray]:
    p, q, v = theta
    # Gamma functions are slow, and customers have few different frequencies.
    levels, index = np.unique(x, return_inverse=True)
    count, total = np.bincount(index, w), w.sum()
    shape, spent = p * levels, x * z
    rest, paid = np.log(v + spent), np.log(spent)
    wx = w * x
    value = (
        count @ (gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v))
        + p * (wx @ (paid - rest)) - w @ (q * rest + np.log(z))
    )  # fmt: skip
    slope = psi(shape + q)
    by_p = (count * levels) @ (slope - psi(shape)) + wx @ (paid - rest)
    by_q = count @ (slope - psi(q) + np.log(v)) - w @ rest
    by_v = total * q / v - (w * (p * x + q)) @ (1 / (v + spent))
    return float(value), np.array([by_p, by_q, by_v])
