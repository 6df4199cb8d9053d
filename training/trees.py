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

from training import boosting
from training.boosting import Boosting
from training.evaluation import FloatArray
from training.lesson import Lesson


@dataclass(frozen=True)
class Trees:
    """Trees grown on one lesson.

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
    def grow(cls, lesson: Lesson, seed: int) -> Self | None:
        """Grow trees, or none where only one outcome was seen.

        Every snapshot starts from its own mean, so that the trees learn nothing of seasons.
        """
        X, churned = lesson.frame, lesson.churned
        if churned.min() == churned.max():
            return None
        columns = boosting.usable_columns(X)
        level = np.concatenate([_level(s.churned, float(churned.mean())) for s in lesson.snapshots])
        booster = Boosting(seed=seed).fit(X[columns], churned, level)
        rarer = min(churned.sum(), len(churned) - churned.sum())
        return cls(booster, columns, lesson.window_days, float(rarer / len(lesson.snapshots)))

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


def _level(churned: FloatArray, usual: float) -> FloatArray:
    """The logit of a snapshot's mean outcome; one more row, as usual, keeps it finite."""
    return np.full(len(churned), logit((churned.sum() + usual) / (len(churned) + 1.0)))
