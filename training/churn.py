"""ChurnModel: the probability that a customer places no order within the horizon."""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from training import artifact, boosting
from training.boosting import Boosting
from training.errors import TrainingError
from training.level import seasonal_shift, shifts_by_snapshot
from training.rules import SIGNALS, LogisticRule

CANDIDATES = (*SIGNALS, "gbdt", "gbdt_level")
TINY = 1e-6


class ChurnModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Calibrated churn risk by one of several candidates behind one interface.

    Parameters
    ----------
    candidate : str
        `recency_rule` or `past_rate`: a logistic on one signal. `gbdt`: small, strongly
        regularised gradient-boosted trees on every feature. `gbdt_level`: the same, shifted by how
        far earlier snapshots of the same season lay from their forecast.
    snapshots : int
        The trees learn from this many of the latest snapshots; the level looks at all.
    seed : int

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict_proba` needs.
    classes_ : numpy.ndarray
        `[0, 1]`; 1 is churned.
    level_ : float
        Shift on the logit scale.
    """

    def __init__(self, candidate: str = "gbdt", snapshots: int = 8, seed: int = 0) -> None:
        self.candidate = candidate
        self.snapshots = snapshots
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        days: np.ndarray | None = None,
        at: float | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
            Rows of the feature table.
        y : array-like, shape (rows,)
            1 where the customer churned.
        days : numpy.ndarray, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.
        at : float, optional
            The instant to forecast from, for the level; default: the latest of `days`.

        Raises
        ------
        TrainingError
            If the candidate is unknown, or only one outcome was seen.
        """
        if self.candidate not in CANDIDATES:
            raise TrainingError(f"candidate must be one of {CANDIDATES}; got {self.candidate!r}.")
        y = np.asarray(y, dtype="float64")
        if not 0 < y.mean() < 1:
            raise TrainingError(
                f"churned must hold both outcomes to learn from; all {len(y)} rows are {y[:1]}. "
                "Choose a horizon in which some customers order and some do not."
            )
        days = np.zeros(len(y)) if days is None else np.asarray(days)
        recent = np.isin(days, np.unique(days)[-self.snapshots :])
        self.classes_ = np.array([0, 1])
        self.columns_ = list(X.columns)
        self.level_ = 0.0
        self.rule_, self.booster_ = None, None
        if self.candidate in SIGNALS:
            self.rule_ = LogisticRule.fit(self.candidate, X[recent], y[recent])
            return self
        self.used_ = boosting.usable_columns(X[recent])
        learner = Boosting("binary", seed=self.seed)
        prior = float(logit(y[recent].mean()))
        self.prior_ = prior
        offset = np.full(int(recent.sum()), prior)
        self.booster_ = learner.fit(X.loc[recent, self.used_], y[recent], offset)
        if self.candidate == "gbdt_level":
            self._fit_level(X, y, days, at)
        return self

    def levelled(
        self, X: pd.DataFrame, y: np.ndarray, days: np.ndarray, at: float | None = None
    ) -> Self:
        """The same fitted trees as candidate `gbdt_level`, without growing them again."""
        model = copy(self)
        model.candidate = "gbdt_level"
        model._fit_level(X, y, days, at)
        return model

    def _fit_level(
        self, X: pd.DataFrame, y: np.ndarray, days: np.ndarray, at: float | None
    ) -> None:
        shifts, instants = shifts_by_snapshot(self._risk(X), y, days)
        self.level_ = seasonal_shift(shifts, instants, float(days.max() if at is None else at))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities of staying and of churning, shape (customers, 2)."""
        check_is_fitted(self)
        risk = self._risk(X)
        return np.column_stack([1.0 - risk, risk])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """1 where churn is more likely than not, shape (customers,)."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype("int64")

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the logit of churn, exactly; shape (customers, features)."""
        check_is_fitted(self)
        if self.rule_ is not None:
            return self.rule_.contributions(X)
        return boosting.contributions(self.booster_, X[self.used_])

    def save(self, folder: Path | str) -> None:
        """Write the model as plain files."""
        check_is_fitted(self)
        folder = Path(folder)
        content: dict[str, Any] = {
            "kind": "churn",
            "candidate": self.candidate,
            "snapshots": self.snapshots,
            "seed": self.seed,
            "columns": self.columns_,
            "level": self.level_,
        }
        if self.rule_ is not None:
            content["rule"] = asdict(self.rule_)
        else:
            content |= {"used": self.used_, "prior": self.prior_}
        artifact.write(folder, content)
        if self.booster_ is not None:
            boosting.save(self.booster_, folder)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, "churn")
        model = cls(content["candidate"], content["snapshots"], content["seed"])
        model.classes_ = np.array([0, 1])
        model.columns_, model.level_ = content["columns"], content["level"]
        model.rule_ = LogisticRule(**content["rule"]) if "rule" in content else None
        model.booster_ = None
        if model.rule_ is None:
            model.used_, model.prior_ = content["used"], content["prior"]
            model.booster_ = boosting.load(Path(folder))
        return model

    def _risk(self, X: pd.DataFrame) -> np.ndarray:
        if self.rule_ is not None:
            risk = self.rule_.predict(X)
        else:
            raw = np.asarray(self.booster_.predict(X[self.used_].to_numpy(), raw_score=True))
            risk = expit(raw + self.prior_ + self.level_)
        return np.asarray(np.clip(risk, TINY, 1.0 - TINY))
