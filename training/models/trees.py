"""Boosted trees that learn who is at more risk than others at the same instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from lightgbm import Booster
from scipy.special import logit

from training.evaluation import FloatArray
from training.models import boosting
from training.models.boosting import Boosting
from training.panel.snapshot import Snapshot, TrainingSet


@dataclass(frozen=True)
class Trees:
    """Trees grown on one training set.

    Attributes
    ----------
    booster : lightgbm.Booster
    columns : list of str
        Columns it was grown on.
    window_days : float
        The window it learnt.
    events : float
        How many of the rarer outcome a snapshot held on average.
    """

    booster: Booster
    columns: list[str]
    window_days: float
    events: float

    @classmethod
    def grow(cls, training_set: TrainingSet, seed: int) -> Self | None:
        """Grow trees on the untreated, or none where only one outcome was seen.

        Every snapshot starts from its own mean, so that the trees learn nothing of seasons.
        """
        X, churned, weight = training_set.frame, training_set.churned, training_set.weight
        if churned.min() == churned.max():
            return None
        columns = boosting.usable_columns(X)
        level = np.concatenate([_level(s, training_set.churn_rate) for s in training_set.untreated])
        booster = Boosting(seed=seed).fit(X[columns], churned, level, weight)
        rarer = min(_worth(weight[churned == outcome]) for outcome in (0, 1))
        return cls(
            booster, columns, training_set.window_days, float(rarer / len(training_set.snapshots))
        )

    def raw(self, X: pd.DataFrame) -> FloatArray:
        """What the trees add to the logit of churn, shape (rows,)."""
        return boosting.raw(self.booster, X[self.columns])

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds, by exact tree SHAP; shape (rows, columns)."""
        return boosting.contributions(self.booster, X[self.columns])

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees; JSON-ready content for the rest."""
        boosting.save(self.booster, folder / self._file(self.window_days))
        return {
            "columns": self.columns,
            "window_days": self.window_days,
            "events": self.events,
        }

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any]) -> Self:
        """Read what `save` wrote."""
        return cls(boosting.load(folder / cls._file(content["window_days"])), **content)

    @staticmethod
    def _file(window_days: float) -> str:
        return f"trees_{window_days:g}d.txt"


def _level(snapshot: Snapshot, usual: float) -> FloatArray:
    """The logit of a snapshot's mean outcome; one more row, as usual, keeps it finite."""
    churned = (snapshot.weight * snapshot.churned).sum()
    return np.full(len(snapshot), logit((churned + usual) / (snapshot.weight.sum() + 1.0)))


def _worth(weight: FloatArray) -> float:
    """How many equally weighted rows are worth as much (Kish 1965, section 11.7)."""
    return float(weight.sum() ** 2 / (weight**2).sum())
