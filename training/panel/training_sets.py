"""From panels to what is learnt from at an instant, and to the customers forecast from there."""

from __future__ import annotations

from collections.abc import Sequence

from training.config import TrainingConfig
from training.panel.panel import Panel
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet
from training.panel.splits import Fold


def training_sets_of(known: Sequence[Panel], config: TrainingConfig) -> list[TrainingSet]:
    """What can be learnt from panels: the first, and the others where it has few snapshots."""
    found = [panel.training_set(config.snapshots) for panel in known]
    enough = len(found[0].snapshots) >= config.snapshots
    return [some for some in (found[:1] if enough else found) if some.snapshots]


def origin_at(known: Panel, customers: Snapshot | ForecastOrigin) -> ForecastOrigin:
    """The customers at an instant, at the pace that earlier snapshots let expect."""
    pace = known.seasonal_level().forecast(customers.as_of, known.window_days)
    btyd = customers.btyd.at_pace(pace, known.window_days)
    return ForecastOrigin(customers.as_of, customers.X, btyd)


def taught(fold: Fold, config: TrainingConfig) -> tuple[list[TrainingSet], ForecastOrigin]:
    """What a churn model can learn from at an origin, and the customers it then forecasts."""
    known = [fold.learn, *fold.others]
    return training_sets_of(known, config), origin_at(fold.learn, fold.judge)
