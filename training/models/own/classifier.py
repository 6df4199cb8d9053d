"""Any classifier of scikit-learn as a candidate: to be judged, since it has no plain-file form."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from features.errors import ExtensionError
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models.boosting import usable_columns
from training.models.carry_over import CarryOver
from training.models.learning import ChurnLearning
from training.panel.snapshot import TrainingSet

# Of a probability: what is certain has no logit.
CERTAIN = 1e-6


@dataclass(frozen=True)
class FittedClassifier:
    """A classifier that has learnt from the rows of a training set.

    Attributes
    ----------
    estimator : classifier of scikit-learn, or None where only one outcome was seen
    columns : list of str
        What it was fitted on: those that vary.
    share : float
        That churned.
    """

    estimator: Any
    columns: list[str]
    share: float

    @classmethod
    def learn(cls, template: Any, training_set: TrainingSet, seed: int) -> Self:
        """Fit a copy of a classifier on the customers without an offer.

        Parameters
        ----------
        template : classifier of scikit-learn
        training_set : TrainingSet
        seed : int
            For what the classifier draws without a seed of its own.

        Raises
        ------
        TrainingError
            If it cannot be fitted, such as for values that are not known.
        """
        X, churned, weight = training_set.frame, training_set.churned, training_set.weight
        columns = usable_columns(X)
        rows, share = X[columns], training_set.churn_rate
        if churned.min() == churned.max():
            return cls(None, columns, share)
        estimator = clone(template)
        drawn = [k for k in estimator.get_params() if k.rpartition("__")[2] == "random_state"]
        unseeded = [k for k in drawn if estimator.get_params()[k] is None]
        estimator.set_params(**dict.fromkeys(unseeded, seed))
        try:
            estimator.fit(rows, churned.astype(np.int64), **_weights(estimator, weight))
        except ValueError as error:
            said = str(error).partition(chr(10))[0]
            remedy = "What is unknown is NaN there: put an imputer before the classifier."
            raise TrainingError(
                f"{type(template).__name__} cannot learn from the feature table: {said} "
                f"{remedy if 'NaN' in said else 'Put steps before it that suit it, in a pipeline.'}"
            ) from error
        return cls(estimator, columns, share)

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of churn in the window that was learnt, shape (customers,)."""
        if self.estimator is None:
            risk = np.full(len(X), self.share)
        else:
            place = list(self.estimator.classes_).index(1)
            risk = self.estimator.predict_proba(X[self.columns])[:, place]
        found: FloatArray = logit(np.clip(risk, CERTAIN, 1 - CERTAIN))
        return found


@dataclass(frozen=True)
class ClassifierChurn:
    """Churn risk by a classifier of scikit-learn, as it comes.

    Attributes
    ----------
    fitted : FittedClassifier
        On the training set of the longest window.
    carry : CarryOver
        To another window than that of the outcomes it learnt from.
    """

    fitted: FittedClassifier
    carry: CarryOver

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of no order within the horizon, shape (customers,)."""
        return self.carry.logit(X) + self.fitted.logit(X)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        learnt = f"{type(self.fitted.estimator).__name__} on outcomes over {self.carry.over()} days"
        return f"{learnt}{self.carry.basis()}"


@dataclass(frozen=True)
class ClassifierCandidate:
    """A classifier of scikit-learn in the place of the class of a candidate: copies of it learn.

    Attributes
    ----------
    template : classifier of scikit-learn
        It stays as it is.
    """

    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = None
    template: Any

    def learn(self, given: ChurnLearning) -> ClassifierChurn:
        """Fit a copy on the training set of the longest window."""
        rows = given.training_sets[0]
        carry = CarryOver.of(given.origin, given.horizon_days, [rows.window_days], 1.0)
        fitted = FittedClassifier.learn(self.template, rows, given.seed)
        return ClassifierChurn(fitted, carry)


def template_of(name: str, found: Any) -> Any:
    """A classifier of scikit-learn that gives probabilities, as it is or made of its class.

    Returns
    -------
    classifier of scikit-learn, or None if it is none

    Raises
    ------
    ExtensionError
        If it is a class that cannot be had without settings.
    """
    if inspect.isclass(found) and issubclass(found, BaseEstimator):
        try:
            found = found()
        except TypeError as error:
            raise ExtensionError(
                f"{name} must be a classifier with its settings, for its class has some without a "
                f"default: {error}. Name an instance."
            ) from error
    is_one = isinstance(found, BaseEstimator) and is_classifier(found)
    return found if is_one and hasattr(found, "predict_proba") else None


def _weights(estimator: Any, weight: FloatArray) -> dict[str, NDArray[np.float64]]:
    """The weights of rows, as the classifier or the last step of a pipeline takes them."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return (
            {f"{name}__sample_weight": weight} if has_fit_parameter(last, "sample_weight") else {}
        )
    return {"sample_weight": weight} if has_fit_parameter(estimator, "sample_weight") else {}
