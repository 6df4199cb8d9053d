"""What a rolling-origin backtest found: every candidate at every origin, and the one chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.agreement import many
from features.clock import as_instant
from training.evaluation import FloatArray, LevelError, PairedDifference
from training.models.tasks import Task
from training.panel.ahead import WindowAhead
from training.panel.snapshot import Snapshot

# A bootstrap over customers is too sure of a handful of them, and of one season.
FEWEST_CUSTOMERS, FEWEST_ORIGINS = 30, 3


@dataclass(frozen=True)
class JudgedForecast:
    """One candidate at one origin.

    Attributes
    ----------
    candidate : str
    judge : Snapshot
        The rows it was judged on, of customers who got no offer in the window; nothing fitted saw
        them.
    forecast : numpy.ndarray, shape (customers,)
        Churn risk, or expected spend.
    metrics : dict
    """

    candidate: str
    judge: Snapshot
    forecast: FloatArray
    metrics: dict[str, float]


@dataclass(frozen=True)
class Backtest:
    """All candidates at all origins, and the one chosen.

    Attributes
    ----------
    judged : tuple of JudgedForecast
        By origin, then candidate; empty if the history is too short for a single fold.
    chosen : str
    why : str
        The choice in words.
    window_days : float
        The window that was judged: shorter than the horizon where the history does not label that.
    differences : mapping of str to PairedDifference
        Other candidate -> loss of the chosen one less its loss: the mean over origins, as in
        `means`, with its interval over customers.
    ahead : WindowAhead
        What the history cannot know of the window that the model is to forecast.
    too_little : str
        What there is too little of for the preferred candidates; empty if there is enough.
    """

    task: Task
    judged: tuple[JudgedForecast, ...]
    chosen: str
    why: str
    window_days: float
    differences: Mapping[str, PairedDifference] = field(default_factory=dict)
    ahead: WindowAhead = field(default_factory=WindowAhead)
    too_little: str = ""

    def table(self) -> pd.DataFrame:
        """One row for each origin and candidate: origin, candidate, customers and every metric."""
        return pd.DataFrame(
            {
                "origin": f"{as_instant(j.judge.as_of):%Y-%m-%d}",
                "candidate": j.candidate,
                "customers": len(j.judge),
                **j.metrics,
            }
            for j in self.judged
        )

    def spread(self) -> pd.DataFrame:
        """Standard deviation over origins of every metric; index candidate."""
        table = self.table()
        if table.empty:
            return pd.DataFrame()
        order = table["candidate"].unique()
        return table.drop(columns=["origin", "customers"]).groupby("candidate").std().loc[order]

    @property
    def criterion(self) -> str:
        """The loss that the choice goes by."""
        return self.task.criterion

    def means(self) -> pd.DataFrame:
        """Mean over origins of every metric; index candidate."""
        table = self.table()
        if table.empty:
            return pd.DataFrame()
        order = table["candidate"].unique()
        return table.drop(columns=["origin", "customers"]).groupby("candidate").mean().loc[order]

    def of(self, candidate: str) -> tuple[JudgedForecast, ...]:
        """One candidate's judgements, oldest origin first."""
        return tuple(j for j in self.judged if j.candidate == candidate)

    def fallback(self) -> str | None:
        """That the model is the one that the data carry, and what there is too little of."""
        if not self.too_little:
            return None
        return (
            f"{self.task.title}: the data carry no more than `{self.chosen}`; there is "
            f"{self.too_little}."
        )

    def unsaved(self) -> str | None:
        """That a candidate without a plain-file form did better, and cannot be the model."""
        if not self.judged:
            return None
        loss = self.means()[self.criterion]
        formless = [name for name in loss.index if name not in self.task.with_form]
        if not formless or loss[formless].min() >= loss[self.chosen]:
            return None
        best = str(loss[formless].idxmin())
        return (
            f"`{best}` did better than `{self.chosen}` ({self.task.criterion_title} "
            f"{loss[best]:.4f} against {loss[self.chosen]:.4f}) and cannot be the model: it has no "
            "plain-file form. The best that has one was taken."
        )

    def cautions(self) -> list[str]:
        """What to know before the grade is believed."""
        unsaved = self.unsaved()
        return [*self.ahead.cautions(), *([] if unsaved is None else [unsaved])]

    def level_error(self) -> LevelError:
        """How far the level of the chosen candidate was off, means over origins."""
        found = [
            self.task.level(self.task.truth(j.judge), j.forecast) for j in self.of(self.chosen)
        ]
        bias, error, noise = np.mean([(e.bias, e.error, e.noise) for e in found], axis=0)
        return LevelError(float(bias), float(error), float(noise))

    @property
    def is_enough(self) -> bool:
        """Whether there are customers and origins enough for anything to be clear."""
        customers, origins = self._size()
        return customers >= FEWEST_CUSTOMERS and origins >= FEWEST_ORIGINS

    def size_in_words(self) -> str:
        """What was judged on, and what it takes for anything to be clear."""
        customers, origins = self._size()
        return (
            f"{many(customers, 'customer')} at {many(origins, 'origin')} where {FEWEST_CUSTOMERS} "
            f"and {FEWEST_ORIGINS} are needed"
        )

    def _size(self) -> tuple[int, int]:
        judges = [j.judge for j in self.of(self.chosen)]
        return len({customer for judge in judges for customer in judge.X.index}), len(judges)
