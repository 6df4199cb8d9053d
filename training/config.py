"""Everything a training depends on besides the history: one frozen object, read from TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from features.own.extension import FeatureName, Reference
from features.settings import read, settings
from training.errors import TrainingError

Count = Annotated[int, Field(ge=1)]
References = Annotated[tuple[Reference, ...], Field(strict=False)]


@settings(TrainingError)
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
    tree_rounds, tree_leaves : int
        How many trees, and leaves of each.
    tree_learning_rate : float
        Share of each tree that is believed.
    tree_ridge : float
        On the values of leaves.
    tree_leaf_rows : int or None
        Least rows of a leaf; None takes a two-hundredth of the rows, within 20 and 100.
    features : tuple of str
        Features of the shop's own: `module:name` of a `Feature` or a list of them, or
        `table.column` of a declared number.
    churn_candidates, spend_candidates : tuple of str
        Candidates of the shop's own, judged beside the others: `module:name` of a candidate, or
        of a classifier of scikit-learn for churn.
    """

    horizon_days: Count | None = None
    clv_horizon_days: Count | None = None
    snapshots: Count = 8
    spacing_days: Count | None = None
    origins: Count = 5
    max_rows: Count = 300_000
    margin_rate: Annotated[float, Field(gt=0)] = 1.0
    discount_rate_yearly: Annotated[float, Field(ge=0)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    tree_rounds: Count = 400
    tree_leaves: Annotated[int, Field(ge=2, le=131_072)] = 3
    tree_learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.03
    tree_ridge: Annotated[float, Field(ge=0)] = 20.0
    tree_leaf_rows: Count | None = None
    features: Annotated[tuple[FeatureName, ...], Field(strict=False)] = ()
    churn_candidates: References = ()
    spend_candidates: References = ()

    @property
    def horizons(self) -> tuple[int, int]:
        """The windows of churn and of CLV.

        Raises
        ------
        TrainingError
            If `horizon_days` was left to the data and nobody has looked at them yet.
        """
        if self.horizon_days is None:
            raise TrainingError(
                "horizon_days must be a whole number > 0; got None. Change it in the settings."
            )
        return self.horizon_days, self.clv_horizon_days or self.horizon_days

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
            If the file cannot be read, or is wrong: all mistakes at once, by key.
        """
        return read(path, "config", cls.from_dict, TrainingError)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrainingConfig:
        """Build from parsed TOML; unknown keys are refused."""
        return cls(**content)

    def as_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)

    def as_params(self) -> dict[str, Any]:
        """The settings as a run lists them: several names with commas between.

        Examples
        --------
        >>> TrainingConfig(features=["orders.items", "offers.rank"]).as_params()["features"]
        'orders.items, offers.rank'
        """
        return {
            name: ", ".join(value) if isinstance(value, tuple) else value
            for name, value in self.as_dict().items()
        }
