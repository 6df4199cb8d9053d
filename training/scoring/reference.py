"""The customers at training, against whom one is held: stages, percentiles, usual contributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation import FloatArray
from training.models.churn import ChurnModel
from training.scoring.columns import STAGES

# A quarter of a percent apart.
GRID_POINTS = 401
# Means of contributions need no more rows, and contributions are slow.
USUAL_ROWS = 5000


@dataclass(frozen=True)
class Reference:
    """The customers at training, against whom one scored alone is held.

    Attributes
    ----------
    live_base_rate : float
        Churn rate of the live customers in the backtest; at or above it a customer is `at_risk`.
    grids : mapping of str to tuple of float
        `all` and every stage -> evenly spaced quantiles of churn risk.
    usual : mapping of str to mapping of str to float
        `live` and `lapsed` -> mean contribution of each feature; a reason is what lies above it.
    """

    live_base_rate: float
    grids: Mapping[str, tuple[float, ...]]
    usual: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, table: pd.DataFrame, model: ChurnModel, live_base_rate: float) -> Self:
        """Take the quantiles and means of the population at training."""
        risk = model.predict_proba(table)[:, 1]
        stage = stages(table, risk, live_base_rate)
        groups = {"all": risk} | {str(name): risk[stage == name] for name in STAGES}
        at = np.linspace(0, 1, GRID_POINTS)
        grids = {k: tuple(np.quantile(v, at).tolist()) for k, v in groups.items() if len(v)}
        some = table.iloc[:: -(-len(table) // USUAL_ROWS)]
        means = model.contributions(some).groupby(live_or_lapsed(some)).mean()
        usual = {
            str(company): {str(feature): float(mean) for feature, mean in row.items()}
            for company, row in means.iterrows()
        }
        return cls(live_base_rate, grids, usual)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote."""
        grids = {name: tuple(grid) for name, grid in content["grids"].items()}
        return cls(content["live_base_rate"], grids, content["usual"])

    def percentile(self, risk: FloatArray, group: str) -> FloatArray:
        """Percent of the group at training with at most this risk; NaN for an empty group."""
        if group not in self.grids:
            return np.full(len(risk), np.nan)
        return np.asarray(np.interp(risk, self.grids[group], np.linspace(0, 100, GRID_POINTS)))


def stages(table: pd.DataFrame, risk: FloatArray, live_base_rate: float) -> NDArray[np.str_]:
    """Stage of every customer as in docs/definitions.md, shape (customers,)."""
    lapsed = live_or_lapsed(table) == "lapsed"
    one_day = table["purchase_days"].to_numpy() == 1
    at_risk = np.asarray(risk) >= live_base_rate
    return np.select([lapsed, one_day, at_risk], ["lapsed", "new", "at_risk"], "active")


def live_or_lapsed(table: pd.DataFrame) -> NDArray[np.str_]:
    """Whether a customer is `live` or `lapsed`, shape (customers,)."""
    lapsed = table["days_since_last_order"].to_numpy() >= table["horizon_days"].to_numpy()
    return np.where(lapsed, "lapsed", "live")
