"""Rolling-origin folds: later snapshots judge models fitted on earlier ones, a horizon apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from training.snapshots import Panel, Snapshot


@dataclass(frozen=True)
class Fold:
    """Snapshots to learn from, and the later one that judges.

    Attributes
    ----------
    learn : tuple of Snapshot
        Oldest first; every window among them had closed when `judge` was taken, and its labels are
        those known by then.
    judge : Snapshot
    gap_days : float
        How far apart they are at least: the horizon and the recording lag.
    """

    learn: tuple[Snapshot, ...]
    judge: Snapshot
    gap_days: float

    def __post_init__(self) -> None:
        if not self.learn or self.learn[-1].as_of + self.gap_days > self.judge.as_of:
            raise ValueError("a fold must learn from labels that were complete at its origin.")


def rolling_origin(panel: Panel, origins: int) -> Iterator[Fold]:
    """The last `origins` snapshots that have something to learn from, oldest first."""
    first = panel.snapshots[0].as_of + panel.gap_days
    judges = [snapshot for snapshot in panel.snapshots if snapshot.as_of >= first]
    for judge in judges[-origins:]:
        yield Fold(panel.known_at(judge.as_of), judge, panel.gap_days)
