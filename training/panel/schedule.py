"""When snapshots are taken, and how long a horizon a history can label and judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.history.history import Past
from features.history.order_days import solid
from features.quality import look_back_days
from training.config import TrainingConfig
from training.errors import TrainingError
from training.panel.labels import covered_until

# No shorter window is tried where the history cannot label the horizon: a week is a shop's rhythm.
LEAST_WINDOW_DAYS = 7
# How far back purchases tell of the season, and at least how far apart.
SEASONS_DAYS = 3 * 365
SEASON_STEP_DAYS = 15


def label_windows(past: Past, horizon_days: int, config: TrainingConfig) -> tuple[int, ...]:
    """The windows to learn from: the longest with labels, and half of it if it has few snapshots.

    Parameters
    ----------
    past : Past
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
            days = snapshot_days(past, window, config)
            break
        except TrainingError:
            if window // 2 < LEAST_WINDOW_DAYS:
                # In the words of the window that was asked for.
                snapshot_days(past, horizon_days, config)
            window //= 2
    half = window // 2
    if len(days) >= config.snapshots or half < LEAST_WINDOW_DAYS:
        return (window,)
    return window, half


def snapshot_days(past: Past, horizon_days: int, config: TrainingConfig) -> list[float]:
    """The instants of the snapshots, oldest first; midnights, as most instants of prediction are.

    The latest is the last whose window is covered, the earliest leaves some days to look back on.
    There are enough for every origin of a backtest to learn from `config.snapshots`.
    """
    covered = covered_until(past)
    first = first_day(past)
    end, last = np.floor(covered), np.floor(covered - horizon_days)
    earliest = first + look_back_days(horizon_days)
    if last < earliest:
        longest = [h for h in range(1, int(end - first)) if h + look_back_days(h) <= end - first]
        advice = f"Choose a horizon of at most {longest[-1]} days, or give" if longest else "Give"
        raise TrainingError(
            f"horizon_days must leave {look_back_days(horizon_days):.0f} days of orders before the "
            f"label window; got {horizon_days} in a history of {max(end - first, 0):.0f} labelled "
            f"days. {advice} more history."
        )
    spacing = config.spacing(horizon_days)
    gap = horizon_days + past.mapping.recording_lag_days
    wanted = config.snapshots + int(np.ceil(gap / spacing)) + config.origins
    available = int((last - earliest) // spacing) + 1
    return [float(last - i * spacing) for i in range(min(wanted, available))][::-1]


def season_days(
    past: Past, days: Sequence[float], window_days: int, config: TrainingConfig
) -> list[float]:
    """Instants before the first snapshot, three years back from the last, oldest first."""
    step = max(config.spacing(window_days), SEASON_STEP_DAYS)
    start = max(first_day(past) + look_back_days(window_days), days[-1] - SEASONS_DAYS)
    days_back: list[float] = np.arange(days[0] - step, start, -step).tolist()
    return days_back[::-1]


def first_day(past: Past) -> float:
    """The first day with orders, stray dates apart."""
    return float(solid(past.order_days)["day"][0])


def require_judged(past: Past, config: TrainingConfig) -> None:
    """Refuse a horizon that cannot be judged, and say which could.

    Raises
    ------
    TrainingError
        If no origin knows of an earlier outcome.
    """
    horizon, _ = config.horizons
    longest = longest_judged(past, config, horizon)
    if longest == horizon:
        return
    advice = f"Choose at most {longest} days, or give" if longest else "Give"
    raise TrainingError(
        "horizon_days must fit twice into the history, after some days to look back on, for a "
        f"forecast to be judged; got {horizon}. {advice} more history."
    )


def longest_judged(past: Past, config: TrainingConfig, most: int) -> int | None:
    """The longest horizon, up to `most` days, with an origin that knows of an earlier outcome.

    Parameters
    ----------
    past : Past
        Cut at the instant of training.
    config : TrainingConfig
    most : int

    Returns
    -------
    int or None
        None if there is no such horizon.
    """
    if can_judge(past, config, most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if can_judge(past, config, middle) else (low, middle)
    return low or None


def can_judge(past: Past, config: TrainingConfig, horizon_days: int) -> bool:
    """Whether some snapshot is taken when the outcomes of an earlier one are known."""
    try:
        days = snapshot_days(past, horizon_days, config)
    except TrainingError:
        return False
    gap = horizon_days + past.mapping.recording_lag_days
    return days[-1] - days[0] >= gap
