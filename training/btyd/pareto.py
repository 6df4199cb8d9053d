"""Pareto/NBD: a customer may leave at any moment."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, exprel, gammaln, psi

from training.btyd.decay import Decay
from training.btyd.histories import Histories
from training.btyd.model import BuyTillYouDie
from training.evaluation import FloatArray


class ParetoNBD(BuyTillYouDie):
    """Pareto/NBD: a customer may leave at any moment.

    While alive a customer buys at the rate lambda ~ Gamma(r, alpha), and leaves at the rate
    mu ~ Gamma(s, beta) over customers.

    Parameters
    ----------
    ridge : float
        See `MaximumLikelihood`; time is in units of the mean T.

    Notes
    -----
    The likelihood is Gamma(r + x) / Gamma(r) alpha^r beta^s M(T), where

        M(T) = (alpha + T)^-(r + x) (beta + T)^-s
               + s int_{t_x}^T (alpha + y)^-(r + x) (beta + y)^-(s + 1) dy,

    first who is alive, then who left at y. The papers write the integral as a difference of
    hypergeometric functions, which cancel; Gauss-Legendre quadrature in the logarithm of time keeps
    all digits. P(no purchase in (T, T + t]) is M(T + t) / M(T).

    References
    ----------
    D. C. Schmittlein, D. G. Morrison and R. Colombo (1987), "Counting Your Customers: Who Are They
    and What Will They Do Next?", Management Science 33(1), 1-24.
    P. S. Fader and B. G. S. Hardie (2005), "A Note on Deriving the Pareto/NBD Model and Related
    Expressions".
    P. S. Fader and B. G. S. Hardie (2014), "Deriving the Conditional PMF of the Pareto/NBD Model".

    Examples
    --------
    >>> model = ParetoNBD.from_parameters({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669})
    >>> model.p_alive([0, 2], [0.0, 30.4], [38.9, 38.9]).round(3).tolist()
    [0.295, 0.868]
    """

    names = ("r", "alpha", "s", "beta")
    scaled = (False, True, False, True)
    starts = ((0.5, 0.5, 0.5, 2.0), (5.0, 5.0, 0.2, 0.2), (1.0, 1.0, 0.1, 0.1))
    least = (0.0, 0.0, 0.0, 0.0)

    r_: float
    alpha_: float
    s_: float
    beta_: float

    def _log_likelihood(self, theta: FloatArray, rows: Histories) -> tuple[float, FloatArray]:
        r, alpha, s, beta = theta
        x, w = rows.frequency, rows.weights
        levels, index = np.unique(x, return_inverse=True)
        count = np.bincount(index, w)
        total = count.sum()
        k, wait = r + x, rows.T - rows.recency
        both = Decay(alpha, k, beta, s + 1).over(rows.recency, wait)
        last_a, last_b = np.log(alpha + rows.recency), np.log(beta + rows.recency)
        ratio_a = np.log1p(wait / (alpha + rows.recency))
        ratio_b = np.log1p(wait / (beta + rows.recency))
        odds = np.log(s) - last_b + k * ratio_a + s * ratio_b + both.log
        alive, left = w * expit(-odds), w * expit(odds)
        value = (
            count @ (gammaln(r + levels) - gammaln(r))
            + total * (r * np.log(alpha) + s * np.log(beta))
            - w @ (k * (last_a + ratio_a) + s * (last_b + ratio_b))
            + w @ np.logaddexp(0.0, odds)
        )
        by_r = (
            count @ (psi(r + levels) - psi(r)) + total * np.log(alpha)
            - w @ last_a - alive @ ratio_a - left @ both.log_a
        )  # fmt: skip
        by_alpha = total * r / alpha - alive @ (k / (alpha + rows.T)) - left @ (k * both.inverse_a)
        by_s = total * np.log(beta) - w @ last_b - alive @ ratio_b + left @ (1 / s - both.log_b)
        by_beta = (
            total * s / beta - s * (alive @ (1 / (beta + rows.T)))
            - (s + 1) * (left @ both.inverse_b)
        )  # fmt: skip
        return float(value), np.array([by_r, by_alpha, by_s, by_beta])

    def _log_odds_dead(self, rows: Histories) -> FloatArray:
        k, wait = self.r_ + rows.frequency, rows.T - rows.recency
        left = Decay(self.alpha_, k, self.beta_, self.s_ + 1).over(rows.recency, wait).log
        return np.asarray(
            np.log(self.s_) - np.log(self.beta_ + rows.recency)
            + k * np.log1p(wait / (self.alpha_ + rows.recency))
            + self.s_ * np.log1p(wait / (self.beta_ + rows.recency)) + left
        )  # fmt: skip

    def _logit_none(self, t: FloatArray, rows: Histories, odds: FloatArray) -> FloatArray:
        """The logit is log M(T + t) - log(M(T) - M(T + t)).

        The difference is k times the integral of (alpha + y)^-(k + 1) (beta + y)^-s from T on.
        Both are taken relative to who is alive at T.
        """
        k = self.r_ + rows.frequency
        a, b = self.alpha_ + rows.T, self.beta_ + rows.T
        later = -k * np.log1p(t / a) - self.s_ * np.log1p(t / b)
        leaves = Decay(self.alpha_, k, self.beta_, self.s_ + 1).over(rows.T, t).log
        buys = Decay(self.alpha_, k + 1, self.beta_, self.s_).over(rows.T, t).log
        alive = np.logaddexp(later, np.log(self.s_) - np.log(b) + leaves)
        return np.asarray(np.logaddexp(odds, alive) - np.log(k) + np.log(a) - buys)

    def _purchases_if_alive(self, t: FloatArray, rows: Histories) -> FloatArray:
        ahead = np.log1p(t / (self.beta_ + rows.T))
        lifetime = (self.beta_ + rows.T) * ahead * exprel((1 - self.s_) * ahead)
        return np.asarray((self.r_ + rows.frequency) / (self.alpha_ + rows.T) * lifetime)
