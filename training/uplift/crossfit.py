"""Every learner judged on rows it never saw: out-of-fold effects beside doubly robust scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import FloatArray
from training.models.boosted import BoostedTrees
from training.uplift.calibration import Calibration
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
    expected_within,
)
from training.uplift.odds import OddsLearner

LEARNERS = ("odds", "dr_stumps", "dr", "x", "s", "t")


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
        if self.learner in ("odds", "s", "t"):
            return 1.0
        return 1.0 / (1.0 - (1.0 - EFFECT_LEARNING_RATE) ** self.rounds)


# The steady ones first, then the richer: the order in which ties are decided. More of a kind, at
# other rounds, only made the best of many luckier.
STEADY = (LearnerSetting("odds", 25), LearnerSetting("dr_stumps", 25))
RICHER = (
    LearnerSetting("dr", 25),
    LearnerSetting("x", 25),
    LearnerSetting("s", 200),
    LearnerSetting("t", 200),
)
CANDIDATES = STEADY + RICHER


@dataclass(frozen=True)
class OutOfFold:
    """What was predicted of each row without having seen it.

    Attributes
    ----------
    scores : numpy.ndarray, shape (rows, offers + 1)
        Doubly robust scores of each arm, by outcome regressions that did not see the row.
    effects : mapping of LearnerSetting to numpy.ndarray, shape (rows, offers)
        Undone of what stopping early held back.
    fold : numpy.ndarray of int, shape (rows,)
        Effects are comparable within a fold only: every fold has its own models.
    offered : tuple of int
        Rows that got each offer.
    spread : float
        Standard deviation of the outcome.
    """

    scores: FloatArray
    effects: Mapping[LearnerSetting, FloatArray]
    fold: NDArray[np.int64]
    offered: tuple[int, ...]
    spread: float

    @property
    def change(self) -> FloatArray:
        """Scores with each offer less those without, shape (rows, offers)."""
        return np.asarray(self.scores[:, 1:] - self.scores[:, :1])

    def line(
        self, setting: LearnerSetting, offer: int, rows: NDArray[np.bool_] | slice = slice(None)
    ) -> Calibration:
        """The calibration of an offer, counted from 0, by some of the rows."""
        change, predicted = self.change[rows, offer], self.effects[setting][rows, offer]
        offered = round(self.offered[offer] * len(change) / len(self.fold))
        return Calibration.of(change, predicted, offered, self.spread)


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
        learners = learn_all(names | {"s"}, rows, seed)
        s_learner = learners["s"]
        assert isinstance(s_learner, SLearner)
        # Its regression on all arms at once is also what the scores rest on.
        expected[held] = s_learner.expected(X)
        for candidate, found in effects.items():
            predicted = learners[candidate.learner].effects(X, candidate.rounds)
            found[held] = candidate.stretch * predicted
    counts = np.bincount(experiment.arm[experiment.arm >= 0], minlength=experiment.offers + 1)
    return OutOfFold(
        experiment.scores(expected),
        effects,
        fold,
        tuple(int(count) for count in counts[1:]),
        float(experiment.outcome.std()),
    )


def learn_all(names: Iterable[str], experiment: Experiment, seed: int) -> dict[str, Learner]:
    """Fit learners by their names on all rows; what several of them need is grown once."""
    asked, found = set(names), dict[str, Learner]()
    if asked & {"odds", "dr_stumps", "dr"}:
        expected = expected_within(experiment, seed)
        for name, leaves in (("dr_stumps", ADDITIVE_LEAVES), ("dr", EFFECT_LEAVES)):
            if name in asked:
                found[name] = DoublyRobustLearner.fit(experiment, expected, leaves, seed)
        if "odds" in asked:
            found["odds"] = OddsLearner.fit(experiment, expected, seed)
    if asked & {"x", "t"}:
        of_arms = TLearner.fit(experiment, seed)
        found["t"] = of_arms
        if "x" in asked:
            found["x"] = XLearner.fit(experiment, of_arms, seed)
    if "s" in asked:
        found["s"] = SLearner.fit(experiment, seed)
    return found


def learner_from(folder: Path, content: Mapping[str, Any], offers: int) -> Learner | None:
    """Read the stages that were saved, and put the learner together; None if there is none.

    Parameters
    ----------
    folder : Path
    content : mapping
        `name`, `stages` (their number), `shares` (of the X-learner), `shifts` and `binary` (of
        the odds).
    offers : int
        Number of offers it tells of.
    """
    stages = tuple(
        BoostedTrees.from_text((folder / f"stage_{number}.txt").read_text(encoding="utf-8"))
        for number in range(content["stages"])
    )
    if not stages:
        return None
    if content["name"] == OddsLearner.name:
        return OddsLearner(stages, tuple(content["shifts"]), content["binary"])
    if content["name"] == SLearner.name:
        return SLearner(stages, offers)
    if content["name"] == TLearner.name:
        return TLearner(stages)
    if content["name"] == XLearner.name:
        return XLearner(stages, tuple(content["shares"]))
    return DoublyRobustLearner(stages)
