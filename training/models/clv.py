"""CLVModel: what a customer will spend: P(any order) x orders if any x value of an order."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from training.btyd.population import PopulationModel
from training.evaluation import FloatArray
from training.models import artifact
from training.models.artifact import plain
from training.models.candidates import spend_candidate
from training.models.churn import ChurnModel
from training.models.intervals import SpendIntervals
from training.models.learning import SpendLearning
from training.models.own.references import amounts, blamed, code_of, require_form
from training.panel.contract import TableEstimator, outcome_column
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin, TrainingSet, latest

KIND = "clv"
ACTIVITY_FOLDER = "activity"


class CLVModel(RegressorMixin, TableEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Expected net spend within the horizon, `P(any order) x clv_if_active`.

    Parameters
    ----------
    candidate : str
        How `clv_if_active` is forecast: a key of `training.models.candidates.SPEND`. `average`: the
        same for everybody. `past_rate`: the customer's expected purchase days given at least one
        (zero-truncated Poisson at the past rate) times a mean spend per purchase day shrunk to that
        of all. `btyd`: purchase days given at least one by MBG/NBD times the credibility mean.
        `regression`: a Tweedie regression of power 1.5 that corrects `btyd` by its two factors and
        the number of past purchase days, so that it extrapolates to customers larger than any seen.
    horizon_days : float, optional
        The window that is forecast; default: that of the rows it learns from.
    value : Value, optional
        Margin and discount rate of the spend it learns from.
    seed : int
        Of the activity model that `fit` learns.

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict` needs.
    activity_ : ChurnModel
        Gives the chance of an order in the window.
    fitted_ : SpendCandidate
        The candidate as it was fitted.
    intervals_ : SpendIntervals
    """

    def __init__(
        self,
        candidate: str = "regression",
        horizon_days: float | None = None,
        value: Value | None = None,
        seed: int = 0,
    ) -> None:
        self.candidate = candidate
        self.horizon_days = horizon_days
        self.value = value
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        churned: ArrayLike | None = None,
        days: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots, labelled over the table's horizon.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
        y : array-like, shape (rows,)
            Net spend in the window, 0 or more.
        churned : array-like, shape (rows,), optional
            1 where there was no order; default: where nothing was spent.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.
        sample_weight : array-like, shape (rows,), optional
            How often each row counts in what is learnt, the chance of an order included; intervals
            and bounds are of all buyers alike.

        Raises
        ------
        TrainingError
            If the candidate is unknown, spend is negative, or the rows cannot be learnt from.
        """
        spend = outcome_column(X, y, sample_weight)
        lost = spend == 0 if churned is None else churned
        training_set = TrainingSet.of(X, lost, spend, days, sample_weight)
        origin = latest(training_set.snapshots)
        activity = ChurnModel(horizon_days=self.horizon_days, seed=self.seed)
        return self.learn(training_set, origin, activity.learn([training_set], origin))

    def learn(
        self, training_set: TrainingSet, origin: ForecastOrigin, activity: ChurnModel | None = None
    ) -> Self:
        """Learn from snapshots to forecast from an origin.

        Parameters
        ----------
        training_set : TrainingSet
            Of the horizon, or of a shorter window where the history does not label the horizon.
        origin : ForecastOrigin
        activity : ChurnModel, optional
            Fitted for the same origin; without it only `predict_if_active` works.
        """
        spend_candidate(self.candidate)
        horizon = float(self.horizon_days or training_set.window_days)
        given = SpendLearning.of(training_set, origin, horizon, self.value or Value())
        if activity is not None:
            self.activity_ = activity
        return self.learn_from(given)

    def learn_from(self, given: SpendLearning) -> Self:
        """Learn from what several candidates may share."""
        self.columns_ = [str(c) for c in given.origin.X.columns]
        self.horizon_, self.btyd_ = given.horizon_days, given.origin.btyd
        self.code_ = code_of(self.candidate)
        candidate = spend_candidate(self.candidate, self.code_)
        with blamed(self.candidate, "learn"):
            self.fitted_, expected = candidate.learn(given)
            amounts(self.candidate, expected, len(given.spend))
        self.intervals_ = SpendIntervals.of(expected, given.spend)
        return self

    def predict(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend, shape (customers,), in the currency."""
        return self.predict_active(X) * self.predict_if_active(X)

    def predict_active(self, X: pd.DataFrame) -> FloatArray:
        """Probability of any order in the window, shape (customers,)."""
        check_is_fitted(self, "activity_")
        return 1.0 - self.activity_.curve(X).no_order(self.horizon_)

    def predict_if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,)."""
        table = self._known(X)
        with blamed(self.candidate, "forecast"):
            return amounts(self.candidate, self.fitted_.if_active(table), len(table))

    def orders_if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected purchase days in the window given at least one, shape (customers,)."""
        table = self._known(X)
        orders: FloatArray = self.btyd_.orders_if_any(table, self.horizon_)
        return orders

    def basis(self) -> str:
        """What the forecast rests on, in words."""
        check_is_fitted(self, "activity_")
        return f"spend if there is an order by {self.candidate}; {self.activity_.basis()}"

    def save(self, folder: Path | str) -> None:
        """Write the model, and its activity model in a folder of its own, as plain files."""
        check_is_fitted(self, ["activity_", "fitted_"])
        require_form(self.candidate, type(self.fitted_))
        folder = Path(folder)
        with blamed(self.candidate, "save"):
            fitted = plain(self.fitted_.as_dict())
        content: dict[str, Any] = {
            "kind": KIND,
            "candidate": self.candidate,
            **({} if self.code_ is None else {"code": self.code_}),
            "horizon_days": self.horizon_,
            "value": None if self.value is None else asdict(self.value),
            "seed": self.seed,
            "columns": self.columns_,
            "btyd": self.btyd_.as_dict(),
            "fitted": fitted,
            "intervals": self.intervals_.as_dict(),
        }
        artifact.write(folder, content)
        self.activity_.save(folder / ACTIVITY_FOLDER)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, KIND)
        value = None if content["value"] is None else Value(**content["value"])
        model = cls(content["candidate"], content["horizon_days"], value, content["seed"])
        model.columns_, model.horizon_ = content["columns"], content["horizon_days"]
        model.btyd_ = PopulationModel(**content["btyd"])
        model.code_ = content.get("code")
        candidate = spend_candidate(model.candidate, model.code_)
        with blamed(model.candidate, "load"):
            model.fitted_ = candidate.from_dict(content["fitted"], model.btyd_)
        model.intervals_ = SpendIntervals.from_dict(content["intervals"])
        model.activity_ = ChurnModel.load(Path(folder) / ACTIVITY_FOLDER)
        return model
