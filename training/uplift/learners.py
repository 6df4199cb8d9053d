"""Meta-learners: ways to learn what each offer changes from regressions of what followed.

Every learner grows boosted trees on an `Experiment` and predicts an array of shape (rows, offers),
from the first so many rounds of its last stage if asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np

from training.evaluation import FloatArray
from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting
from training.uplift.experiment import Arms, Experiment, folds_of

# As the trees of churn have.
OUTCOME_LEAVES = 3
# An effect that depends on a feature takes two splits, on the offer and on the feature.
JOINT_LEAVES = 4
# Stumps add up one feature at a time.
ADDITIVE_LEAVES = 2
# Two features at a time, no more: effects are small beside their noise.
EFFECT_LEAVES = 3
# Twice the pace of the churn trees and half their rounds: cross-fitting grows dozens of forests.
ROUNDS, LEARNING_RATE = 200, 0.06
# The most that is tried; the choice among candidates stops earlier.
EFFECT_ROUNDS, EFFECT_LEARNING_RATE = 50, 0.03
# Each half is scored by what the other taught.
HALVES = 2


class Learner(Protocol):
    """What all of them can do."""

    name: ClassVar[str]

    @property
    def stages(self) -> tuple[BoostedTrees, ...]:
        """Trees that `effects` needs, in order."""
        ...

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """What each offer changes, shape (rows, offers)."""
        ...


@dataclass(frozen=True)
class SLearner:
    """One regression on the features and the offer; the effect is what the offer changes in it.

    S-learner of Kuenzel, Sekhon, Bickel & Yu (PNAS 116, 2019).
    """

    name: ClassVar[str] = "s"
    stages: tuple[BoostedTrees, ...]
    offers: int

    @classmethod
    def fit(cls, experiment: Experiment, seed: int = 0) -> Self:
        """Grow the one regression."""
        settings = outcome_boosting(JOINT_LEAVES, experiment, seed)
        rows = experiment.rows(experiment.arm >= 0)
        X = np.column_stack([rows.X, _indicators(rows.arm, rows.offers)])
        return cls((BoostedTrees.grow(X, rows.outcome, settings),), experiment.offers)

    def expected(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected outcome in each arm, shape (rows, offers + 1)."""
        arms = range(self.offers + 1)
        with_arm = [
            np.column_stack([X, _indicators(np.full(len(X), arm), self.offers)]) for arm in arms
        ]
        return np.column_stack([self.stages[0].predict(rows, rounds) for rows in with_arm])

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected outcome with each offer less that without."""
        return _against_none(self.expected(X, rounds))


@dataclass(frozen=True)
class TLearner:
    """One regression per arm; the effect is their difference.

    T-learner of Kuenzel et al. (2019).
    """

    name: ClassVar[str] = "t"
    stages: tuple[BoostedTrees, ...]

    @classmethod
    def fit(cls, experiment: Experiment, seed: int = 0) -> Self:
        """Grow a regression of each arm."""
        settings = outcome_boosting(OUTCOME_LEAVES, experiment, seed)
        arms = [experiment.rows(experiment.arm == arm) for arm in range(experiment.offers + 1)]
        return cls(tuple(BoostedTrees.grow(rows.X, rows.outcome, settings) for rows in arms))

    def expected(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected outcome in each arm, shape (rows, offers + 1)."""
        return np.column_stack([stage.predict(X, rounds) for stage in self.stages])

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected outcome with each offer less that without."""
        return _against_none(self.expected(X, rounds))


@dataclass(frozen=True)
class XLearner:
    """Regressions of imputed effects, of the treated and of the untreated, weighed by their shares.

    X-learner of Kuenzel et al. (2019), on the regressions of the T-learner: what a treated customer
    did beyond what is expected without the offer, and what an untreated one is expected to do with
    it beyond what they did. Any weights between 0 and 1 are right; shares of the arms need no
    propensity of arms that a customer did not get.
    """

    name: ClassVar[str] = "x"
    stages: tuple[BoostedTrees, ...]
    shares: tuple[float, ...]

    @classmethod
    def fit(cls, experiment: Experiment, expected: TLearner, seed: int = 0) -> Self:
        """Grow two regressions of each offer's effect."""
        settings = effect_boosting(EFFECT_LEAVES, experiment, seed)
        stages: list[BoostedTrees] = []
        none = experiment.rows(experiment.arm == 0)
        of_none = expected.expected(none.X)
        for offer in range(1, experiment.offers + 1):
            given = experiment.rows(experiment.arm == offer)
            beyond = given.outcome - expected.stages[0].predict(given.X)
            stages.append(BoostedTrees.grow(given.X, beyond, settings))
            stages.append(BoostedTrees.grow(none.X, of_none[:, offer] - none.outcome, settings))
        shares = tuple(experiment.share(offer) for offer in range(1, experiment.offers + 1))
        return cls(tuple(stages), shares)

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """The weighed means."""
        each = [stage.predict(X, rounds) for stage in self.stages]
        pairs = zip(self.shares, each[::2], each[1::2], strict=True)
        return np.column_stack(
            [(1 - share) * treated + share * untreated for share, treated, untreated in pairs]
        )


@dataclass(frozen=True)
class DoublyRobustLearner:
    """One regression per offer of the doubly robust score of its effect.

    DR-learner of Kennedy (Electronic Journal of Statistics 17, 2023): scores come from regressions
    that did not see the row. Rows count by how sure their scores are (Fisher & Fisher,
    "Three-way cross-fitting and pseudo-outcome regression", 2023). Boosting shrinks towards the
    mean effect, and names the fewer features, the fewer rounds it has.
    """

    name: ClassVar[str] = "dr"
    stages: tuple[BoostedTrees, ...]

    @classmethod
    def fit(cls, experiment: Experiment, expected: FloatArray, leaves: int, seed: int = 0) -> Self:
        """Grow a regression of each offer's scores less those without an offer.

        Parameters
        ----------
        experiment : Experiment
        expected : numpy.ndarray, shape (rows, offers + 1)
            From `expected_within`.
        leaves : int
        seed : int
        """
        settings = effect_boosting(leaves, experiment, seed)
        weight, change = experiment.precision(expected), _against_none(experiment.scores(expected))
        return cls(tuple(BoostedTrees.grow(experiment.X, d, settings, weight) for d in change.T))

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """What the regressions say."""
        return np.column_stack([stage.predict(X, rounds) for stage in self.stages])


def expected_within(experiment: Experiment, seed: int = 0) -> FloatArray:
    """Outcome expected of every row in each arm by a regression on the other half."""
    expected = np.zeros((len(experiment), experiment.offers + 1))
    fold = folds_of(experiment, HALVES, seed + 1)
    for half in range(HALVES):
        learner = SLearner.fit(experiment.rows(fold != half), seed)
        expected[fold == half] = learner.expected(experiment.X[fold == half])
    return expected


def outcome_boosting(leaves: int, experiment: Experiment, seed: int) -> Boosting:
    """Settings of a regression of the outcome."""
    return Boosting(
        rounds=ROUNDS,
        leaves=leaves,
        learning_rate=LEARNING_RATE,
        objective="binary" if experiment.is_binary else "regression",
        categorical=experiment.categorical,
        seed=seed,
    )


def effect_boosting(leaves: int, experiment: Experiment, seed: int) -> Boosting:
    """Settings of a regression of what scatters around the effect."""
    return Boosting(
        rounds=EFFECT_ROUNDS,
        leaves=leaves,
        learning_rate=EFFECT_LEARNING_RATE,
        objective="regression",
        categorical=experiment.categorical,
        scarce=True,
        seed=seed,
    )


def _indicators(arm: Arms, offers: int) -> FloatArray:
    return np.asarray(arm[:, None] == np.arange(1, offers + 1), dtype=np.float64)


def _against_none(arms: FloatArray) -> FloatArray:
    return np.asarray(arms[:, 1:] - arms[:, :1])
