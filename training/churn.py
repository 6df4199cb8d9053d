"""ChurnModel: the probability that a customer places no order within the horizon."""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from lightgbm import Booster
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from training import artifact, boosting
from training.boosting import Boosting
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.level import Shifts
from training.rows import Rows
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
        Learn from this many of the latest snapshots; the level looks at all.
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
        y: ArrayLike,
        days: ArrayLike | None = None,
        at: float | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
            Rows of the feature table.
        y : array-like, shape (rows,)
            1 where the customer churned.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.
        at : float, optional
            The instant to forecast from, for the level; default: the latest of `days`.

        Raises
        ------
        TrainingError
            If the candidate is unknown, or the rows cannot be learnt from.
        """
        if self.candidate not in CANDIDATES:
            raise TrainingError(f"candidate must be one of {CANDIDATES}; got {self.candidate!r}.")
        rows = Rows.of(X, y, days)
        recent = rows.latest(self.snapshots)
        churned = rows.y[recent]
        self.classes_ = np.array([0, 1])
        self.columns_ = list(X.columns)
        self.rule_: LogisticRule | None = None
        self.booster_: Booster | None = None
        self.level_ = 0.0
        if self.candidate in SIGNALS:
            self.rule_ = LogisticRule.fit(self.candidate, X[recent], churned)
            return self
        _require_both_outcomes(churned)
        self.prior_ = float(logit(churned.mean()))
        self.used_ = boosting.usable_columns(X[recent])
        offset = np.full(len(churned), self.prior_)
        learner = Boosting("binary", seed=self.seed)
        self.booster_ = learner.fit(X.loc[recent, self.used_], churned, offset)
        if self.candidate == "gbdt_level":
            self._fit_level(rows, at)
        return self

    def levelled(
        self, X: pd.DataFrame, y: ArrayLike, days: ArrayLike, at: float | None = None
    ) -> Self:
        """The same fitted trees as candidate `gbdt_level`, without growing them again."""
        model = copy(self)
        model.candidate = "gbdt_level"
        model._fit_level(Rows.of(X, y, days), at)
        return model

    def _fit_level(self, rows: Rows, at: float | None) -> None:
        self.level_ = 0.0
        shifts = Shifts.of(self._risk(rows.X), rows.y, rows.days)
        self.level_ = shifts.in_season(float(rows.days.max()) if at is None else at)

    def predict_proba(self, X: pd.DataFrame) -> FloatArray:
        """Probabilities of staying and of churning, shape (customers, 2)."""
        check_is_fitted(self)
        risk = self._risk(X)
        return np.column_stack([1.0 - risk, risk])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """1 where churn is more likely than not, shape (customers,)."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the logit of churn, exactly; shape (customers, features)."""
        check_is_fitted(self)
        if self.booster_ is not None:
            return boosting.contributions(self.booster_, X[self.used_])
        return cast(LogisticRule, self.rule_).contributions(X)

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

    def _risk(self, X: pd.DataFrame) -> FloatArray:
        if self.booster_ is not None:
            risk = expit(self.prior_ + self.level_ + boosting.raw(self.booster_, X[self.used_]))
        else:
            risk = cast(LogisticRule, self.rule_).predict(X)
        return np.clip(np.asarray(risk), TINY, 1.0 - TINY)


def _require_both_outcomes(churned: FloatArray) -> None:
    found = np.unique(churned)
    if not np.array_equal(found, [0.0, 1.0]):
        raise TrainingError(
            f"churned must be 0 in some rows and 1 in others to learn from; got {found.tolist()} "
            f"in {len(churned)} rows. Choose a horizon in which some customers order and some do "
            "not."
        )
