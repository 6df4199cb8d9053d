"""Scores of customers by two models: batch, inline and MLflow's pyfunc all go through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import Instant
from features.history.history import History, Past
from features.table import describe
from training.btyd.survival import SurvivalCurve
from training.errors import TrainingError
from training.evaluation import FloatArray, auc, coverage, ece, log_loss, normalised_gini
from training.models import artifact, churn, clv
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.tasks import CHURN_RISK, CLV_FORECAST, Task
from training.panel.snapshot import Snapshot
from training.scoring.columns import COLUMNS, REASONS, STAGES, SURVIVAL_DAYS
from training.scoring.definition import Definition
from training.scoring.reasons import reasons

GRID_POINTS = 401
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
        means = model.contributions(some).groupby(_company(some)).mean()
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


@dataclass(frozen=True)
class ChurnScorer:
    """A churn model with its definition and reference, as a model folder holds them."""

    task: ClassVar[Task] = CHURN_RISK
    model: ChurnModel
    definition: Definition
    reference: Reference

    def predict_frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score rows of a feature table.

        `churn_risk`, `risk_percentile` by the stored grid, `p_alive` and the survival curve.
        """
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        return self.predict_along(self.model.curve(table))

    def predict_along(self, curve: SurvivalCurve) -> pd.DataFrame:
        """The same, where the curves are known."""
        risk = curve.no_order(self.definition.horizon_days)
        columns = {
            "churn_risk": risk,
            "risk_percentile": self.reference.percentile(risk, "all"),
            "p_alive": curve.p_alive(),
            **{f"survival_{days}d": curve.no_order(days) for days in SURVIVAL_DAYS},
        }
        return pd.DataFrame(columns, index=curve.X.index)

    def reasons(self, table: pd.DataFrame) -> pd.DataFrame:
        """Why each row is at more risk than its like: the live are held against the live."""
        added = self.model.contributions(table)
        usual = pd.DataFrame(self.reference.usual).reindex(index=added.columns).T.fillna(0.0)
        above = added - usual.reindex(_company(table), fill_value=0.0).to_numpy()
        return reasons(above, table, self.definition.categories)

    def against(self, since: Snapshot, elapsed_days: float) -> dict[str, float]:
        """The curves at the elapsed days against who had not ordered by then."""
        risk = self.model.curve(since.X).no_order(elapsed_days)
        return {
            "auc": auc(since.churned, risk),
            "log_loss": log_loss(since.churned, risk),
            "ece": ece(since.churned, risk),
            "mean_risk": float(risk.mean()),
            "churn_rate": float(since.churned.mean()),
        }

    def meaning(self) -> str:
        """What is forecast, in a sentence."""
        return (
            f"`churn_risk` is the probability of no order with a positive amount in the "
            f"{self.definition.horizon_days} days from the instant of prediction, for customers "
            "with an order before it."
        )

    def save(self, folder: Path) -> None:
        """Write model, definition and reference as plain files."""
        self.model.save(folder)
        artifact.write_scoring(
            folder, {"definition": self.definition.as_dict(), "reference": asdict(self.reference)}
        )

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; use `load_model`, which tells of damage."""
        content = artifact.read_scoring(folder)
        definition = Definition.from_dict(content["definition"])
        return cls(ChurnModel.load(folder), definition, Reference.from_dict(content["reference"]))


@dataclass(frozen=True)
class CLVScorer:
    """A CLV model with its definition, as a model folder holds them."""

    task: ClassVar[Task] = CLV_FORECAST
    model: CLVModel
    definition: Definition

    def predict_frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score rows of a feature table: `clv`, its parts and its intervals."""
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        return self.predict_given(table, self.model.predict_active(table))

    def predict_given(self, table: pd.DataFrame, p_active: FloatArray) -> pd.DataFrame:
        """The same, for a known chance of an order in the window, shape (customers,)."""
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        if_active, orders = self.model.predict_if_active(table), self.model.orders_if_active(table)
        low, high = self.model.intervals_.interval(if_active, p_active)
        low_if_active, high_if_active = self.model.intervals_.interval_if_active(if_active)
        columns = {
            "clv": p_active * if_active,
            "clv_low": low,
            "clv_high": high,
            "p_active": p_active,
            "orders_if_active": orders,
            "order_value": if_active / orders,
            "expected_orders": p_active * orders,
            "clv_if_active": if_active,
            "spend_if_active_low": low_if_active,
            "spend_if_active_high": high_if_active,
        }
        return pd.DataFrame(columns, index=table.index)

    def against(self, since: Snapshot, elapsed_days: float) -> dict[str, float]:
        """The values and intervals against what was spent; nothing before the window is over."""
        if elapsed_days != self.definition.horizon_days:
            return {}
        values: pd.DataFrame = self.predict_frame(since.X)
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

    def meaning(self) -> str:
        """What is forecast, in a sentence."""
        terms = self.definition
        margin = f", times a margin of {terms.margin_rate:g}" if terms.margin_rate != 1 else ""
        rate = terms.discount_rate_yearly
        discount = f", discounted at {rate:g} a year" if rate else ""
        return (
            f"`clv` is the expected spend in the {terms.horizon_days} days from the instant of "
            f"prediction, less refunds and never below 0{margin}{discount}."
        )

    def save(self, folder: Path) -> None:
        """Write model and definition as plain files."""
        self.model.save(folder)
        artifact.write_scoring(folder, {"definition": self.definition.as_dict()})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; use `load_model`, which tells of damage."""
        content = artifact.read_scoring(folder)
        return cls(CLVModel.load(folder), Definition.from_dict(content["definition"]))


ModelScorer = ChurnScorer | CLVScorer


def load_model(folder: Path | str) -> ModelScorer:
    """Read a model folder of either kind.

    Raises
    ------
    TrainingError
        If it holds no model, a damaged one, or one of a format that is not known here.
    """
    readers: dict[str, Callable[[Path | str], ModelScorer]] = {
        churn.KIND: ChurnScorer.load,
        clv.KIND: CLVScorer.load,
    }
    kind = artifact.read(folder)["kind"]
    if kind not in readers:
        raise TrainingError(f"{folder} must hold one of {sorted(readers)}; it holds {kind!r}.")
    with artifact.undamaged(folder):
        return readers[kind](folder)


@dataclass(frozen=True)
class Scorer:
    """Two champions that score together.

    Attributes
    ----------
    churn : ChurnScorer
    clv : CLVScorer
    churn_version, clv_version : int
        Registered versions, written beside every score.
    """

    churn: ChurnScorer
    clv: CLVScorer
    churn_version: int
    clv_version: int

    def score(self, history: History, as_of: Instant, reasons_for: int = 1000) -> pd.DataFrame:
        """Score every customer of the population.

        Parameters
        ----------
        history : History
            Uncut; the models' codes for text attributes are used.
        as_of : str, date, datetime or float
        reasons_for : int
            How many customers, those with most value at risk, get reasons.

        Returns
        -------
        pandas.DataFrame
            Columns `COLUMNS`, one row per customer, most value at risk first.

        Raises
        ------
        TrainingError
            If nobody has ordered, or the history is of another currency or time zone, or lacks
            columns the models need.
        """
        past = history.at(as_of)
        return self.score_past(past, self.table(past), reasons_for)

    def table(self, past: Past) -> pd.DataFrame:
        """The feature table that the churn model reads, shape (customers, features).

        Raises
        ------
        TrainingError
            If the history is of another currency or time zone, or has other scales of feedback.
        """
        terms = self.churn.definition
        _require_same_shop(past, terms)
        return describe(past.with_categories(terms.categories), terms.horizon_days)

    def score_past(self, past: Past, table: pd.DataFrame, reasons_for: int = 1000) -> pd.DataFrame:
        """The same of a history that was cut and described already, at the instant of its cut."""
        scores = self._scored(past, table)
        if scores.empty:
            raise TrainingError("no customer has an order before as_of. Choose a later as_of.")
        risk, stage = scores["churn_risk"], scores["stage"]
        scores["risk_percentile"] = risk.rank(method="max", pct=True) * 100
        scores["stage_percentile"] = risk.groupby(stage).rank(method="max", pct=True) * 100
        return self._finish(scores, table, reasons_for)

    def score_inline(self, past: Past, reasons_for: int = 1000) -> pd.DataFrame:
        """Score customers alone: the same numbers, but percentiles from the stored grid."""
        table = self.table(past)
        scores = self._scored(past, table)
        risk, reference = scores["churn_risk"].to_numpy(), self.churn.reference
        scores["risk_percentile"] = reference.percentile(risk, "all")
        scores["stage_percentile"] = np.nan
        for name in STAGES:
            rows = (scores["stage"] == name).to_numpy()
            scores.loc[rows, "stage_percentile"] = reference.percentile(risk[rows], name)
        return self._finish(scores, table, reasons_for)

    def _scored(self, past: Past, table: pd.DataFrame) -> pd.DataFrame:
        terms, clv_terms = self.churn.definition, self.clv.definition
        horizon, clv_horizon = terms.horizon_days, clv_terms.horizon_days
        clv_table = table
        if clv_terms.categories != terms.categories:
            clv_table = describe(past.with_categories(clv_terms.categories), horizon)
        require_table(table, self.churn.model.columns_, terms.table_horizon_days)
        curve = self.churn.model.curve(table)
        risks = self.churn.predict_along(curve)
        # Of the window both models speak of, the churn model has the word.
        values = self.clv.predict_given(clv_table, 1.0 - curve.no_order(clv_horizon))
        risk = risks["churn_risk"].to_numpy()
        until_next = curve.median_days(clv_horizon)
        scores = risks.drop(columns="risk_percentile").join(values)
        return scores.assign(
            as_of=pd.Timestamp(past.as_of).as_unit("us"),
            horizon_days=horizon,
            stage=stages(table, risk, self.churn.reference.live_base_rate),
            expected_next_order=_dates(past.day + until_next),
            clv_horizon_days=clv_horizon,
            value_at_risk=risk * values["clv_if_active"],
            days_since_last_order=table["days_since_last_order"],
            churn_model=self.churn.model.candidate,
            basis=self.churn.model.basis(),
            churn_model_version=self.churn_version,
            clv_model_version=self.clv_version,
        )

    def _finish(self, scores: pd.DataFrame, table: pd.DataFrame, reasons_for: int) -> pd.DataFrame:
        scores = scores.sort_values("value_at_risk", ascending=False, kind="stable")
        said = self.churn.reasons(table.loc[scores.index[:reasons_for]])
        scores[list(REASONS)] = said.reindex(scores.index)
        return scores.reset_index()[list(COLUMNS)]


def stages(table: pd.DataFrame, risk: FloatArray, live_base_rate: float) -> NDArray[np.str_]:
    """Stage of every customer by DESIGN's definition, shape (customers,)."""
    lapsed = _company(table) == "lapsed"
    one_day = table["purchase_days"].to_numpy() == 1
    at_risk = np.asarray(risk) >= live_base_rate
    return np.select([lapsed, one_day, at_risk], ["lapsed", "new", "at_risk"], "active")


def _company(table: pd.DataFrame) -> NDArray[np.str_]:
    """Whether a customer is `live` or `lapsed`, shape (customers,)."""
    lapsed = table["days_since_last_order"].to_numpy() >= table["horizon_days"].to_numpy()
    return np.where(lapsed, "lapsed", "live")


def require_table(table: pd.DataFrame, columns: list[str], horizon_days: int) -> None:
    """Refuse a feature table that the model was not trained for.

    Raises
    ------
    TrainingError
        If columns are missing, or the table was computed for another horizon.
    """
    missing = [c for c in columns if c not in table]
    if missing:
        raise TrainingError(
            f"the feature table must have the model's columns; {missing} are missing. Compute it "
            "with feature_table of the same version, feedback kinds and customer columns."
        )
    horizons = table["horizon_days"].unique()
    if len(table) and (len(horizons) != 1 or horizons[0] != horizon_days):
        raise TrainingError(
            f"the feature table must be for horizon_days = {horizon_days}; got {horizons.tolist()}."
        )


def _dates(days: FloatArray) -> pd.DatetimeIndex:
    """The calendar days of some instants; missing where there is none."""
    whole = pd.Series(np.floor(days)).astype("Int64")
    return pd.DatetimeIndex(pd.to_datetime(whole, unit="D", origin="unix")).as_unit("us")


def _require_same_shop(history: History, definition: Definition) -> None:
    """Refuse another currency, where both are named, other scales and another wall clock."""
    asked, known = history.mapping.currency, definition.currency
    if asked and known and asked != known:
        raise TrainingError(
            f"the history must be in {known}, as the model is; got {asked}. Train on this history."
        )
    known_scales = dict(definition.scales)
    scales = {kind: history.mapping.scales.get(kind, known_scales[kind]) for kind in known_scales}
    if scales != known_scales:
        raise TrainingError(
            f"the scales of feedback must be {known_scales}, as the model's; got {scales}. Use the "
            "mapping it was trained with, or train again."
        )
    if history.mapping.timezone != definition.timezone:
        raise TrainingError(
            f"the history's timezone must be {definition.timezone}, as the model's; got "
            f"{history.mapping.timezone}. Use the mapping it was trained with, or train again."
        )
