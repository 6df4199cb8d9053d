"""BG/NBD and MBG/NBD: a customer may leave right after any purchase."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit, gammaln, psi

from training.btyd.beta import beta_nodes
from training.btyd.histories import Histories
from training.btyd.model import BuyTillYouDie
from training.evaluation import FloatArray

# Customers at a time, so that the nodes stay in the processor's cache.
BLOCK = 8192


class MBGNBD(BuyTillYouDie):
    """MBG/NBD: after every purchase, the first included, the customer may leave.

    While alive a customer buys at the rate lambda ~ Gamma(r, alpha) over customers; after each
    purchase the customer leaves with the probability p ~ Beta(a, b). One-time buyers may have left,
    which is what sets it apart from `BGNBD`.

    Parameters
    ----------
    ridge : float
        See `MaximumLikelihood`; time is in units of the mean T.

    References
    ----------
    E. P. Batislam, M. Denizel and A. Filiztekin (2007), "Empirical validation and comparison of
    models for customer base analysis", International Journal of Research in Marketing 24, 201-209.
    D. Hoppe and U. Wagner (2007), "Customer base analysis: The case for a central variant of the
    Betageometric/NBD model", Marketing ZFP 29, 75-90.

    Examples
    --------
    >>> model = MBGNBD.from_parameters({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614})
    >>> model.p_alive([0, 2], [0.0, 30.4], [38.9, 38.9]).round(3).tolist()
    [0.39, 0.705]
    """

    names = ("r", "alpha", "a", "b")
    scaled = (False, True, False, False)
    starts = ((0.5, 0.5, 0.5, 2.0), (5.0, 5.0, 0.2, 0.2), (1.0, 1.0, 0.1, 0.1))
    least = (0.0, 0.0, 0.0, 0.0)
    # Chances to leave at the first purchase.
    first: ClassVar[int] = 1

    r_: float
    alpha_: float
    a_: float
    b_: float

    def _log_likelihood(self, theta: FloatArray, rows: Histories) -> tuple[float, FloatArray]:
        """The likelihood is NBD x B(a, b + n) / B(a, b) x (1 + odds that the customer left)."""
        r, alpha, a, b = theta
        x, w = rows.frequency, rows.weights
        # Gamma functions are slow, and customers have few different frequencies.
        levels, index = np.unique(x, return_inverse=True)
        count = np.bincount(index, w)
        n = levels + self.first
        later, last, k = alpha + rows.T, alpha + rows.recency, r + x
        log_later, ratio = np.log(later), np.log1p((rows.T - rows.recency) / last)
        odds = self._log_odds(theta, x, ratio)
        left = w * expit(odds)
        counted = (
            gammaln(r + levels) - gammaln(r) + r * np.log(alpha)
            + gammaln(b + n) - gammaln(b) + gammaln(a + b) - gammaln(a + b + n)
        )  # fmt: skip
        value = count @ counted - w @ (k * log_later) + w @ np.logaddexp(0.0, odds)
        stayed = psi(a + b) - psi(a + b + n)
        by_r = count @ (psi(r + levels) - psi(r) + np.log(alpha)) - w @ log_later + left @ ratio
        by_alpha = count.sum() * r / alpha - w @ (k / later) + left @ (k * (1 / later - 1 / last))
        by_a = count @ stayed + left.sum() / a
        by_b = count @ (psi(b + n) - psi(b) + stayed) - left @ (1 / self._chances(b, x))
        return float(value), np.array([by_r, by_alpha, by_a, by_b])

    def _chances(self, b: float, x: FloatArray) -> FloatArray:
        n = x + self.first
        return np.where(n > 0, b + n - 1, np.inf)

    def _log_odds(self, theta: FloatArray, x: FloatArray, ratio: FloatArray) -> FloatArray:
        r, _, a, b = theta
        return np.asarray(np.log(a) - np.log(self._chances(b, x)) + (r + x) * ratio)

    def _log_odds_dead(self, rows: Histories) -> FloatArray:
        ratio = np.log1p((rows.T - rows.recency) / (self.alpha_ + rows.recency))
        theta = np.array([self.r_, self.alpha_, self.a_, self.b_])
        return self._log_odds(theta, rows.frequency, ratio)

    def _logit_none(self, t: FloatArray, rows: Histories, odds: FloatArray) -> FloatArray:
        """Who left does not buy; who is alive does not leave before the next purchase."""
        none = -(self.r_ + rows.frequency) * np.log1p(t / (self.alpha_ + rows.T))
        some = np.log(-np.expm1(none))
        return np.asarray(np.logaddexp(odds, none) - some)

    def _purchases_if_alive(self, t: FloatArray, rows: Histories) -> FloatArray:
        """The mean over p ~ Beta(a, b + n) of (1 - E[exp(-lambda p t)]) / p.

        It equals the hypergeometric closed forms of the papers, which overflow for large x and
        divide by 0 at a = 1.
        """
        k, tau = self.r_ + rows.frequency, t / (self.alpha_ + rows.T)
        levels, index = np.unique(rows.frequency, return_inverse=True)
        nodes, weights = beta_nodes(self.a_, self.b_ + levels + self.first)
        mean = np.empty(len(rows))
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            p, weight = nodes[index[part]], weights[index[part]]
            bought = -np.expm1(-k[part, None] * np.log1p(p * tau[part, None])) / p
            mean[part] = np.einsum("ij,ij->i", weight, bought)
        return mean


class BGNBD(MBGNBD):
    """BG/NBD: after every repeat purchase the customer may leave.

    As `MBGNBD`, but nobody leaves at the first purchase: one-time buyers have P(alive) = 1 however
    long ago they bought, so never rank churn by it; use `p_no_purchase`.

    Parameters
    ----------
    ridge : float
        See `MaximumLikelihood`; time is in units of the mean T.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and K. L. Lee (2005), "'Counting Your Customers' the Easy Way: An
    Alternative to the Pareto/NBD Model", Marketing Science 24(2), 275-284: equation 6 (likelihood),
    10 (expected purchases given the history).

    Examples
    --------
    >>> model = BGNBD.from_parameters({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> model.p_alive([0, 2], [0.0, 30.4], [38.9, 38.9]).round(3).tolist()
    [1.0, 0.726]
    >>> model.expected_purchases(39.0, [2], [30.43], [38.86]).round(3).tolist()
    [1.226]
    """

    first = 0
