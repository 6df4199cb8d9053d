"""Every learner judged on rows it never saw: out-of-fold effects beside doubly robust scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation import FloatArray
from training.uplift.experiment import Experiment, folds_of
from training.uplift.learners import (
    ADDITIVE_LEAVES,
    EFFECT_LEARNING_RATE,
    EFFECT_LEAVES,
    DoublyRobustLearner,
    Learner,
    SLearner,
    TLearner,
    XLearner,
)

LEARNERS = ("dr_stumps", "dr", "x", "s", "t")


@dataclass(frozen=True)
class LearnerSetting:
    """A learner and how many rounds of boosting its last stage has."""

    learner: str
    rounds: int

    @property
    def stretch(self) -> float:
        """What undoes the shrinkage of regressions of effects that stop early.

        After so many rounds boosting has gone this part of the way from the mean.
        """
        if self.learner in ("s", "t"):
            return 1.0
        return 1.0 / (1.0 - (1.0 - EFFECT_LEARNING_RATE) ** self.rounds)


# From simple to complex: the order in which ties are decided.
CANDIDATES = tuple(
    LearnerSetting(learner, rounds)
    for learner, several in (
        ("dr_stumps", (10, 25, 50)),
        ("dr", (10, 25, 50)),
        ("x", (25, 50)),
        ("s", (50, 200)),
        ("t", (50, 200)),
    )
    for rounds in several
)


@dataclass(frozen=True)
class OutOfFold:
    """What was predicted of each row without having seen it.

    Attributes
    ----------
    scores : numpy.ndarray, shape (rows, offers + 1)
        Doubly robust scores of each arm, by outcome regressions that did not see the row.
    effects : mapping of LearnerSetting to numpy.ndarray, shape (rows, offers)
    fold : numpy.ndarray of int, shape (rows,)
        Effects are comparable within a fold only: every fold has its own models.
    """

    scores: FloatArray
    effects: Mapping[LearnerSetting, FloatArray]
    fold: NDArray[np.int64]


def crossfit(
    experiment: Experiment, candidates: Sequence[LearnerSetting], folds: int, seed: int
) -> OutOfFold:
    """Learn from all folds but one and predict that one, for each in turn."""
    fold = folds_of(experiment, folds, seed)
    expected = np.empty((len(experiment), experiment.offers + 1))
    effects = {
        candidate: np.empty((len(experiment), experiment.offers)) for candidate in candidates
    }
    names = {candidate.learner for candidate in candidates}
    for number in range(folds):
        held = fold == number
        rows, X = experiment.rows(~held), experiment.X[held]
        # Its regression on all arms at once is also what the scores rest on.
        s_learner = SLearner.fit(rows, seed)
        expected[held] = s_learner.expected(X)
        learners = {"s": s_learner} | {n: learn(n, rows, seed) for n in sorted(names - {"s"})}
        for candidate, found in effects.items():
            found[held] = learners[candidate.learner].effects(X, candidate.rounds)
    return OutOfFold(experiment.scores(expected), effects, fold)


def learn(name: str, experiment: Experiment, seed: int) -> Learner:
    """Fit a learner by its name on all rows of an experiment."""
    if name == "s":
        return SLearner.fit(experiment, seed)
    if name == "t":
        return TLearner.fit(experiment, seed)
    if name == "x":
        return XLearner.fit(experiment, TLearner.fit(experiment, seed), seed)
    leaves = ADDITIVE_LEAVES if name == "dr_stumps" else EFFECT_LEAVES
    return DoublyRobustLearner.fit(experiment, leaves, seed)
