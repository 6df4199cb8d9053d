"""Snapshots: the feature table at many past instants, each joined with what happened next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import pandas as pd

from features.clock import as_instant
from features.history.history import History
from features.quality.flow import order_days, solid
from features.table import feature_table
from training.btyd.population import PopulationModel
from training.btyd.season import SeasonalLevel
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.panel.labels import Value, covered_until, outcomes
from training.panel.snapshot import Snapshot, TrainingSet
from training.panel.weights import outcome_weights

LEAST_WINDOW_DAYS = 7
SEASONS_DAYS = 3 * 365
SEASON_STEP_DAYS = 15

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Panel:
    """Snapshots of one history, oldest first, labelled over one window.

    Attributes
    ----------
    past : History
        Where the labels come from: the history, of the sampled customers.
    horizon_days : int
        What the features of the table are relative to.
    window_days : int
        Length of the label window.
    value : Value
    snapshots : tuple of Snapshot
    seasons : tuple of Snapshot
        More of them, further back and of purchases only: what earlier years say of the pace.
    sample_share : float
        Share of customers that was kept.
    """

    past: History
    horizon_days: int
    window_days: int
    value: Value
    snapshots: tuple[Snapshot, ...]
    seasons: tuple[Snapshot, ...]
    sample_share: float = 1.0

    @property
    def treated_rows(self) -> int:
        """Rows of all snapshots that tell nothing of what happens without an offer."""
        return sum(len(s) - len(s.untreated) for s in self.snapshots)

    @property
    def gap_days(self) -> float:
        """From a snapshot to when its labels are complete: the window and the recording lag."""
        return self.window_days + self.past.mapping.recording_lag_days

    def known_at(self, day: float) -> Panel:
        """The panel as it could have been made at a day: labels complete, and as known then."""
        then = self.past.upto(day)

        def known(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
            return tuple(
                _relabelled(s, then, self.window_days, self.value)
                for s in snapshots
                if s.as_of + self.gap_days <= day
            )

        return replace(self, snapshots=known(self.snapshots), seasons=known(self.seasons))

    def training_set(self, snapshots: int) -> TrainingSet:
        """So many of the latest snapshots to learn from."""
        return TrainingSet(self.snapshots[-snapshots:], self.window_days)

    def seasonal_level(self) -> SeasonalLevel:
        """How fast purchases came in the windows of all snapshots."""
        seen = (*self.seasons, *self.snapshots)
        return SeasonalLevel.of([(s.as_of, *s.pace(self.window_days)) for s in seen])


def labelled(
    past: History,
    as_of: float,
    X: pd.DataFrame,
    btyd: PopulationModel,
    window_days: float,
    value: Value,
) -> Snapshot:
    """Join a feature table with what `past` knows of the window that follows."""
    labels = outcomes(past, as_of, window_days, value).reindex(X.index, fill_value=0.0)
    churned, spend = 1.0 - labels["ordered"].to_numpy(), labels["spend"].to_numpy()
    weight = outcome_weights(past, as_of, window_days, X.index)
    return Snapshot(as_of, X, churned, spend, btyd, weight)


def _relabelled(snapshot: Snapshot, past: History, window_days: float, value: Value) -> Snapshot:
    """The snapshot as `past` knows it; the very same, with what it worked out, if all agrees."""
    known = labelled(past, snapshot.as_of, snapshot.X, snapshot.btyd, window_days, value)
    same = (
        np.array_equal(getattr(known, label), getattr(snapshot, label))
        for label in ("churned", "spend", "weight")
    )
    return snapshot if all(same) else known


def build_panel(
    history: History,
    horizon_days: int,
    config: TrainingConfig,
    progress: Progress = lambda _: None,
    window_days: int | None = None,
) -> Panel:
    """Describe and label the customers at evenly spaced instants, back from the last labelled one.

    Parameters
    ----------
    history : History
        Cut at the training instant, with codes for its text attributes.
    horizon_days : int
        What features are relative to.
    config : TrainingConfig
    progress : callable, optional
        Told in words what is being done.
    window_days : int, optional
        Length of the label window; default: the horizon.

    Raises
    ------
    TrainingError
        If the history cannot label a single snapshot over this window, or everybody got an offer
        in it.
    """
    window = window_days or horizon_days
    days = snapshot_days(history, window, config)
    past, share = _sampled(history, days[-config.snapshots :], config.max_rows)
    value = Value(config.margin_rate, config.discount_rate_yearly)
    found = []
    for number, day in enumerate(days, start=1):
        progress(f"snapshot {number} of {len(days)}: {as_instant(day):%Y-%m-%d}")
        X = feature_table(past, day, horizon_days)
        if len(X):
            found.append(labelled(past, day, X, PopulationModel.of(X), window, value))
    if not found:
        raise TrainingError(
            f"max_rows must leave a customer to learn from; got {config.max_rows}. Raise it."
        )
    snapshots = [snapshot for snapshot in found if len(snapshot.untreated)]
    if not snapshots:
        raise TrainingError(
            f"labels must hold customers without an offer in the {window} days after a snapshot; "
            f"got none at {len(found)} snapshots. Hold out a share at random, or leave the offers "
            "out of the history to forecast with offers as they were."
        )
    seasons = []
    opened = _first_day(history) + _warm_up(window)
    for day in _season_days(days, opened, window, config):
        X = purchases(past, day)
        if len(X):
            seasons.append(labelled(past, day, X, PopulationModel.of_purchases(X), window, value))
    seasons = [snapshot for snapshot in seasons if len(snapshot.untreated)]
    return Panel(past, horizon_days, window, value, tuple(snapshots), tuple(seasons), share)


def purchases(history: History, as_of: float) -> pd.DataFrame:
    """The columns frequency, recency and T of the feature table alone, index `customer_id`."""
    orders = history.upto(as_of).orders.filter(nw.col("amount") > 0)
    day = nw.col("day").floor().alias("day")
    days = orders.select("customer_id", day).collect("polars").unique(["customer_id", "day"])
    found = days.group_by("customer_id").agg(
        nw.len().alias("days"),
        nw.col("day").min().alias("first"),
        nw.col("day").max().alias("last"),
    )
    table = found.sort("customer_id").to_pandas().set_index("customer_id")
    first = table["first"]
    return pd.DataFrame(
        {
            "frequency": table["days"] - 1.0,
            "recency": table["last"] - first,
            "T": as_of - first,
        }
    )


def label_windows(history: History, horizon_days: int, config: TrainingConfig) -> tuple[int, ...]:
    """The windows to learn from: the longest with labels, and half of it if it has few snapshots.

    Parameters
    ----------
    history : History
        Cut at the training instant.
    horizon_days : int
        The window that is wanted; where the history cannot label it, half of it is tried, and so
        on.
    config : TrainingConfig

    Raises
    ------
    TrainingError
        If the history labels none of them.
    """
    window = horizon_days
    while True:
        try:
            days = snapshot_days(history, window, config)
            break
        except TrainingError:
            if window // 2 < LEAST_WINDOW_DAYS:
                # In the words of the window that was asked for.
                snapshot_days(history, horizon_days, config)
            window //= 2
    half = window // 2
    if len(days) >= config.snapshots or half < LEAST_WINDOW_DAYS:
        return (window,)
    return window, half


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


def _season_days(
    days: Sequence[float], earliest: float, window_days: int, config: TrainingConfig
) -> list[float]:
    """Instants before the first snapshot, three years back from the last, oldest first."""
    step = max(config.spacing(window_days), SEASON_STEP_DAYS)
    start = max(earliest, days[-1] - SEASONS_DAYS)
    return list(np.arange(days[0] - step, start, -step))[::-1]


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
