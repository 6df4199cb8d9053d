"""Rolling-origin folds: later snapshots judge models fitted on earlier ones, a horizon apart."""

from __future__ import annotations

from collections.abc import Sequence
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
    others : tuple of Panel
        Of other windows, as they were known then.
    """

    learn: Panel
    judge: Snapshot
    others: tuple[Panel, ...] = ()

    def __post_init__(self) -> None:
        known = self.learn.snapshots
        if not known or known[-1].as_of + self.learn.gap_days > self.judge.as_of:
            raise ValueError("a fold must learn from labels that were complete at its origin.")


def rolling_origin(panel: Panel, origins: int, others: Sequence[Panel] = ()) -> list[Fold]:
    """The last `origins` snapshots that have something to learn from, oldest first.

    Folds are made before anything learns from them: reading a history is not for several threads at
    once (see `side_by_side`).
    """
    first = panel.snapshots[0].as_of + panel.gap_days
    judges = [snapshot for snapshot in panel.snapshots if snapshot.as_of >= first]
    return [
        Fold(
            panel.known_at(judge.as_of),
            judge,
            tuple(other.known_at(judge.as_of) for other in others),
        )
        for judge in judges[-origins:]
    ]
