"""Rolling-origin folds: later snapshots judge models fitted on earlier ones, a horizon apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from training.panel.panel import Panel
from training.panel.snapshot import Snapshot


@dataclass(frozen=True)
class Fold:
    """Snapshots to learn from, and the later one that judges.

    Attributes
    ----------
    learn : Panel
        Every window in it had closed when `judge` was taken, and its labels are those known then.
    judge : Snapshot
    """

    learn: Panel
    judge: Snapshot

    def __post_init__(self) -> None:
        known = self.learn.snapshots
        if not known or known[-1].as_of + self.learn.gap_days > self.judge.as_of:
            raise ValueError("a fold must learn from labels that were complete at its origin.")


def rolling_origin(panel: Panel, origins: int) -> Iterator[Fold]:
    """The last `origins` snapshots that have something to learn from, oldest first."""
    first = panel.snapshots[0].as_of + panel.gap_days
    judges = [snapshot for snapshot in panel.snapshots if snapshot.as_of >= first]
    for judge in judges[-origins:]:
        yield Fold(panel.known_at(judge.as_of), judge)
