"""What became of a champion's forecasts, as it is told and logged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.clock import as_instant
from training.models.tasks import TASKS


@dataclass(frozen=True)
class Realised:
    """The forecasts of a champion at its own training, and the outcome so far.

    Attributes
    ----------
    name : str
        Of the registered model.
    version : int
    trained_as_of : float
        The instant of the forecasts, as `day`.
    horizon_days, elapsed_days : float
        Length of the window that was forecast, and how much of it is over.
    currency : str or None
    customers : int
        Who had a forecast and got no offer since.
    figures : dict
        Of churn: auc, log_loss, ece, mean_risk, churn_rate over the elapsed days. Of spend:
        total_forecast, total_spend, normalised_gini, coverage, coverage_if_active; none before the
        window is over.
    """

    name: str
    version: int
    trained_as_of: float
    horizon_days: float
    elapsed_days: float
    currency: str | None
    customers: int
    figures: dict[str, float]

    @property
    def metrics(self) -> dict[str, float]:
        """All that is a number and no address, by name."""
        terms = ("version", "horizon_days", "elapsed_days", "customers")
        found = {**{term: float(getattr(self, term)) for term in terms}, **self.figures}
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content; a figure without a meaning is left out."""
        figures = {name: value for name, value in self.figures.items() if np.isfinite(value)}
        return {**asdict(self), "figures": figures}

    def words(self) -> str:
        """The outcome in a sentence or two."""
        when = f"{as_instant(self.trained_as_of):%Y-%m-%d}"
        days = f"{self.elapsed_days:g} of its {self.horizon_days:g} days"
        said = f"`{self.name}` version {self.version} of {when}, {days} on:"
        if not self.figures:
            return f"{said} too early to say."
        return f"{said} {TASKS[self.name].retold(self.figures, self.customers, self.currency)}"
