"""What a rolling-origin backtest found: every candidate at every origin, and the one chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from features.clock import as_instant
from training.evaluation import FloatArray, PairedDifference
from training.models.tasks import Task
from training.panel.snapshot import Snapshot


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
        Other candidate -> loss of the chosen one less its loss, over customers.
    """

    task: Task
    judged: tuple[JudgedForecast, ...]
    chosen: str
    why: str
    window_days: float
    differences: Mapping[str, PairedDifference] = field(default_factory=dict)

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
