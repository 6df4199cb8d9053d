"""The two things that are forecast, churn and spend, and how a forecast of each is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluation import (
    FloatArray,
    LevelError,
    Metric,
    calibration_table,
    decile_table,
    gain_table,
    log_loss,
    log_losses,
    risk_level,
    spend_level,
    tweedie_deviance,
    tweedie_losses,
)
from training.models.candidates import CHURN, SPEND
from training.models.learning import ChurnCandidate, SpendCandidate
from training.models.own.references import has_form, own_churn, own_spend
from training.panel.snapshot import Snapshot

if TYPE_CHECKING:
    from training.evaluation.chart import Chart

Candidates = Mapping[str, type[ChurnCandidate]] | Mapping[str, type[SpendCandidate]]


@dataclass(frozen=True)
class Task:
    """One thing to forecast.

    Attributes
    ----------
    name : str
        Of the registered model.
    short_name : str
        What its metrics begin with.
    title, short_title : str
        On the model card, and above tables.
    criterion : str
        The metric that candidates are chosen by; less is better.
    criterion_title : str
    losses : callable
        Truth and forecast -> the criterion of every customer, shape (customers,).
    loss : callable
        Truth and forecast -> the criterion of all.
    truth : callable
        Snapshot -> what happened, shape (customers,).
    forecast_column : str
        The column of scores that forecasts it.
    candidates : mapping
        Name -> candidate, in the order in which they are shown.
    own : callable
        `module:name` -> a candidate of the shop's own.
    constant : str
        The candidate that forecasts the same of everybody.
    level : callable
        Truth and forecast -> how far the level was off.
    level_limits : tuple of float
        How far beyond chance the level may be off for an A, a B and a C.
    level_subject, level_title : str
        What is off, and what its error is called.
    bias_unit : str
        Of a hundredth of the bias.
    level_unit : callable
        A level error as a number with its unit.
    metrics : tuple of str
        Those on the model card.
    drawn : callable
        Truth, forecast and currency -> name of a file, without its ending -> figure.
    retold : callable
        Figures of what became of forecasts, number of customers and currency -> a sentence or two.
    """

    name: str
    short_name: str
    title: str
    short_title: str
    criterion: str
    criterion_title: str
    losses: Callable[[FloatArray, FloatArray], FloatArray]
    loss: Metric
    truth: Callable[[Snapshot], FloatArray]
    forecast_column: str
    constant: str
    level: Callable[[FloatArray, FloatArray], LevelError]
    level_limits: tuple[float, float, float]
    level_subject: str
    level_title: str
    bias_unit: str
    level_unit: Callable[[float], str]
    metrics: tuple[str, ...]
    drawn: Callable[[FloatArray, FloatArray, str], Mapping[str, Chart]]
    retold: Callable[[Mapping[str, float], int, str | None], str]
    candidates: Candidates = field(repr=False)
    own: Callable[[str], Any] = field(repr=False)

    @property
    def rules(self) -> tuple[str, ...]:
        """The naive rules among the candidates."""
        return tuple(name for name, c in self.candidates.items() if c.is_rule)

    @property
    def preferred(self) -> tuple[str, ...]:
        """Candidates of which the best is the model, unless another is clearly better.

        The last one listed comes first: it is the model where none could be judged, or in a tie.
        """
        return tuple(name for name, c in self.candidates.items() if c.is_preferred)[::-1]

    def with_own(self, names: Sequence[str]) -> Task:
        """The same with candidates of the shop's own beside the others."""
        if not names:
            return self
        return replace(self, candidates={**self.candidates, **{n: self.own(n) for n in names}})

    @property
    def with_form(self) -> tuple[str, ...]:
        """The candidates that can become the model: those with a plain-file form."""
        return tuple(name for name, c in self.candidates.items() if has_form(c))

    def all_truth(self, snapshots: list[Snapshot]) -> FloatArray:
        """What happened after several snapshots, one after the other."""
        return np.concatenate([self.truth(snapshot) for snapshot in snapshots])


def _churn_figures(truth: FloatArray, forecast: FloatArray, currency: str) -> dict[str, Chart]:
    # Here, because models score where matplotlib is not installed.
    from training.evaluation import figures

    return {"calibration": figures.calibration_figure(calibration_table(truth, forecast))}


def _spend_figures(truth: FloatArray, forecast: FloatArray, currency: str) -> dict[str, Chart]:
    from training.evaluation import figures

    return {
        "gain": figures.gain_figure(gain_table(truth, forecast), "spend"),
        "clv_deciles": figures.decile_figure(decile_table(truth, forecast), currency),
    }


def _churn_retold(told: Mapping[str, float], customers: int, currency: str | None) -> str:
    return (
        f"it expected {told['mean_risk']:.1%} of {customers:,} customers not to have ordered by "
        f"then, and {told['churn_rate']:.1%} had not (AUC {told['auc']:.3f}, log loss "
        f"{told['log_loss']:.3f}, calibration error {told['ece']:.3f})."
    )


def _spend_retold(told: Mapping[str, float], customers: int, currency: str | None) -> str:
    money = f" {currency}" if currency else ""
    return (
        f"it expected {told['total_forecast']:,.0f}{money} of {customers:,} customers; they spent "
        f"{told['total_spend']:,.0f}{money}. Its 80% intervals held {told['coverage']:.0%} of "
        f"them, and {told['coverage_if_active']:.0%} of those who ordered."
    )


CHURN_RISK = Task(
    name="churn-risk",
    short_name="churn",
    title="Churn risk",
    short_title="Churn risk",
    criterion="log_loss",
    criterion_title="log loss",
    losses=log_losses,
    loss=log_loss,
    truth=lambda snapshot: snapshot.churned,
    forecast_column="churn_risk",
    constant="base_rate",
    level=risk_level,
    level_limits=(0.02, 0.04, 0.07),
    level_subject="the risks",
    level_title="calibration error",
    bias_unit="points",
    level_unit=lambda error: f"{round(100 * error, 1) + 0.0:.1f} points",
    metrics=("auc", "average_precision", "log_loss", "brier", "ece", "skill"),
    drawn=_churn_figures,
    retold=_churn_retold,
    candidates=CHURN,
    own=own_churn,
)
CLV_FORECAST = Task(
    name="clv-forecast",
    short_name="clv",
    title="CLV forecast",
    short_title="CLV",
    criterion="tweedie_deviance",
    criterion_title="Tweedie deviance",
    losses=tweedie_losses,
    loss=tweedie_deviance,
    truth=lambda snapshot: snapshot.spend,
    forecast_column="clv",
    constant="average",
    level=spend_level,
    level_limits=(0.10, 0.20, 0.30),
    level_subject="the values",
    level_title="error of the total",
    bias_unit="%",
    level_unit=lambda error: f"{round(error, 2) + 0.0:.0%}",
    metrics=(
        "normalised_gini", "tweedie_deviance", "mae_over_mean_spend", "total_bias", "coverage",
        "coverage_if_active",
    ),
    drawn=_spend_figures,
    retold=_spend_retold,
    candidates=SPEND,
    own=own_spend,
)  # fmt: skip
TASKS = {task.name: task for task in (CHURN_RISK, CLV_FORECAST)}
