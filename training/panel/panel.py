"""Snapshots: the feature table at many past instants, each joined with what happened next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import pandas as pd

from features.clock import as_instant
from features.history.history import Past
from features.table import describe
from features.to_pandas import to_pandas
from training.btyd.population import PopulationModel
from training.btyd.season import SeasonalLevel
from training.config import TrainingConfig
from training.errors import TrainingError
from training.panel.labels import Value, outcomes
from training.panel.sampling import sampled
from training.panel.schedule import season_days, snapshot_days
from training.panel.snapshot import Snapshot, TrainingSet
from training.panel.weights import outcome_weights

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Panel:
    """Snapshots of one history, oldest first, labelled over one window.

    Attributes
    ----------
    past : Past
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

    past: Past
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
    past: Past,
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


def _relabelled(snapshot: Snapshot, past: Past, window_days: float, value: Value) -> Snapshot:
    """The snapshot as `past` knows it; the very same, with what it worked out, if all agrees."""
    known = labelled(past, snapshot.as_of, snapshot.X, snapshot.btyd, window_days, value)
    same = (
        np.array_equal(getattr(known, label), getattr(snapshot, label))
        for label in ("churned", "spend", "weight")
    )
    return snapshot if all(same) else known


def build_panel(
    past: Past,
    horizon_days: int,
    config: TrainingConfig,
    progress: Progress = lambda _: None,
    window_days: int | None = None,
) -> Panel:
    """Describe and label the customers at evenly spaced instants, back from the last labelled one.

    Parameters
    ----------
    past : Past
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
    days = snapshot_days(past, window, config)
    some, share = sampled(past, days[-config.snapshots :], config.max_rows)
    value = Value(config.margin_rate, config.discount_rate_yearly)
    found = []
    for number, day in enumerate(days, start=1):
        progress(f"snapshot {number} of {len(days)}: {as_instant(day):%Y-%m-%d}")
        X = describe(some.upto(day), horizon_days)
        if len(X):
            found.append(labelled(some, day, X, PopulationModel.of(X), window, value))
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
    for day in season_days(past, days, window, config):
        X = purchase_history(some.upto(day))
        if len(X):
            seasons.append(labelled(some, day, X, PopulationModel.of_purchases(X), window, value))
    seasons = [snapshot for snapshot in seasons if len(snapshot.untreated)]
    return Panel(some, horizon_days, window, value, tuple(snapshots), tuple(seasons), share)


def purchase_history(past: Past) -> pd.DataFrame:
    """The columns frequency, recency and T of the feature table alone, index `customer_id`."""
    day = nw.col("day").floor().alias("day")
    days = (
        past.purchases.select("customer_id", day).collect("polars").unique(["customer_id", "day"])
    )
    found = days.group_by("customer_id").agg(
        nw.len().alias("days"),
        nw.col("day").min().alias("first"),
        nw.col("day").max().alias("last"),
    )
    table = to_pandas(found.sort("customer_id").to_native()).set_index("customer_id")
    first = table["first"]
    return pd.DataFrame(
        {
            "frequency": table["days"] - 1.0,
            "recency": table["last"] - first,
            "T": past.day - first,
        }
    )
