"""Boosted trees that learn who is at more risk than others at the same instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import logit

from training.evaluation import FloatArray
from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting, usable_columns
from training.panel.snapshot import Snapshot, TrainingSet


@dataclass(frozen=True)
class ChurnTrees:
    """Trees grown on one training set.

    Attributes
    ----------
    trees : BoostedTrees
    columns : list of str
        Columns they were grown on.
    window_days : float
        The window they learnt.
    events : float
        How many of the rarer outcome a snapshot held on average.
    """

    trees: BoostedTrees
    columns: list[str]
    window_days: float
    events: float

    @classmethod
    def grow(cls, training_set: TrainingSet, settings: Boosting) -> Self | None:
        """Grow trees on the untreated, or none where only one outcome was seen.

        Every snapshot starts from its own mean, so that the trees learn nothing of seasons.
        """
        X, churned, weight = training_set.frame, training_set.churned, training_set.weight
        if churned.min() == churned.max():
            return None
        columns, usual = usable_columns(X), training_set.churn_rate
        level = np.concatenate([_level(snapshot, usual) for snapshot in training_set.untreated])
        trees = BoostedTrees.grow(X[columns].to_numpy(), churned, settings, weight, level)
        rarer = min(_worth(weight[churned == outcome]) for outcome in (0, 1))
        events = float(rarer / len(training_set.snapshots))
        return cls(trees, columns, training_set.window_days, events)

    def raw(self, X: pd.DataFrame) -> FloatArray:
        """What the trees add to the logit of churn, shape (rows,)."""
        return self.trees.raw(X[self.columns].to_numpy())

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds, by exact tree SHAP; shape (rows, columns)."""
        added = self.trees.contributions(X[self.columns].to_numpy())
        return pd.DataFrame(added, index=X.index, columns=self.columns)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees; JSON-ready content for the rest."""
        path = folder / self._file(self.window_days)
        path.write_text(self.trees.text(), encoding="utf-8")
        return {
            "columns": self.columns,
            "window_days": self.window_days,
            "events": self.events,
        }

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any]) -> Self:
        """Read what `save` wrote."""
        text = (folder / cls._file(content["window_days"])).read_text(encoding="utf-8")
        return cls(BoostedTrees.from_text(text), **content)

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
