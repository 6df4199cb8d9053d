"""CLVModel: what a customer will spend, as the chance of any order times the spend if there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from training import artifact, boosting
from training.boosting import Boosting
from training.churn import ChurnModel
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.rows import Rows
from training.rules import expected_at_past_rate

CANDIDATES = ("average", "past_rate", "gbdt")
ACTIVITY_FOLDER = "activity"
PRIOR_DAYS = 3.0


class CLVModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Expected net spend within the horizon, `P(any order) x clv_if_active`.

    Parameters
    ----------
    candidate : str
        How `clv_if_active` is forecast. `average`: the same for everybody. `past_rate`: the
        customer's expected purchase days given at least one (zero-truncated Poisson at the past
        rate) times a credibility-weighted spend per purchase day. `gbdt`: Tweedie-1.5 trees that
        correct `past_rate`.
    activity : ChurnModel, optional
        The churn model of the same horizon, used as it is where it is fitted and else fitted on
        the same rows; default: `gbdt`.
    snapshots : int
        Learn from this many of the latest snapshots.
    seed : int

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict` needs.
    activity_ : ChurnModel
    """

    def __init__(
        self,
        candidate: str = "gbdt",
        activity: ChurnModel | None = None,
        snapshots: int = 8,
        seed: int = 0,
    ) -> None:
        self.candidate = candidate
        self.activity = activity
        self.snapshots = snapshots
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        churned: ArrayLike | None = None,
        days: ArrayLike | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
        y : array-like, shape (rows,)
            Net spend in the window, 0 or more.
        churned : array-like, shape (rows,), optional
            1 where there was no order; default: where nothing was spent.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.

        Raises
        ------
        TrainingError
            If the candidate is unknown, spend is negative, or nobody spent anything.
        """
        self.fit_if_active(X, y, churned, days)
        if self.activity is not None and hasattr(self.activity, "columns_"):
            self.activity_ = self.activity
            return self
        activity = self.activity or ChurnModel("gbdt", self.snapshots, self.seed)
        lost = np.asarray(y) == 0 if churned is None else churned
        self.activity_ = clone(activity).fit(X, lost, days)
        return self

    def fit_if_active(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        churned: ArrayLike | None = None,
        days: ArrayLike | None = None,
    ) -> Self:
        """Learn only the spend of those who order; `predict` needs `fit`."""
        if self.candidate not in CANDIDATES:
            raise TrainingError(f"candidate must be one of {CANDIDATES}; got {self.candidate!r}.")
        rows = Rows.of(X, y, days)
        if (rows.y < 0).any():
            raise TrainingError(
                f"spend must be 0 or more; got {rows.y.min()}. Clip each customer's total at 0."
            )
        lost = Rows.of(X, rows.y == 0 if churned is None else churned).y
        active = rows.latest(self.snapshots) & (lost == 0)
        if rows.y[active].sum() <= 0:
            raise TrainingError(
                "spend must be positive for some customer; nobody spent anything in the window. "
                "Choose a longer horizon."
            )
        self.columns_ = list(X.columns)
        self._fit_spend(X[active], rows.y[active])
        return self

    def _fit_spend(self, X: pd.DataFrame, y: FloatArray) -> None:
        self.mean_ = float(y.mean())
        self.day_spend_ = float(X["spend"].sum() / X["purchase_days"].sum())
        self.scale_ = 1.0
        self.scale_ = float(y.sum() / self._past_rate(X).sum())
        self.booster_ = None
        if self.candidate == "gbdt":
            self.used_ = boosting.usable_columns(X)
            base = np.log(self._past_rate(X))
            learner = Boosting("tweedie", seed=self.seed)
            self.booster_ = learner.fit(X[self.used_], y / self.mean_, base - np.log(self.mean_))

    def predict(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend, shape (customers,), in the currency."""
        return self.predict_active(X) * self.predict_if_active(X)

    def predict_active(self, X: pd.DataFrame) -> FloatArray:
        """Probability of any order in the window, shape (customers,)."""
        check_is_fitted(self, "activity_")
        return self.activity_.predict_proba(X)[:, 0]

    def predict_if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,)."""
        check_is_fitted(self, "scale_")
        if self.candidate == "average":
            return np.full(len(X), self.mean_)
        base = self._past_rate(X)
        if self.booster_ is None:
            return base
        return base * np.exp(boosting.raw(self.booster_, X[self.used_]))

    def save(self, folder: Path | str) -> None:
        """Write the model, and its activity model in a folder of its own, as plain files."""
        check_is_fitted(self, ["activity_", "scale_"])
        folder = Path(folder)
        content: dict[str, Any] = {
            "kind": "clv",
            "candidate": self.candidate,
            "snapshots": self.snapshots,
            "seed": self.seed,
            "columns": self.columns_,
            "mean": self.mean_,
            "day_spend": self.day_spend_,
            "scale": self.scale_,
        }
        if self.booster_ is not None:
            content["used"] = self.used_
        artifact.write(folder, content)
        self.activity_.save(folder / ACTIVITY_FOLDER)
        if self.booster_ is not None:
            boosting.save(self.booster_, folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, "clv")
        model = cls(content["candidate"], None, content["snapshots"], content["seed"])
        model.columns_ = content["columns"]
        model.mean_, model.scale_ = content["mean"], content["scale"]
        model.day_spend_ = content["day_spend"]
        model.activity_ = ChurnModel.load(Path(folder) / ACTIVITY_FOLDER)
        model.booster_ = None
        if "used" in content:
            model.used_ = content["used"]
            model.booster_ = boosting.load(Path(folder))
        return model

    def _past_rate(self, X: pd.DataFrame) -> FloatArray:
        rate = expected_at_past_rate(X)
        purchases_if_any = rate / -np.expm1(-rate)
        days = X["purchase_days"].to_numpy()
        spend = X["spend"].to_numpy() + PRIOR_DAYS * self.day_spend_
        return np.asarray(self.scale_ * purchases_if_any * spend / (days + PRIOR_DAYS))
