"""What was learnt over one window carried over to another, by MBG/NBD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from training.btyd.population import PopulationModel, histories
from training.evaluation import FloatArray
from training.models.shapley import shapley
from training.panel.snapshot import ForecastOrigin


@dataclass(frozen=True)
class CarryOver:
    """MBG/NBD at the horizon, less its share in what was learnt over each window.

    Added to a logit that was learnt over a window it gives that of the horizon: the departure from
    MBG/NBD is taken to be the same over both.

    Attributes
    ----------
    btyd : PopulationModel
        At the origin, with its pace.
    horizon_days : float
    centre : mapping of str to float
        The inputs of a middling customer, against whom contributions are stated.
    windows : tuple of float
        What was learnt over, in days.
    share : float
        Weight of what was learnt over each window.
    """

    btyd: PopulationModel
    horizon_days: float
    centre: Mapping[str, float]
    windows: tuple[float, ...] = ()
    share: float = 0.0

    @classmethod
    def of(
        cls,
        origin: ForecastOrigin,
        horizon_days: float,
        windows: Sequence[float] = (),
        weight: float = 0.0,
    ) -> Self:
        """Part a weight evenly among the windows."""
        centre = {str(name): float(m) for name, m in _inputs(origin.X).median().items()}
        share = weight / len(windows) if windows else 0.0
        return cls(origin.btyd, horizon_days, centre, tuple(windows), share)

    @property
    def is_beyond(self) -> bool:
        """Whether something is carried over to another window."""
        return any(window != self.horizon_days for window in self.windows)

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """On the logit scale of no order, shape (customers,)."""
        rows = histories(X)
        part = self.btyd.logit_no_order_of(rows, self.horizon_days)
        for window in self.windows:
            part = part - self.share * self.btyd.logit_no_order_of(rows, window)
        return part

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each of the three inputs adds, against the middling customer; shape (customers, 3).

        Shapley values; the time since the last purchase day stands for its date.
        """
        return shapley(self._of_inputs, _inputs(X), self.centre)

    def basis(self) -> str:
        """That something is carried over, in words."""
        return f", carried over to {self.horizon_days:g} days by MBG/NBD" if self.is_beyond else ""

    def pace(self) -> str:
        """The pace of the season, in words."""
        return f"pace of the season {np.exp(self.btyd.pace):.2f}"

    def over(self) -> str:
        """The windows in words."""
        return " and ".join(f"{window:g}" for window in self.windows)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content but for the population model."""
        return {
            "horizon_days": self.horizon_days,
            "centre": dict(self.centre),
            "windows": list(self.windows),
            "share": self.share,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `as_dict` gave."""
        return cls(btyd, **{**content, "windows": tuple(content["windows"])})

    def _of_inputs(self, inputs: pd.DataFrame) -> FloatArray:
        return self.logit(inputs.assign(recency=inputs["T"] - inputs["days_since_last_order"]))


def _inputs(X: pd.DataFrame) -> pd.DataFrame:
    """What MBG/NBD goes by, with the time since the last purchase day for its date."""
    since = (X["T"] - X["recency"]).rename("days_since_last_order")
    return pd.concat([X["frequency"], since, X["T"]], axis=1)
