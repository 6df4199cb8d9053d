"""ChurnModel: the probability that a customer places no order within the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from training.btyd.population import PopulationModel
from training.btyd.survival import SurvivalCurve
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models import artifact
from training.models.baselines import SIGNALS, LogisticRule
from training.models.shapley import shapley
from training.models.trees import Trees
from training.panel.snapshot import ForecastOrigin, TrainingSet, latest

CANDIDATES = (*SIGNALS, "btyd", "trees", "pool")
# Where a snapshot sees so many of the rarer outcome, trees and MBG/NBD weigh the same.
EVEN_EVENTS = 150.0
LOGIT_LIMIT = 13.8


class ChurnModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Calibrated churn risk by one of several candidates behind one interface.

    Parameters
    ----------
    candidate : str
        `recency_rule` or `past_rate`: a logistic on one signal. `btyd`: MBG/NBD at the pace of the
        season. `trees`: gradient-boosted trees on every feature, levelled by `btyd`. `pool`: the
        mean of both on the logit scale, the trees weighing more the more was there to learn from.
    horizon_days : float, optional
        The window that is forecast; default: that of the rows it learns from.
    seed : int

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict_proba` needs.
    classes_ : numpy.ndarray
        `[0, 1]`; 1 is churned.
    btyd_ : PopulationModel
        The buy-till-you-die model at the origin, with its pace.
    weight_ : float
        Share of MBG/NBD in the pool.
    shift_ : float
        On the logit scale: what brings the mean risk to that of MBG/NBD.
    """

    def __init__(
        self, candidate: str = "pool", horizon_days: float | None = None, seed: int = 0
    ) -> None:
        self.candidate = candidate
        self.horizon_days = horizon_days
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: ArrayLike, days: ArrayLike | None = None) -> Self:
        """Learn from the rows of one or more snapshots, labelled over the table's horizon.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
            Rows of the feature table.
        y : array-like, shape (rows,)
            1 where the customer churned.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.

        Raises
        ------
        TrainingError
            If the candidate is unknown, or the rows cannot be learnt from.
        """
        training_set = TrainingSet.of(X, y, days=days)
        return self.learn([training_set], latest(training_set.snapshots))

    def learn(self, training_sets: Sequence[TrainingSet], origin: ForecastOrigin) -> Self:
        """Learn from snapshots to forecast from an origin.

        Parameters
        ----------
        training_sets : sequence of TrainingSet
            Of one or more windows, the longest first. What is learnt over another window than the
            horizon is carried over as the departure from MBG/NBD.
        origin : ForecastOrigin
        """
        if self.candidate not in CANDIDATES:
            raise TrainingError(f"candidate must be one of {CANDIDATES}; got {self.candidate!r}.")
        self.classes_ = np.array([0, 1])
        self.columns_ = [str(c) for c in origin.X.columns]
        self.horizon_ = float(self.horizon_days or training_sets[0].window_days)
        self.btyd_, self.centre_ = origin.btyd, _centre(origin.X)
        self.rule_: LogisticRule | None = None
        self.trees_: list[Trees] = []
        self.windows_: list[float] = []
        self.weight_, self.shift_ = 1.0, 0.0
        if self.candidate in SIGNALS:
            self.windows_, self.weight_ = [training_sets[0].window_days], 0.0
            rows = training_sets[0]
            self.rule_ = LogisticRule.fit(self.candidate, rows.frame, rows.churned, rows.weight)
        elif self.candidate != "btyd":
            grown = [Trees.grow(training_set, self.seed) for training_set in training_sets]
            self.trees_ = [trees for trees in grown if trees is not None]
            self._pool(origin)
        return self

    def _pool(self, origin: ForecastOrigin) -> None:
        """Weigh the trees against MBG/NBD, and take the level from MBG/NBD."""
        self.windows_ = [trees.window_days for trees in self.trees_]
        if not self.trees_:
            return
        events = max(trees.events for trees in self.trees_)
        is_pool = self.candidate == "pool"
        self.weight_ = float(1.0 / (1.0 + np.sqrt(events / EVEN_EVENTS))) if is_pool else 0.0
        expected = self.btyd_.logit_no_order(origin.X, self.horizon_)
        self.shift_ = shift_to(self._logit(origin.X), float(expit(expected).mean()))

    def reweighed(self, candidate: str, origin: ForecastOrigin) -> Self:
        """The same grown trees as another candidate of `btyd`, `trees` and `pool`."""
        model = copy(self)
        model.candidate = candidate
        model.weight_, model.shift_ = 1.0, 0.0
        if candidate == "btyd":
            model.trees_ = []
        model._pool(origin)
        return model

    def predict_proba(self, X: pd.DataFrame) -> FloatArray:
        """Probabilities of staying and of churning, shape (customers, 2)."""
        check_is_fitted(self)
        risk = expit(self._logit(X))
        return np.column_stack([1.0 - risk, risk])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """1 where churn is more likely than not, shape (customers,)."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def curve(self, X: pd.DataFrame) -> SurvivalCurve:
        """The chance of no order by any day ahead, which is the risk at the horizon."""
        check_is_fitted(self)
        expected = self.btyd_.logit_no_order(X, self.horizon_)
        return SurvivalCurve(self.btyd_, X, self._logit(X) - expected)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        check_is_fitted(self)
        pace = f"pace of the season {np.exp(self.btyd_.pace):.2f}"
        windows = " and ".join(f"{window:g}" for window in self.windows_)
        carried = any(window != self.horizon_ for window in self.windows_)
        beyond = f", carried over to {self.horizon_:g} days by MBG/NBD" if carried else ""
        if self.rule_ is not None:
            return f"rule on outcomes over {windows} days{beyond}"
        if not self.trees_:
            return f"MBG/NBD, {pace}"
        learnt = f"trees on outcomes over {windows} days ({1 - self.weight_:.0%}){beyond}"
        return f"{learnt} and MBG/NBD ({self.weight_:.0%}), {pace}"

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the logit of churn; shape (customers, features).

        Trees by exact tree SHAP, a rule by its signal, MBG/NBD by the Shapley values of its
        three inputs against a middling customer; the sum is exact up to a constant.
        """
        check_is_fitted(self)
        added = shapley(self._of_inputs, _inputs(X), self.centre_)
        if self.rule_ is not None:
            added = added.add(self.rule_.contributions(X), fill_value=0.0)
        for trees in self.trees_:
            own = trees.contributions(X) * (1.0 - self.weight_) / len(self.trees_)
            added = added.add(own, fill_value=0.0)
        return added

    def save(self, folder: Path | str) -> None:
        """Write the model as plain files."""
        check_is_fitted(self)
        folder = Path(folder)
        content: dict[str, Any] = {
            "kind": "churn",
            "candidate": self.candidate,
            "horizon_days": self.horizon_,
            "seed": self.seed,
            "columns": self.columns_,
            "btyd": self.btyd_.as_dict(),
            "centre": self.centre_,
            "weight": self.weight_,
            "shift": self.shift_,
            "rule": None if self.rule_ is None else asdict(self.rule_),
            "windows": self.windows_,
        }
        folder.mkdir(parents=True, exist_ok=True)
        content["trees"] = [trees.save(folder) for trees in self.trees_]
        artifact.write(folder, content)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, "churn")
        model = cls(content["candidate"], content["horizon_days"], content["seed"])
        model.classes_ = np.array([0, 1])
        model.columns_, model.horizon_ = content["columns"], content["horizon_days"]
        model.btyd_, model.centre_ = PopulationModel(**content["btyd"]), content["centre"]
        model.weight_, model.shift_ = content["weight"], content["shift"]
        model.rule_ = LogisticRule(**content["rule"]) if content["rule"] else None
        model.trees_ = [Trees.load(Path(folder), found) for found in content["trees"]]
        model.windows_ = content["windows"]
        return model

    def _logit(self, X: pd.DataFrame) -> FloatArray:
        score = self._btyd_part(X) + self.shift_
        if self.rule_ is not None:
            score = score + logit(self.rule_.predict(X))
        for trees in self.trees_:
            score = score + (1.0 - self.weight_) / len(self.trees_) * trees.raw(X)
        return np.clip(score, -LOGIT_LIMIT, LOGIT_LIMIT)

    def _btyd_part(self, X: pd.DataFrame) -> FloatArray:
        """MBG/NBD at the horizon, less its share in what was learnt over each window."""
        part = self.btyd_.logit_no_order(X, self.horizon_)
        for window in self.windows_:
            share = (1.0 - self.weight_) / len(self.windows_)
            part = part - share * self.btyd_.logit_no_order(X, window)
        return part

    def _of_inputs(self, inputs: pd.DataFrame) -> FloatArray:
        """MBG/NBD's part from the time since the last order instead of its date."""
        age, since = inputs["T"], np.minimum(inputs["days_since_last_order"], inputs["T"])
        recency = np.where(inputs["frequency"] > 0, age - since, 0.0)
        return self._btyd_part(inputs.assign(recency=recency))


def shift_to(score: FloatArray, mean: float) -> float:
    """What to add to logits, so that the mean probability is `mean`.

    Examples
    --------
    >>> round(shift_to(np.zeros(3), 0.75), 3)
    1.099
    """
    limit = 2 * LOGIT_LIMIT
    return float(brentq(lambda shift: float(expit(score + shift).mean()) - mean, -limit, limit))


def _inputs(X: pd.DataFrame) -> pd.DataFrame:
    """What MBG/NBD goes by, with the time since the last purchase day for its date."""
    since = (X["T"] - X["recency"]).rename("days_since_last_order")
    return pd.concat([X["frequency"], since, X["T"]], axis=1)


def _centre(X: pd.DataFrame) -> dict[str, float]:
    """The middling inputs of MBG/NBD."""
    return {str(name): float(median) for name, median in _inputs(X).median().items()}
