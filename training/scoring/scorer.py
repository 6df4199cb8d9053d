"""Scores of customers by two models: batch, inline and MLflow's pyfunc all go through here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.clock import Instant
from features.history.history import History, Past
from features.table import describe
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.scoring.columns import COLUMNS, LAPSED, REASONS, STAGES
from training.scoring.definition import Definition
from training.scoring.model_scorers import ChurnScorer, CLVScorer, require_table
from training.scoring.reference import stages


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
            How many customers, the first of that order, get reasons.

        Returns
        -------
        pandas.DataFrame
            Columns `COLUMNS`, one row per customer: the live stages first, then the lapsed, each by
            `value_at_stake`.

        Raises
        ------
        TrainingError
            If nobody has ordered, or the history is of another currency or time zone, or lacks
            columns the models need.
        HistoryError
            If the history was cut before `as_of`.
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
        return describe(terms.read(past), terms.horizon_days)

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
        if not clv_terms.reads_as(terms):
            clv_table = describe(clv_terms.read(past), horizon)
        require_table(table, self.churn.model.columns_, terms.table_horizon_days)
        curve = self.churn.model.curve(table)
        risks = self.churn.predict_along(curve)
        # Of the window both models speak of, the churn model has the word.
        values = self.clv.predict_given(clv_table, 1.0 - curve.no_order(clv_horizon))
        risk = risks["churn_risk"].to_numpy()
        stage = stages(table, risk, self.churn.reference.live_base_rate)
        at_stake = risk * values["clv_if_active"]
        until_next = curve.median_days(clv_horizon)
        further = {
            "as_of": pd.Timestamp(past.as_of).as_unit("us"),
            "horizon_days": horizon,
            "stage": stage,
            "expected_next_order": _dates(past.day + until_next),
            "clv_horizon_days": clv_horizon,
            "value_at_stake": at_stake,
            "value_at_risk": at_stake.where(stage != LAPSED),
            "win_back_value": at_stake.where(stage == LAPSED),
            "days_since_last_order": table["days_since_last_order"],
            "churn_model": self.churn.model.candidate,
            "basis": self.churn.basis(),
            "churn_model_version": self.churn_version,
            "clv_model_version": self.clv_version,
        }
        scored = risks.drop(columns="risk_percentile")
        return pd.concat([scored, values, pd.DataFrame(further, table.index)], axis=1)

    def _finish(self, scores: pd.DataFrame, table: pd.DataFrame, reasons_for: int) -> pd.DataFrame:
        order = np.lexsort((-scores["value_at_stake"].to_numpy(), scores["stage"] == LAPSED))
        scores = scores.iloc[order].reset_index().assign(**dict.fromkeys(REASONS))[list(COLUMNS)]
        return self.explained(scores, table, reasons_for)

    def explained(self, scores: pd.DataFrame, table: pd.DataFrame, rows: int) -> pd.DataFrame:
        """The same scores with reasons for the first rows, and for no others."""
        if not rows:
            return scores.astype(dict.fromkeys(REASONS, "string"))
        asked = scores["customer_id"].head(rows)
        said = self.churn.reasons(table.loc[asked]).reindex(scores["customer_id"])
        return scores.assign(**{name: said[name].array for name in REASONS})


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
