"""What every model of purchases until an unseen end does alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from training.btyd.histories import Histories, column, refuse
from training.btyd.likelihood import MaximumLikelihood
from training.errors import TrainingError
from training.evaluation import FloatArray

# Few rows find the way, more the curvature, and all the optimum.
SAMPLES = (3_000, 30_000)
# A chance of one in ten million million is as good as none.
LOGIT_LIMIT = 30.0


class BuyTillYouDie(MaximumLikelihood, ABC):
    """A model of purchases until an unseen end, in any unit of time."""

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        start: Mapping[str, float] | None = None,
    ) -> Self:
        """Learn the parameters.

        Parameters
        ----------
        frequency : array, shape (customers,)
            Repeat purchases x.
        recency : array, shape (customers,)
            Time t_x from the first purchase to the last; 0 where x is 0.
        T : array, shape (customers,)
            Time from the first purchase to the end of observation.
        weights : array, shape (customers,), optional
            How often each row counts.
        start : mapping of str to float, optional
            Parameters of a similar fit, in the same unit of time: the only start then.

        Raises
        ------
        TrainingError
            If the rows cannot be histories, or if, without a ridge, they have no optimum: nobody
            bought again.
        """
        self._check_ridge()
        given = Histories.of(frequency, recency, T, weights).collapsed()
        self._refuse_hopeless(given)
        unit = float(np.average(given.T, weights=given.weights)) or 1.0
        rows = given.rescaled(unit)
        order = np.random.default_rng(0).permutation(len(rows))
        samples = [rows.take(order[:size]) for size in SAMPLES if size < len(rows)]
        steps = [(partial(self._log_likelihood, rows=s), s.total) for s in (*samples, rows)]
        self._maximise(steps, unit, start)
        self.log_likelihood_ -= float(rows.weights @ rows.frequency) * float(np.log(unit))
        return self

    def p_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that the customer has not left by T, shape (customers,)."""
        rows, _ = self._asked(0.0, frequency, recency, T)
        return self.p_alive_of(rows)

    def logit_p_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> FloatArray:
        """Logit of `p_alive`, accurate near 0 and 1, within -30 and 30."""
        rows, _ = self._asked(0.0, frequency, recency, T)
        return self.logit_p_alive_of(rows)

    def expected_purchases(
        self, t: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> FloatArray:
        """Expected number of purchases in (T, T + t] given the history, shape (customers,)."""
        rows, ahead = self._asked(t, frequency, recency, T)
        return self.expected_purchases_of(rows, ahead)

    def p_no_purchase(
        self, t: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> FloatArray:
        """Probability of no purchase in (T, T + t] given the history, shape (customers,).

        It falls from 1 at t = 0 towards 1 - P(alive).
        """
        rows, ahead = self._asked(t, frequency, recency, T)
        odds = self._log_odds_dead(rows)
        with np.errstate(divide="ignore"):
            none = expit(self._logit_none(ahead, rows, odds))
        return np.asarray(np.clip(none, 1.0 - expit(-odds), 1.0))

    def logit_no_purchase(
        self, t: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> FloatArray:
        """Logit of `p_no_purchase`, accurate near 0 and 1, within -30 and 30."""
        rows, ahead = self._asked(t, frequency, recency, T)
        return self.logit_no_purchase_of(rows, ahead)

    # Of histories that need no check: those of a feature table, and what lies between them.

    def p_alive_of(self, rows: Histories) -> FloatArray:
        """`p_alive` of histories, shape (rows,)."""
        return np.asarray(expit(-self._log_odds_dead(rows)))

    def logit_p_alive_of(self, rows: Histories) -> FloatArray:
        """`logit_p_alive` of histories, shape (rows,)."""
        return np.clip(-self._log_odds_dead(rows), -LOGIT_LIMIT, LOGIT_LIMIT)

    def expected_purchases_of(self, rows: Histories, t: FloatArray) -> FloatArray:
        """`expected_purchases` of histories in a time each, shape (rows,)."""
        alive = expit(-self._log_odds_dead(rows))
        return np.asarray(alive * self._purchases_if_alive(t, rows))

    def logit_no_purchase_of(self, rows: Histories, t: FloatArray) -> FloatArray:
        """`logit_no_purchase` of histories in a time each, shape (rows,)."""
        odds = self._log_odds_dead(rows)
        with np.errstate(divide="ignore"):
            return np.clip(self._logit_none(t, rows, odds), -LOGIT_LIMIT, LOGIT_LIMIT)

    @abstractmethod
    def _log_likelihood(self, theta: FloatArray, rows: Histories) -> tuple[float, FloatArray]:
        """Log-likelihood of all rows and its gradient by the parameters."""

    @abstractmethod
    def _log_odds_dead(self, rows: Histories) -> FloatArray:
        """Log odds that the customer left by T."""

    @abstractmethod
    def _logit_none(self, t: FloatArray, rows: Histories, odds: FloatArray) -> FloatArray:
        """Logit of no purchase in (T, T + t], given the log odds that the customer left by T."""

    @abstractmethod
    def _purchases_if_alive(self, t: FloatArray, rows: Histories) -> FloatArray:
        """Expected purchases in (T, T + t] of a customer who is alive at T."""

    def _refuse_hopeless(self, rows: Histories) -> None:
        if not len(rows):
            raise TrainingError(
                "frequency must have at least one customer; got none. Take an earlier cut."
            )
        if self.ridge == 0 and not rows.frequency.any():
            raise TrainingError(
                "frequency must show a repeat purchase; got none in "
                f"{rows.total:g} customers. Observe for longer, or set ridge above 0."
            )

    def _asked(
        self, t: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
    ) -> tuple[Histories, FloatArray]:
        self._check_fitted()
        rows = Histories.of(frequency, recency, T)
        ahead = column(t, "t")
        refuse(ahead, ahead < 0, "t must be 0 or more", "It is the time after T.")
        if len(ahead) not in (1, len(rows)):
            raise TrainingError(
                f"t must be one time, or one per customer; got {len(ahead)} for {len(rows)} "
                "customers. Pass one horizon."
            )
        return rows, np.broadcast_to(ahead, rows.T.shape)
