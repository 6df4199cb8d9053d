"""Naive rules: what a sensible person would do without a model, fitted so that they are fair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from training.btyd.population import PopulationModel
from training.evaluation import FloatArray
from training.models.carry_over import CarryOver
from training.models.learning import ChurnLearning


@dataclass(frozen=True)
class RuleSignal:
    """One number about a customer that a rule goes by, and the feature it comes from."""

    feature: str
    of: Callable[[pd.DataFrame], FloatArray]


def log_recency(X: pd.DataFrame) -> FloatArray:
    """Logarithm of the time since the last order, in horizons."""
    return np.log(X["recency_over_horizon"].to_numpy() + 0.01)


def log_rate(X: pd.DataFrame) -> FloatArray:
    """Logarithm of the purchase days to expect in a horizon at the customer's past rate.

    The rate is taken over the customer's age and one horizon more, so that one early order is not
    mistaken for a habit.
    """
    return np.log(expected_at_past_rate(X))


def expected_at_past_rate(X: pd.DataFrame) -> FloatArray:
    """Purchase days to expect in a horizon at the customer's past rate, shape (customers,)."""
    return X["purchase_days"].to_numpy() / (X["age_over_horizon"].to_numpy() + 1.0)


def nothing(X: pd.DataFrame) -> FloatArray:
    """The same of everybody."""
    return np.zeros(len(X))


SIGNALS: Mapping[str, RuleSignal] = MappingProxyType(
    {
        "base_rate": RuleSignal("days_since_last_order", nothing),
        "recency_rule": RuleSignal("days_since_last_order", log_recency),
        "past_rate": RuleSignal("purchase_days", log_rate),
    }
)


@dataclass(frozen=True)
class LogisticRule:
    """Churn risk as a logistic function of one signal.

    Attributes
    ----------
    name : str
        Key of `SIGNALS`.
    slope, intercept, centre : float
        Fitted; `centre` is the signal's mean in training, against which contributions are stated.
    """

    name: str
    slope: float
    intercept: float
    centre: float

    @classmethod
    def fit(
        cls, name: str, X: pd.DataFrame, churned: FloatArray, weight: FloatArray | None = None
    ) -> LogisticRule:
        """Fit the slope and intercept by maximum likelihood with a faint ridge.

        Where only one outcome was seen the rule is a constant, half a customer from certainty.
        `weight` says how many customers each row stands for, 1 by default.
        """
        signal = SIGNALS[name].of(X)
        w = np.ones(len(X)) if weight is None else weight
        centre = float(np.average(signal, weights=w))
        if churned.min() == churned.max():
            share = ((w * churned).sum() + 0.5) / (w.sum() + 1.0)
            return cls(name, 0.0, float(logit(share)), centre)
        regression = LogisticRegression(C=1e4, tol=1e-9)
        regression.fit((signal - centre)[:, None], churned, sample_weight=w)
        slope = float(regression.coef_[0, 0])
        return cls(name, slope, float(regression.intercept_[0]), centre)

    def predict(self, X: pd.DataFrame) -> FloatArray:
        """Probability of churn, shape (customers,)."""
        signal = SIGNALS[self.name].of(X) - self.centre
        return np.asarray(expit(self.intercept + self.slope * signal))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What the signal adds to the logit, under the name of the feature it comes from."""
        signal = SIGNALS[self.name]
        added = self.slope * (signal.of(X) - self.centre)
        return pd.DataFrame({signal.feature: added}, index=X.index)


@dataclass(frozen=True)
class RecencyRule:
    """Churn risk by the time since the last order.

    Attributes
    ----------
    rule : LogisticRule
    carry : CarryOver
        To another window than that of the outcomes it learnt from.
    """

    name: ClassVar[str] = "recency_rule"
    is_rule: ClassVar[bool] = True
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = "rule"
    rule: LogisticRule
    carry: CarryOver

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        """Fit the rule on the training set of the longest window."""
        rows = given.training_sets[0]
        rule = LogisticRule.fit(cls.name, rows.frame, rows.churned, rows.weight)
        carry = CarryOver.of(given.origin, given.horizon_days, [rows.window_days], 1.0)
        return cls(rule, carry)

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of no order within the horizon, shape (customers,)."""
        return np.asarray(self.carry.logit(X) + logit(self.rule.predict(X)))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What the signal adds, and MBG/NBD where it carries over; shape (customers, features)."""
        return self.carry.contributions(X).add(self.rule.contributions(X), fill_value=0.0)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        return f"rule on outcomes over {self.carry.over()} days{self.carry.basis()}"

    def save(self, folder: Path) -> dict[str, Any]:
        """JSON-ready content."""
        return {"rule": asdict(self.rule), "carry": self.carry.as_dict()}

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `save` gave."""
        carry = CarryOver.from_dict(content["carry"], btyd)
        return cls(LogisticRule(**content["rule"]), carry)


class PastRateRule(RecencyRule):
    """Churn risk by the purchase days to expect at the customer's past rate."""

    name: ClassVar[str] = "past_rate"


class BaseRate(RecencyRule):
    """The share that churned so far, of everybody: what is left where data carry nothing else."""

    name: ClassVar[str] = "base_rate"
    needs: ClassVar[str | None] = None

    def basis(self) -> str:
        """What the risk rests on, in words."""
        return f"base rate of outcomes over {self.carry.over()} days{self.carry.basis()}"
