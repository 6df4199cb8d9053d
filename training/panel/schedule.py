"""How long a horizon a history can judge: its labels must be there twice."""

from __future__ import annotations

from features.history.history import History
from training.config import TrainingConfig
from training.errors import TrainingError
from training.panel.panel import snapshot_days


def require_judged(past: History, config: TrainingConfig) -> None:
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


def longest_judged(past: History, config: TrainingConfig, most: int) -> int | None:
    """The longest horizon, up to `most` days, with an origin that knows of an earlier outcome.

    Parameters
    ----------
    past : History
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


def can_judge(past: History, config: TrainingConfig, horizon_days: int) -> bool:
    """Whether some snapshot is taken when the outcomes of an earlier one are known."""
    try:
        days = snapshot_days(past, horizon_days, config)
    except TrainingError:
        return False
    gap = horizon_days + past.mapping.recording_lag_days
    return days[-1] - days[0] >= gap
