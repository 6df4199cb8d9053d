"""What became of the last forecasts: the standing champion against what has happened since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.clock import as_instant
from features.history.history import Past
from features.table import describe
from training.errors import TrainingError
from training.evaluation import auc, coverage, ece, log_loss, normalised_gini
from training.panel.labels import Value, covered_until
from training.panel.panel import labelled
from training.panel.snapshot import Snapshot
from training.registry.tracking import RegisteredVersion, Tracker
from training.scoring.definition import Definition
from training.scoring.scorer import ChurnScorer, CLVScorer, load_model, require_table


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
        told = self.figures
        if "churn_rate" in told:
            return (
                f"{said} it expected {told['mean_risk']:.1%} of {self.customers:,} customers not "
                f"to have ordered by then, and {told['churn_rate']:.1%} had not (AUC "
                f"{told['auc']:.3f}, log loss {told['log_loss']:.3f}, calibration error "
                f"{told['ece']:.3f})."
            )
        if not told:
            return f"{said} too early to say."
        money = f" {self.currency}" if self.currency else ""
        return (
            f"{said} it expected {told['total_forecast']:,.0f}{money} of {self.customers:,} "
            f"customers; they spent {told['total_spend']:,.0f}{money}. Its 80% intervals held "
            f"{told['coverage']:.0%} of them, and {told['coverage_if_active']:.0%} of those who "
            "ordered."
        )


def realised(tracker: Tracker, past: Past, name: str, now: Definition) -> Realised | None:
    """Hold the standing champion's forecasts against what has happened since.

    The customers are described as they were known at the champion's training, with its codes; the
    outcome is that of the days which are over by now.

    Parameters
    ----------
    tracker : Tracker
    past : Past
        Cut at the instant of this training.
    name : str
        Of the registered model.
    now : Definition
        Of this training; a champion of another lineage forecast something else.

    Returns
    -------
    Realised or None
        None if there is no such champion, its artifact cannot be used, or no day is over.
    """
    standing = tracker.champion(name)
    if standing is None or standing.tags.get("lineage") != now.lineage:
        return None
    try:
        return _realised(standing, load_model(tracker.folder(standing)), past)
    except TrainingError:
        # `decide` says so where the artifact cannot be read or needs other columns.
        return None


def _realised(
    standing: RegisteredVersion, champion: ChurnScorer | CLVScorer, past: Past
) -> Realised | None:
    terms = champion.definition
    over = np.floor(covered_until(past) - terms.trained_as_of)
    elapsed = float(min(over, terms.horizon_days))
    if elapsed < 1:
        return None
    then = past.with_categories(terms.categories).upto(terms.trained_as_of)
    table = describe(then, terms.table_horizon_days)
    require_table(table, champion.model.columns_, terms.table_horizon_days)
    value = Value(terms.margin_rate, terms.discount_rate_yearly)
    btyd = champion.model.btyd_
    since = labelled(past, terms.trained_as_of, table, btyd, elapsed, value).untreated
    if not len(since):  # Of what happens without an offer nobody tells.
        return None
    if isinstance(champion, ChurnScorer):
        figures = churn_figures(champion, since, elapsed)
    else:
        figures = clv_figures(champion, since) if elapsed == terms.horizon_days else {}
    return Realised(
        name=standing.name,
        version=standing.version,
        trained_as_of=terms.trained_as_of,
        horizon_days=float(terms.horizon_days),
        elapsed_days=elapsed,
        currency=terms.currency,
        customers=len(since),
        figures=figures,
    )


def churn_figures(champion: ChurnScorer, since: Snapshot, elapsed: float) -> dict[str, float]:
    """The champion's curve at the elapsed days against who had not ordered by then."""
    risk = champion.model.curve(since.X).no_order(elapsed)
    return {
        "auc": auc(since.churned, risk),
        "log_loss": log_loss(since.churned, risk),
        "ece": ece(since.churned, risk),
        "mean_risk": float(risk.mean()),
        "churn_rate": float(since.churned.mean()),
    }


def clv_figures(champion: CLVScorer, since: Snapshot) -> dict[str, float]:
    """The champion's values and intervals against what was spent in their window."""
    values: pd.DataFrame = champion.predict_frame(since.X)
    forecast, spend, active = values["clv"].to_numpy(), since.spend, since.churned == 0
    given = values[active]
    if_active = (given["spend_if_active_low"], given["spend_if_active_high"])
    return {
        "total_forecast": float(forecast.sum()),
        "total_spend": float(spend.sum()),
        "normalised_gini": normalised_gini(spend, forecast),
        "coverage": coverage(spend, values["clv_low"], values["clv_high"]),
        "coverage_if_active": coverage(spend[active], *if_active) if active.any() else np.nan,
    }
