"""Snapshots: the feature table at many past instants, each joined with what happened next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from features.clock import as_instant
from features.history import History
from features.table import feature_table
from training.config import TrainingConfig
from training.errors import TrainingError
from training.labels import Value, covered_until, label_table

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Snapshot:
    """The feature table at one instant and its labels.

    Attributes
    ----------
    as_of : float
        The instant, as `day`.
    X : pandas.DataFrame, shape (customers, features)
    churned, spend : numpy.ndarray, shape (customers,)
        Labels over the panel's horizon.
    """

    as_of: float
    X: pd.DataFrame
    churned: np.ndarray
    spend: np.ndarray

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Panel:
    """Snapshots of one history for one horizon, oldest first.

    Attributes
    ----------
    horizon_days : int
    gap_days : float
        How far apart a learning and a judging snapshot must be: the horizon and the recording lag.
    snapshots : tuple of Snapshot
    sample_share : float
        Share of customers that was kept.
    """

    horizon_days: int
    gap_days: float
    snapshots: tuple[Snapshot, ...]
    sample_share: float = 1.0

    def known_at(self, day: float) -> tuple[Snapshot, ...]:
        """The snapshots whose labels were complete at a day."""
        return tuple(s for s in self.snapshots if s.as_of + self.gap_days <= day)


def stack(snapshots: Sequence[Snapshot]) -> Snapshot:
    """All rows of several snapshots; `as_of` is that of the latest."""
    return Snapshot(
        snapshots[-1].as_of,
        pd.concat([s.X for s in snapshots]),
        np.concatenate([s.churned for s in snapshots]),
        np.concatenate([s.spend for s in snapshots]),
    )


def origin_of_rows(snapshots: Sequence[Snapshot]) -> np.ndarray:
    """The instant of every row of `stack(snapshots)`, shape (rows,)."""
    return np.repeat([s.as_of for s in snapshots], [len(s) for s in snapshots])


def build_panel(
    history: History, horizon_days: int, config: TrainingConfig, progress: Progress = lambda _: None
) -> Panel:
    """Describe and label the customers at evenly spaced instants, back from the last labelled one.

    Parameters
    ----------
    history : History
        Cut at the training instant, with codes for its text attributes.
    horizon_days : int
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    TrainingError
        If the history cannot label a single snapshot at this horizon.
    """
    days = snapshot_days(history, horizon_days, config)
    value = Value(config.margin_rate, config.discount_rate_yearly)
    latest = feature_table(history, days[-1], horizon_days)
    share = min(1.0, config.max_rows / (len(latest) * len(days)))
    snapshots = []
    for i, day in enumerate(days):
        progress(f"snapshot {i + 1} of {len(days)}: {as_instant(day):%Y-%m-%d}")
        X = latest if day == days[-1] else feature_table(history, day, horizon_days)
        X = X[hash_share(X.index) < share]
        labels = label_table(history, day, horizon_days, value).reindex(X.index, fill_value=0.0)
        churned = 1.0 - labels["ordered"].to_numpy()
        snapshots.append(Snapshot(day, X, churned, labels["spend"].to_numpy()))
    gap = horizon_days + history.mapping.recording_lag_days
    return Panel(horizon_days, gap, tuple(snapshots), share)


def snapshot_days(history: History, horizon_days: int, config: TrainingConfig) -> list[float]:
    """The instants of the snapshots, oldest first."""
    end = covered_until(history)
    purchases = history.orders.filter(nw.col("amount") > 0)
    first = purchases.select(nw.col("day").min()).collect()["day"].to_list()[0]
    if first is None:
        raise TrainingError("the history has no order with a positive amount before as_of.")
    last = end - horizon_days
    warm_up = max(horizon_days / 2, 30.0) if horizon_days >= 30 else 14.0
    earliest = np.floor(first) + warm_up
    if last < earliest:
        longest = int(min(end - np.floor(first) - 30.0, (end - np.floor(first)) / 1.5))
        raise TrainingError(
            f"horizon_days must leave {warm_up:.0f} days of orders before the label window; the "
            f"history has {end - np.floor(first):.0f} labelled days and the horizon is "
            f"{horizon_days}. Choose a horizon of at most {max(longest, 1)} days or give more data."
        )
    spacing = config.spacing(horizon_days)
    wanted = config.snapshots + int(np.ceil(horizon_days / spacing)) + config.origins
    available = int((last - earliest) // spacing) + 1
    return [last - i * spacing for i in range(min(wanted, available))][::-1]


def hash_share(ids: pd.Index) -> np.ndarray:
    """A fixed place in [0, 1) for every customer id, the same in every snapshot and run."""
    hashes = pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)
    return np.asarray(hashes, dtype="float64") / 2.0**64
