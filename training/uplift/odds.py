"""A learner that starts from one effect for all on the scale of odds, and adds what it misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import expit

from training.evaluation import FloatArray
from training.models.boosted import BoostedTrees
from training.uplift.experiment import Experiment, folds_of
from training.uplift.learners import (
    ADDITIVE_LEAVES,
    EFFECT_LEARNING_RATE,
    EFFECT_ROUNDS,
    HALVES,
    OUTCOME_LEAVES,
    effect_boosting,
    outcome_boosting,
)

# Newton's steps for one number, each at most 1 on the scale of log odds.
STEPS = 25


@dataclass(frozen=True)
class OddsLearner:
    """Odds as many times as high for everybody, and stumps on what the scores say beyond that.

    Where few order, and many weak features say who, offers mostly bring those who were near an
    order anyway, and no regression of effects finds that in a pilot. So the effects of one logistic
    regression without interactions come first (its offset is a regression of the outcome on the
    features that did not see the row), and a doubly robust learner (Kennedy 2023) learns the rest.
    Outcomes other than 0 and 1 are taken to grow by a factor instead.

    Attributes
    ----------
    stages : tuple of BoostedTrees
        The regression of the outcome, then one of the rest of each offer's effect.
    shifts : tuple of float
        Log odds, or the factor, that each arm adds, without an offer first.
    is_binary : bool
    """

    name: ClassVar[str] = "odds"
    # The regression of the outcome is no effect: it does not stop early.
    whole_stages: ClassVar[int] = 1
    stages: tuple[BoostedTrees, ...]
    shifts: tuple[float, ...]
    is_binary: bool

    @classmethod
    def fit(cls, experiment: Experiment, expected: FloatArray, seed: int = 0) -> Self:
        """Learn the odds, then grow stumps on the rest.

        Parameters
        ----------
        experiment : Experiment
        expected : numpy.ndarray, shape (rows, offers + 1)
            From `expected_within`.
        seed : int
        """
        settings = outcome_boosting(OUTCOME_LEAVES, experiment, seed)
        used = experiment.arm >= 0
        before = np.zeros(len(experiment))
        fold = folds_of(experiment, HALVES, seed + 1)
        for half in range(HALVES):
            rows = experiment.rows((fold != half) & used)
            trees = BoostedTrees.grow(rows.X, rows.outcome, settings)
            before[fold == half] = _linked(trees, experiment.X[fold == half])
        rows = experiment.rows(used)
        base = BoostedTrees.grow(rows.X, rows.outcome, settings)
        shift = _log_odds if experiment.is_binary else _factor
        mine = [experiment.arm == arm for arm in range(experiment.offers + 1)]
        shifts = tuple(shift(before[arm], experiment.outcome[arm]) for arm in mine)
        start = cls((base,), shifts, experiment.is_binary)
        scores = experiment.scores(expected)
        rest = scores[:, 1:] - scores[:, :1] - start._of_odds(before)
        effects, weight = (
            effect_boosting(ADDITIVE_LEAVES, experiment, seed),
            experiment.precision(expected),
        )
        grown = (BoostedTrees.grow(experiment.X, d, effects, weight) for d in rest.T)
        return cls((base, *grown), shifts, experiment.is_binary)

    def effects(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """What the odds say, and what the stumps add, undone of what stopping early held back."""
        gone = 1.0 - (1.0 - EFFECT_LEARNING_RATE) ** (rounds or EFFECT_ROUNDS)
        rest = [stage.predict(X, rounds) / gone for stage in self.stages[1:]]
        return np.asarray(self._of_odds(_linked(self.stages[0], X)) + np.column_stack(rest))

    def _of_odds(self, before: FloatArray) -> FloatArray:
        """Effects of the shifts alone, shape (rows, offers)."""
        shifts = np.array(self.shifts)
        if self.is_binary:
            chance = expit(before[:, None] + shifts)
            return np.asarray(chance[:, 1:] - chance[:, :1])
        return np.asarray(before[:, None] * (shifts[1:] - shifts[0]))


def _linked(trees: BoostedTrees, X: FloatArray) -> FloatArray:
    """What the trees say on the scale of shifts; a constant outcome has no log odds to add to."""
    return trees.raw(X) if trees.booster is not None else np.full(len(X), trees.constant)


def _log_odds(before: FloatArray, outcome: FloatArray) -> float:
    """The shift of all log odds that is likeliest."""
    # Half an outcome of each kind keeps it finite where all or none came.
    outcome, before = np.append(outcome, 0.5), np.append(before, 0.0)
    shift = 0.0
    for _ in range(STEPS):
        chance = expit(before + shift)
        shift += float(np.clip((outcome - chance).sum() / (chance * (1 - chance)).sum(), -1, 1))
    return shift


def _factor(before: FloatArray, outcome: FloatArray) -> float:
    expected = float(before.sum())
    return float(outcome.sum()) / expected if expected > 0 else 1.0
