"""Judge the candidates of both forecasts on what a history can label."""

from __future__ import annotations

from dataclasses import dataclass, replace

from features.errors import ExtensionError
from features.history.history import Past
from features.own.named import digests_of, resolved
from features.quality import label_counts, readiness, suggest_within
from training.config import TrainingConfig
from training.panel.ahead import WindowAhead
from training.panel.own import require_own
from training.panel.panel import Panel, Progress, build_panel
from training.panel.schedule import label_windows
from training.selection.backtest import Backtest
from training.selection.rolling import (
    activity_as_judged,
    activity_over,
    backtest_churn,
    backtest_clv,
)


def prepare(past: Past, config: TrainingConfig) -> tuple[Past, TrainingConfig]:
    """The history with its codes and the features of the shop's own, and settings with horizons.

    Raises
    ------
    ExtensionError
        If a feature of the shop's own is not there, cannot be computed, or is not the customer's.
    """
    if past.own:
        raise ExtensionError(
            "features of the shop's own must be named, so that the model can tell which it needs; "
            f"got {past.own[0].name} with the history. Name them in TrainingConfig(features=...)."
        )
    config = resolve(past, config)
    past = past.with_features(resolved(config.features, past.mapping.attributes)).coded()
    require_own(past, config.horizons[0])
    return past, config


def code_behind(config: TrainingConfig) -> dict[str, str]:
    """Every name of code of the shop's own -> digest of its module as it is now."""
    return digests_of([*config.features, *config.churn_candidates, *config.spend_candidates])


def resolve(past: Past, config: TrainingConfig) -> TrainingConfig:
    """Fill in the horizons that were left to the data."""
    horizon = config.horizon_days or suggest_within(past).horizon_days
    return replace(
        config, horizon_days=horizon, clv_horizon_days=config.clv_horizon_days or horizon
    )


@dataclass(frozen=True)
class Judgement:
    """The panels of a history and how every candidate did on them.

    Attributes
    ----------
    panels : tuple of Panel
        Of churn; the longest window first.
    clv_panel : Panel
    churn, clv : Backtest
    """

    panels: tuple[Panel, ...]
    clv_panel: Panel
    churn: Backtest
    clv: Backtest


def judge(past: Past, config: TrainingConfig, progress: Progress = lambda _: None) -> Judgement:
    """Build the panels and judge every candidate.

    Parameters
    ----------
    past : Past
        Cut at the instant of training, with codes for its text attributes.
    config : TrainingConfig
        With its horizons.
    progress : callable, optional
        Told in words what is being done.
    """
    horizon, clv_horizon = config.horizons
    windows = label_windows(past, horizon, config)
    panels = tuple(build_panel(past, horizon, config, progress, window) for window in windows)
    ready = readiness(label_counts(past, windows[0]))
    churn = backtest_churn(panels, config, progress, ready)
    clv_panel, active = panels[0], activity_as_judged(churn)
    if clv_horizon != horizon:
        window = label_windows(past, clv_horizon, config)[0]
        if window != windows[0]:
            clv_panel = build_panel(past, horizon, config, progress, window)
            active = activity_over(churn.chosen, config, window)
    others = () if clv_panel is panels[0] else panels
    clv = backtest_clv(clv_panel, active, config, progress, others, ready)
    ahead, clv_ahead = (
        WindowAhead.of(panels[0], days, config.snapshots) for days in (horizon, clv_horizon)
    )
    return Judgement(panels, clv_panel, replace(churn, ahead=ahead), replace(clv, ahead=clv_ahead))
