"""Everything a training depends on besides the history: one frozen object, read from TOML."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from training.errors import TrainingError


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training; logged whole.

    Attributes
    ----------
    horizon_days : int or None
        Churn label window; None takes the suggestion of `holdfast check`.
    clv_horizon_days : int or None
        CLV window; None takes `horizon_days`.
    snapshots : int
        Snapshots a model learns from at the most, the latest labelled ones.
    spacing_days : int or None
        Days between snapshots; None takes a third of the horizon, within 5 and 90 days.
    origins : int
        Origins of the rolling-origin backtest at the most.
    max_rows : int
        Rows of the `snapshots` a model learns from, together; above it customers are sampled by a
        hash of their id.
    margin_rate : float
        Share of net spend that is margin; `clv` is in margin.
    discount_rate_yearly : float
        Yearly rate at which future spend is discounted in `clv`.
    seed : int
        Seed of everything random.
    """

    horizon_days: int | None = None
    clv_horizon_days: int | None = None
    snapshots: int = 8
    spacing_days: int | None = None
    origins: int = 5
    max_rows: int = 300_000
    margin_rate: float = 1.0
    discount_rate_yearly: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("horizon_days", "clv_horizon_days", "spacing_days"):
            self._require(name, getattr(self, name) is None or _is_whole(getattr(self, name), 1))
        for name in ("snapshots", "origins", "max_rows"):
            self._require(name, _is_whole(getattr(self, name), 1))
        self._require("seed", _is_whole(self.seed, 0), "a whole number >= 0")
        is_margin = _is_finite(self.margin_rate) and self.margin_rate > 0
        self._require("margin_rate", is_margin, "a number > 0")
        is_rate = _is_finite(self.discount_rate_yearly) and self.discount_rate_yearly >= 0
        self._require("discount_rate_yearly", is_rate, "a number >= 0")

    def _require(self, name: str, holds: bool, rule: str = "a whole number > 0") -> None:
        if not holds:
            raise TrainingError(
                f"{name} must be {rule}; got {getattr(self, name)!r}. Change it in the settings."
            )

    @property
    def horizons(self) -> tuple[int, int]:
        """The windows of churn and of CLV.

        Raises
        ------
        TrainingError
            If `horizon_days` was left to the data and nobody has looked at them yet.
        """
        self._require("horizon_days", self.horizon_days is not None)
        horizon = int(self.horizon_days or 0)
        return horizon, self.clv_horizon_days or horizon

    def spacing(self, horizon_days: float) -> int:
        """Days between snapshots for a horizon.

        Examples
        --------
        >>> TrainingConfig().spacing(90)
        30
        """
        return self.spacing_days or round(min(max(horizon_days / 3, 5), 90))

    @classmethod
    def read(cls, path: Path | str) -> TrainingConfig:
        """Read settings from a TOML file whose keys are the attributes.

        Raises
        ------
        TrainingError
            If the file cannot be read, or holds a key or value that is no setting.
        """
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TrainingError(f"config {path} does not exist. Check the path.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise TrainingError(f"config {path} cannot be read: {error}.") from None
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingConfig:
        """Build from parsed TOML; unknown keys are refused."""
        allowed = sorted(f.name for f in fields(cls))
        unknown = sorted(set(content) - set(allowed))
        if unknown:
            raise TrainingError(f"config has unknown keys {unknown}; the keys are {allowed}.")
        return cls(**content)

    def as_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
