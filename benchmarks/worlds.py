"""Made-up randomised tests whose true effects are known: the worlds of `benchmarks.pilot`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.evaluation import FloatArray

FEATURES = 12
TREATED = 0.5
# Worth of an order differs between customers as order values do.
WORTH_SPREAD = 0.5

Rule = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Law:
    """Who orders, and what the offer changes in it.

    Attributes
    ----------
    chance : callable
        Features, shape (customers, 12), to the probability of an order without the offer.
    effect : callable
        Features to what the offer adds to it.
    worth, cost : float
        Median worth of an order, and the cost of an offer, in money.
    """

    chance: Rule
    effect: Rule
    worth: float
    cost: float


@dataclass(frozen=True)
class World:
    """Customers of a randomised test, what they did, and the truth.

    Attributes
    ----------
    X : pandas.DataFrame, shape (customers, 12)
    treated : numpy.ndarray of int, shape (customers,)
    propensity : numpy.ndarray, shape (customers,)
        Probability of what each customer got.
    outcome, worth, effect : numpy.ndarray, shape (customers,)
        Whether an order came, what one is worth, and the true effect on its probability.
    cost : float
    """

    X: pd.DataFrame
    treated: np.ndarray
    propensity: FloatArray
    outcome: FloatArray
    worth: FloatArray
    effect: FloatArray
    cost: float

    def gained(self, uplift: FloatArray) -> float:
        """True profit per 1,000 customers of offering where uplift x worth exceeds the cost."""
        chosen = uplift * self.worth > self.cost
        return float(1000.0 * np.mean(np.where(chosen, self.effect * self.worth - self.cost, 0.0)))

    def ranked(self, uplift: FloatArray) -> float:
        """Qini coefficient by true effects: 1 for their order, 0 for chance; NaN if all are equal.

        Customers of equal uplift enter together.
        """
        best = _area(self.effect, self.effect)
        return _area(uplift, self.effect) / best if best > 1e-12 else float("nan")


def draw(name: str, customers: int, seed: int) -> World:
    """Draw a world's customers and its test, the same for the same arguments."""
    law = WORLDS[name]
    rng = np.random.default_rng([seed, list(WORLDS).index(name)])
    X = rng.normal(size=(customers, FEATURES))
    # Half of the features are counts or flags, as in shops.
    X[:, 3:6] = np.floor(np.exp(0.8 * X[:, 3:6]))
    X[:, 6] = X[:, 6] > 0.5
    chance = np.clip(law.chance(X), 0.001, 0.999)
    effect = np.clip(chance + law.effect(X), 0.0, 1.0) - chance
    treated = (rng.random(customers) < TREATED).astype(int)
    return World(
        pd.DataFrame(X, columns=[f"x{place}" for place in range(FEATURES)]),
        treated,
        np.where(treated, TREATED, 1.0 - TREATED),
        (rng.random(customers) < chance + effect * treated).astype(np.float64),
        law.worth * np.exp(WORTH_SPREAD * rng.normal(size=customers)),
        effect,
        law.cost,
    )


def _area(order: FloatArray, effect: FloatArray) -> float:
    """Area between the cumulated effects in an order, the highest first, and chance."""
    _, group = np.unique(-order, return_inverse=True)
    share = np.append(0.0, np.cumsum(np.bincount(group))) / len(order)
    gained = np.append(0.0, np.cumsum(np.bincount(group, effect))) / len(order)
    return float(np.trapezoid(gained, share) - gained[-1] / 2)


def _weak(X: FloatArray) -> FloatArray:
    """Many weak covariates added up, of mean about 0 and deviation 1."""
    weights = np.linspace(1.2, 0.4, FEATURES) * np.tile([1.0, -1.0], FEATURES // 2)
    return np.asarray(_even(X) @ weights / np.sqrt((weights**2).sum()))


def _even(X: FloatArray) -> FloatArray:
    """Counts and the flag on the scale of the others."""
    scaled = X.copy()
    scaled[:, 3:6] = np.log1p(scaled[:, 3:6]) - 0.8
    scaled[:, 6] = (scaled[:, 6] - 0.3) / 0.46
    return scaled


def _usual(X: FloatArray) -> FloatArray:
    """A fifth order, who did so before more often."""
    return _logistic(-1.4 + 0.6 * _even(X)[:, 3] - 0.5 * X[:, 1] + 0.3 * X[:, 2])


def _seldom(X: FloatArray) -> FloatArray:
    """Two in a hundred order, by many weak covariates."""
    return _logistic(-4.3 + 0.8 * _weak(X))


def _odds(chance: Rule, times: float) -> Rule:
    """The effect of odds that are so many times as high with the offer."""

    def effect(X: FloatArray) -> FloatArray:
        before = chance(X)
        return before * times / (1.0 - before + before * times) - before

    return effect


def _logistic(score: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-score)))


def _one_feature(X: FloatArray) -> FloatArray:
    return np.asarray(np.where(X[:, 0] > 0.5, 0.08, 0.0))


def _constant(effect: float) -> Rule:
    return lambda X: np.full(len(X), effect)


WORLDS = {
    "rare": Law(_seldom, _odds(_seldom, 1.7), 100.0, 1.2),
    "rare, one feature": Law(_seldom, lambda X: np.where(X[:, 0] > 0.5, 0.025, 0.0), 100.0, 1.2),
    "one feature": Law(_usual, _one_feature, 40.0, 1.0),
    "spread": Law(_usual, lambda X: 0.025 + 0.03 * _weak(X), 40.0, 1.0),
    "everybody": Law(_usual, _constant(0.04), 40.0, 1.0),
    "nobody": Law(_usual, _constant(0.0), 40.0, 1.0),
    "harmful": Law(_usual, lambda X: -0.03 - 0.03 * (X[:, 0] > 0.5), 40.0, 0.5),
}
