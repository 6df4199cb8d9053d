"""Snapshots: the feature table at many past instants, each joined with what happened next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from features.clock import as_instant
from features.history import History
from features.quality.flow import order_days, solid
from features.table import feature_table
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.labels import Value, covered_until, outcomes

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
    churned: FloatArray
    spend: FloatArray

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Panel:
    """Snapshots of one history for one horizon, oldest first.

    Attributes
    ----------
    past : History
        Where the labels come from: the history, of the sampled customers.
    horizon_days : int
    value : Value
    snapshots : tuple of Snapshot
    sample_share : float
        Share of customers that was kept.
    """

    past: History
    horizon_days: int
    value: Value
    snapshots: tuple[Snapshot, ...]
    sample_share: float = 1.0

    @property
    def gap_days(self) -> float:
        """From a snapshot to when its labels are complete: the horizon and the recording lag."""
        return self.horizon_days + self.past.mapping.recording_lag_days

    def known_at(self, day: float) -> tuple[Snapshot, ...]:
        """The snapshots whose labels were complete at a day, with the labels as known then."""
        then = self.past.upto(day)
        return tuple(
            labelled(then, s.as_of, s.X, self.horizon_days, self.value)
            for s in self.snapshots
            if s.as_of + self.gap_days <= day
        )


def stack(snapshots: Sequence[Snapshot]) -> Snapshot:
    """All rows of several snapshots; `as_of` is that of the latest."""
    return Snapshot(
        snapshots[-1].as_of,
        pd.concat([s.X for s in snapshots]),
        np.concatenate([s.churned for s in snapshots]),
        np.concatenate([s.spend for s in snapshots]),
    )


def origin_of_rows(snapshots: Sequence[Snapshot]) -> FloatArray:
    """The instant of every row of `stack(snapshots)`, shape (rows,)."""
    return np.repeat([s.as_of for s in snapshots], [len(s) for s in snapshots])


def labelled(
    past: History, as_of: float, X: pd.DataFrame, horizon_days: float, value: Value
) -> Snapshot:
    """Join a feature table with what `past` knows of the window that follows."""
    labels = outcomes(past, as_of, horizon_days, value).reindex(X.index, fill_value=0.0)
    return Snapshot(as_of, X, 1.0 - labels["ordered"].to_numpy(), labels["spend"].to_numpy())


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
    past, share = _sampled(history, days, config.max_rows)
    value = Value(config.margin_rate, config.discount_rate_yearly)
    snapshots = []
    for number, day in enumerate(days, start=1):
        progress(f"snapshot {number} of {len(days)}: {as_instant(day):%Y-%m-%d}")
        X = feature_table(past, day, horizon_days)
        if len(X):
            snapshots.append(labelled(past, day, X, horizon_days, value))
    if not snapshots:
        raise TrainingError(
            f"max_rows must leave a customer to learn from; got {config.max_rows}. Raise it."
        )
    return Panel(past, horizon_days, value, tuple(snapshots), share)


def snapshot_days(history: History, horizon_days: int, config: TrainingConfig) -> list[float]:
    """The instants of the snapshots, oldest first; midnights, as most instants of prediction are.

    The latest is the last whose window is covered, the earliest leaves some days to look back on.
    There are enough for every origin of a backtest to learn from `config.snapshots`.
    """
    covered = covered_until(history)
    first = _first_day(history)
    end, last = np.floor(covered), np.floor(covered - horizon_days)
    earliest = first + _warm_up(horizon_days)
    if last < earliest:
        longest = [h for h in range(1, int(end - first)) if h + _warm_up(h) <= end - first]
        advice = f"Choose a horizon of at most {longest[-1]} days, or give" if longest else "Give"
        raise TrainingError(
            f"horizon_days must leave {_warm_up(horizon_days):.0f} days of orders before the label "
            f"window; got {horizon_days} in a history of {max(end - first, 0):.0f} labelled days. "
            f"{advice} more history."
        )
    spacing = config.spacing(horizon_days)
    gap = horizon_days + history.mapping.recording_lag_days
    wanted = config.snapshots + int(np.ceil(gap / spacing)) + config.origins
    available = int((last - earliest) // spacing) + 1
    return [float(last - i * spacing) for i in range(min(wanted, available))][::-1]


def hash_share(ids: pd.Index) -> FloatArray:
    """A fixed place in [0, 1) for every customer id, the same in every snapshot and run."""
    hashes = pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)
    return hashes.astype(np.float64) / 2.0**64


def _sampled(history: History, days: Sequence[float], max_rows: int) -> tuple[History, float]:
    """The history of a sample of customers, about `max_rows` in all snapshots, and its share."""
    purchases = history.orders.filter(nw.col("amount") > 0).group_by("customer_id")
    buyers = purchases.agg(nw.col("known_day").min()).collect("polars").to_pandas()
    since = np.sort(buyers["known_day"].to_numpy())
    rows = int(np.searchsorted(since, days).sum())
    share = min(1.0, max_rows / max(rows, 1))
    if share == 1.0:
        return history, share
    ids = pd.Index(buyers["customer_id"])
    return history.of_customers(ids[hash_share(ids) < share].to_list()), share


def _first_day(history: History) -> float:
    return float(solid(order_days(history.orders.filter(nw.col("amount") > 0)))["day"][0])


def _warm_up(horizon_days: float) -> float:
    """Days to look back on before the first snapshot; as in the study of real order logs."""
    return max(horizon_days / 2, 30.0) if horizon_days >= 30 else 14.0
