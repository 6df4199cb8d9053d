"""Spend given an order: its factors, and the candidates that forecast it from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import TweedieRegressor

from training.btyd.population import FAR, PopulationModel, capped
from training.btyd.season import SeasonalLevel
from training.evaluation import FloatArray
from training.models.baselines import expected_at_past_rate
from training.models.learning import Buyers, SpendLearning
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin

# The mean of all counts as much as so many of the customer's own purchase days.
PRIOR_DAYS = 3.0
# The regression's ridge is worth so many customers.
RIDGE_CUSTOMERS = 30.0
# The ridge is in units of a regressor's spread, which a few customers may hardly have.
LEAST_SPREAD = 0.1
# An order value is at least a hundredth of the usual one: logarithms need something.
LEAST_VALUE_SHARE, TINY = 0.01, 1e-9


@dataclass(frozen=True)
class SpendBasis:
    """From what the factors of spend are worked out.

    Attributes
    ----------
    btyd : PopulationModel
        At the origin, with its pace.
    horizon_days : float
    value : Value
    """

    btyd: PopulationModel
    horizon_days: float
    value: Value

    @classmethod
    def of(cls, given: SpendLearning) -> Self:
        """Start from the customers to forecast."""
        return cls(given.origin.btyd, given.horizon_days, given.value)

    def worth(self, value: FloatArray, window_days: float) -> FloatArray:
        """Order values with a floor, after margin and discount; shape (customers,)."""
        floored = np.maximum(value, TINY + LEAST_VALUE_SHARE * self.btyd.day_spend)
        return np.asarray(floored * self.value.mean_rate(window_days))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content but for the population model."""
        return {"horizon_days": self.horizon_days, "value": asdict(self.value)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `as_dict` gave."""
        return cls(btyd, content["horizon_days"], Value(**content["value"]))


@dataclass(frozen=True)
class BtydSpend:
    """Purchase days given at least one by MBG/NBD, times the credibility mean of their value.

    Attributes
    ----------
    basis : SpendBasis
    scale : float
        What all expect more, or less, than the factors come to: the level of the season.
    coef : tuple of float
        Slopes on the logarithms of the two factors and of the past purchase days.
    seen_low, seen_high : float
        The least and the largest correction of a buyer learnt from: none goes beyond.
    """

    name: ClassVar[str] = "btyd"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = True
    needs: ClassVar[str | None] = "btyd"
    basis: SpendBasis
    scale: float = 1.0
    coef: tuple[float, ...] = (0.0, 0.0, 0.0)
    seen_low: float = 1.0
    seen_high: float = 1.0

    @classmethod
    def learn(cls, given: SpendLearning) -> tuple[Self, FloatArray]:
        """Learn the level from the seasons of earlier windows."""
        unscaled = cls(SpendBasis.of(given))
        if not given.buyers:  # Nobody spent anything yet: the factors are all there is.
            return unscaled, np.zeros(0)
        seen = [unscaled.seen(buyers) for buyers in given.buyers]
        observed = [
            (buyers.as_of, np.log(ratio(buyers, factors)), buyers.variance)
            for buyers, factors in zip(given.buyers, seen, strict=True)
        ]
        level = SeasonalLevel.of(observed).forecast(given.origin.as_of, given.window_days)
        return cls(unscaled.basis, float(np.exp(level))).refined(given, seen)

    def refined(
        self, given: SpendLearning, seen: Sequence[pd.DataFrame]
    ) -> tuple[Self, FloatArray]:
        """Go on learning from the buyers, whose factors are seen; and what is expected of them."""
        return self, self.scale * np.concatenate([base(factors) for factors in seen])

    def factors(self, X: pd.DataFrame, btyd: PopulationModel, window_days: float) -> pd.DataFrame:
        """Columns orders (given any), value and purchase_days, a row per customer."""
        orders, value = self.expect(X, btyd, window_days)
        columns = {"orders": orders, "value": self.basis.worth(value, window_days)}
        return pd.DataFrame({**columns, "purchase_days": X["purchase_days"].to_numpy()}, X.index)

    def expect(
        self, X: pd.DataFrame, btyd: PopulationModel, window_days: float
    ) -> tuple[FloatArray, FloatArray]:
        """Purchase days given any, and the value of one, each of shape (customers,)."""
        return btyd.orders_if_any(X, window_days), btyd.order_value(X)

    def seen(self, buyers: Buyers) -> pd.DataFrame:
        """The factors of buyers at the pace that their window had."""
        return self.factors(buyers.X, buyers.btyd, buyers.btyd.paced_days)

    def correction(self, factors: pd.DataFrame) -> FloatArray:
        """What the slopes multiply the factors by, shape (customers,)."""
        found = np.exp((_logs(factors) * np.asarray(self.coef)).sum(axis=1))
        return np.asarray(np.clip(found, self.seen_low, self.seen_high))

    def if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,).

        No purchase day is expected to be worth more than was seen of anybody, or of the customer.
        """
        factors = self.factors(X, self.basis.btyd, self.basis.horizon_days)
        value = self.scale * factors["value"] * self.correction(factors)
        most = self.basis.worth(self.basis.btyd.most_seen(X), self.basis.horizon_days)
        return np.asarray(factors["orders"] * np.minimum(value, most), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return {
            "basis": self.basis.as_dict(),
            "scale": self.scale,
            "coef": list(self.coef),
            "seen": [self.seen_low, self.seen_high],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `as_dict` gave."""
        basis = SpendBasis.from_dict(content["basis"], btyd)
        return cls(basis, content["scale"], tuple(content["coef"]), *content["seen"])


class PastRateSpend(BtydSpend):
    """Purchase days at the past rate, given any, times a mean shrunk to that of all.

    A zero-truncated Poisson: given at least one, a rate r gives r / (1 - exp(-r)).
    """

    name: ClassVar[str] = "past_rate"
    is_rule: ClassVar[bool] = True
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = "rule"

    def expect(
        self, X: pd.DataFrame, btyd: PopulationModel, window_days: float
    ) -> tuple[FloatArray, FloatArray]:
        """Purchase days given any, and the value of one, each of shape (customers,)."""
        days, usual = X["purchase_days"].to_numpy(), self.basis.btyd.day_spend
        rate = expected_at_past_rate(X) * window_days / X["horizon_days"].to_numpy()
        value = (self.basis.btyd.believed_spend(X) + PRIOR_DAYS * usual) / (days + PRIOR_DAYS)
        return rate / -np.expm1(-rate), value


class RegressionSpend(BtydSpend):
    """A Tweedie regression of power 1.5 that corrects MBG/NBD by its two factors and past days.

    Its three slopes extrapolate to customers larger than any seen.
    """

    name: ClassVar[str] = "regression"

    def refined(
        self, given: SpendLearning, seen: Sequence[pd.DataFrame]
    ) -> tuple[Self, FloatArray]:
        """Learn the slopes within snapshots; the total stays what it was."""
        # Every snapshot has its own level, so that a season is not taken for a habit.
        offset = np.concatenate(
            [
                capped(base(factors), FAR) * ratio(buyers, factors)
                for buyers, factors in zip(given.buyers, seen, strict=True)
            ]
        )
        factors = pd.concat(seen)
        coef = tuple(_slopes(_logs(factors), given.spend, offset, given.weight))
        unbounded = replace(self, coef=coef, seen_low=0.0, seen_high=np.inf)
        correction, counted = unbounded.correction(factors), given.weight * offset
        level = self.scale * float(counted.sum() / (counted * correction).sum())
        low, high = float(correction.min()), float(correction.max())
        sloped = replace(self, coef=coef, seen_low=low, seen_high=high)
        kept = replace(sloped, scale=self.scale * sloped.share_of_total(given.origin))
        return kept, np.asarray(level * base(factors) * correction)

    def share_of_total(self, origin: ForecastOrigin) -> float:
        """What undoes the slopes' change of the total: they move spend between customers only."""
        btyd, horizon = self.basis.btyd, self.basis.horizon_days
        factors = self.factors(origin.X, btyd, horizon)
        any_order = expit(-btyd.logit_no_order(origin.X, horizon))
        weight = capped(base(factors), FAR) * any_order
        return float(weight.sum() / (weight * self.correction(factors)).sum())


@dataclass(frozen=True)
class AverageSpend:
    """The same for everybody.

    Attributes
    ----------
    mean : float
    """

    name: ClassVar[str] = "average"
    is_rule: ClassVar[bool] = True
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = None
    mean: float

    @classmethod
    def learn(cls, given: SpendLearning) -> tuple[Self, FloatArray]:
        """Take the mean of the buyers, carried over by MBG/NBD to a longer window."""
        btyd, X = given.origin.btyd, given.origin.X
        if not given.buyers:
            return cls(float(BtydSpend(SpendBasis.of(given)).if_active(X).mean())), np.zeros(0)
        usual = float(np.average(given.spend, weights=given.weight))
        asked, learnt = (
            btyd.orders_if_any(X, days).mean() * given.value.mean_rate(days)
            for days in (given.horizon_days, given.window_days)
        )
        return cls(float(usual * asked / learnt)), np.full(len(given.spend), usual)

    def if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,)."""
        return np.full(len(X), self.mean)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `as_dict` gave."""
        return cls(**content)


def ratio(buyers: Buyers, factors: pd.DataFrame) -> float:
    """What buyers spent over what their factors come to."""
    came, expected = capped(buyers.spend), capped(base(factors))
    return float((buyers.weight * came).sum() / (buyers.weight * expected).sum())


def base(factors: pd.DataFrame) -> FloatArray:
    """What the two factors come to, shape (customers,)."""
    return np.asarray(factors["orders"] * factors["value"])


def _logs(factors: pd.DataFrame) -> FloatArray:
    """Regressors: the logarithms of the two factors and of the past purchase days."""
    return np.asarray(np.log(factors[["orders", "value", "purchase_days"]].to_numpy()))


def _slopes(
    X: FloatArray, spend: FloatArray, offset: FloatArray, weight: FloatArray
) -> Sequence[float]:
    """Slopes of a Tweedie regression of power 1.5 with a log link, shape (regressors,).

    Tweedie-distributed spend with an offset is spend / offset with the weight offset ** 0.5, here
    times the number of customers that a row stands for.
    """
    spread = np.maximum(X.std(axis=0), LEAST_SPREAD)
    ridge = RIDGE_CUSTOMERS / len(X)
    regression = TweedieRegressor(power=1.5, link="log", alpha=ridge, max_iter=1000, tol=1e-6)
    offset = offset / offset.mean()
    counted = weight * np.sqrt(offset)
    regression.fit(X / spread, spend / spend.mean() / offset, sample_weight=counted)
    return [float(slope) for slope in regression.coef_ / spread]
