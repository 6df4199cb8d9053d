"""ChurnModel: the probability that a customer places no order within the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from training.btyd.population import PopulationModel
from training.btyd.survival import SurvivalCurve
from training.evaluation import FloatArray
from training.models import artifact
from training.models.artifact import plain
from training.models.boosting import Boosting
from training.models.candidates import churn_candidate
from training.models.learning import ChurnLearning
from training.models.own.references import blamed, code_of, explained, one_each, require_form
from training.models.pool import LOGIT_LIMIT
from training.panel.contract import TableEstimator, churn_labels, outcome_column
from training.panel.snapshot import ForecastOrigin, TrainingSet, latest

KIND = "churn"


class ChurnModel(ClassifierMixin, TableEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Calibrated churn risk by one of several candidates behind one interface.

    Parameters
    ----------
    candidate : str
        A key of `training.models.candidates.CHURN`. `recency_rule` or `past_rate`: a logistic on
        one signal. `btyd`: MBG/NBD at the pace of the season. `trees`: gradient-boosted trees on
        every feature, levelled by `btyd`. `pool`: the mean of both on the logit scale, the trees
        weighing more the more was there to learn from. Or one of the shop's own, `module:name`.
    horizon_days : float, optional
        The window that is forecast; default: that of the rows it learns from.
    seed : int
    boosting : Boosting, optional
        How trees are grown; default: as a training grows them.

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict_proba` needs.
    classes_ : numpy.ndarray
        `[0, 1]`; 1 is churned.
    btyd_ : PopulationModel
        The buy-till-you-die model at the origin, with its pace.
    fitted_ : ChurnCandidate
        The candidate as it was fitted.
    """

    def __init__(
        self,
        candidate: str = "pool",
        horizon_days: float | None = None,
        seed: int = 0,
        boosting: Boosting | None = None,
    ) -> None:
        self.candidate = candidate
        self.horizon_days = horizon_days
        self.seed = seed
        self.boosting = boosting

    def __sklearn_tags__(self) -> Any:
        """A customer stays or churns."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        days: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots, labelled over the table's horizon.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
            Rows of the feature table.
        y : array-like, shape (rows,)
            1 or True where the customer churned, as `churned` of `label_table`; else 0 or False.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.
        sample_weight : array-like, shape (rows,), optional
            How often each row counts in what is learnt: MBG/NBD, rules, trees and their levels.
            Leaves are of so many rows, whatever those weigh.

        Raises
        ------
        TrainingError
            If the candidate is unknown, or the rows cannot be learnt from; of a single outcome only
            `learn` does.
        """
        labels = churn_labels(outcome_column(X, y, sample_weight), sample_weight)
        training_set = TrainingSet.of(X, labels, days=days, weight=sample_weight)
        return self.learn([training_set], latest(training_set.snapshots))

    def learn(self, training_sets: Sequence[TrainingSet], origin: ForecastOrigin) -> Self:
        """Learn from snapshots to forecast from an origin; see `ChurnLearning`."""
        horizon = float(self.horizon_days or training_sets[0].window_days)
        settings = self.boosting or Boosting()
        return self.learn_from(ChurnLearning(training_sets, origin, horizon, self.seed, settings))

    def learn_from(self, given: ChurnLearning) -> Self:
        """Learn from what several candidates may share."""
        self.classes_ = np.array([0, 1])
        self.columns_ = [str(c) for c in given.origin.X.columns]
        self.horizon_, self.btyd_ = given.horizon_days, given.origin.btyd
        self.code_ = code_of(self.candidate)
        candidate = churn_candidate(self.candidate, self.code_)
        with blamed(self.candidate, "learn"):
            self.fitted_ = candidate.learn(given)
        return self

    def predict_proba(self, X: pd.DataFrame) -> FloatArray:
        """Probabilities of staying and of churning, shape (customers, 2)."""
        risk = expit(self._logit(X))
        return np.column_stack([1.0 - risk, risk])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """1 where churn is at least as likely as not, shape (customers,)."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def curve(self, X: pd.DataFrame) -> SurvivalCurve:
        """The chance of no order by any day ahead, which is the risk at the horizon."""
        logit = self._logit(X)
        return SurvivalCurve(self.btyd_, X, logit - self.btyd_.logit_no_order(X, self.horizon_))

    def basis(self) -> str:
        """What the risk rests on, in words."""
        check_is_fitted(self)
        with blamed(self.candidate, "say what it rests on"):
            return self.fitted_.basis()

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the logit of churn, up to a constant.

        Returns
        -------
        pandas.DataFrame, shape (customers, features)
        """
        table = self._known(X)
        with blamed(self.candidate, "explain"):
            return explained(self.candidate, self.fitted_.contributions(table), table)

    def save(self, folder: Path | str) -> None:
        """Write the model as plain files."""
        check_is_fitted(self)
        require_form(self.candidate, type(self.fitted_))
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with blamed(self.candidate, "save"):
            fitted = plain(self.fitted_.save(folder))
        content: dict[str, Any] = {
            "kind": KIND,
            "candidate": self.candidate,
            **({} if self.code_ is None else {"code": self.code_}),
            "horizon_days": self.horizon_,
            "seed": self.seed,
            "columns": self.columns_,
            "btyd": self.btyd_.as_dict(),
            "fitted": fitted,
        }
        artifact.write(folder, content)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, KIND)
        model = cls(content["candidate"], content["horizon_days"], content["seed"])
        model.classes_ = np.array([0, 1])
        model.columns_, model.horizon_ = content["columns"], content["horizon_days"]
        model.btyd_ = PopulationModel(**content["btyd"])
        model.code_ = content.get("code")
        candidate = churn_candidate(model.candidate, model.code_)
        with blamed(model.candidate, "load"):
            model.fitted_ = candidate.load(Path(folder), content["fitted"], model.btyd_)
        return model

    def _logit(self, X: pd.DataFrame) -> FloatArray:
        table = self._known(X)
        with blamed(self.candidate, "forecast"):
            found = one_each(self.candidate, self.fitted_.logit(table), len(table))
        return np.clip(found, -LOGIT_LIMIT, LOGIT_LIMIT)
