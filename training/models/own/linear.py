"""A linear classifier of scikit-learn as a candidate: its plain-file form is a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import logit

from training.btyd.population import PopulationModel
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models.carry_over import CarryOver
from training.models.learning import ChurnLearning
from training.models.own.classifier import CERTAIN, FittedClassifier

# Of a logit: what the numbers and the classifier may say differently.
ROUNDING = 1e-6


@dataclass(frozen=True)
class LinearForm:
    """A linear classifier with all steps before it, as numbers of the raw columns.

    Attributes
    ----------
    columns : tuple of str
    fill : tuple of float
        What stands for an unknown value of each.
    coefficients : tuple of float
        What one unit of each adds to the logit.
    centre : tuple of float
        Means in training, against which contributions are stated.
    intercept : float
        The logit of a customer at the centre.
    """

    columns: tuple[str, ...]
    fill: tuple[float, ...]
    coefficients: tuple[float, ...]
    centre: tuple[float, ...]
    intercept: float

    @classmethod
    def of(cls, fitted: FittedClassifier, X: pd.DataFrame) -> Self:
        """Ask a fitted classifier for its numbers, one column after the other, and check them.

        Parameters
        ----------
        fitted : FittedClassifier
        X : pandas.DataFrame, shape (rows, features)
            What it learnt from.

        Raises
        ------
        TrainingError
            If what it says is not linear in the columns, or its probabilities are not logistic.
        """
        names, rows = tuple(fitted.columns), X[fitted.columns].to_numpy(dtype=np.float64)
        if fitted.estimator is None:
            nothing = (0.0,) * len(names)
            return cls(names, nothing, nothing, nothing, float(fitted.logit(X[:1])[0]))
        centre = np.nanmean(rows, axis=0)
        step = np.nanstd(rows, axis=0)
        step[step == 0] = 1.0
        (level,) = _score(fitted, centre[None, :])
        slope = (_score(fitted, centre + np.diag(step)) - level) / step
        fill = centre + _of_unknown(fitted, centre, level, slope)
        numbers = _floats(fill), _floats(slope), _floats(centre)
        form = cls(names, *numbers, float(level))
        told = fitted.logit(X)
        if np.abs(form.logit(X) - told).max() > ROUNDING * (1 + np.abs(told).max()):
            raise TrainingError(
                f"{type(fitted.estimator).__name__} must be linear: the logit of its risk a sum "
                "over the columns, and it is not. Take LogisticRegression after an imputer and a "
                "scaler, or write a candidate with a plain-file form of its own."
            )
        return form

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of churn, shape (customers,)."""
        limit = float(logit(1 - CERTAIN))
        total = self.intercept + self.contributions(X).sum(axis=1).to_numpy()
        return np.clip(total, -limit, limit)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each column adds against the centre, shape (customers, columns)."""
        known = _filled(X[list(self.columns)], np.array(self.fill))
        added = (known - np.array(self.centre)) * np.array(self.coefficients)
        return pd.DataFrame(added, X.index, list(self.columns))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        of_columns = zip(self.columns, self.fill, self.coefficients, self.centre, strict=True)
        return {
            "intercept": self.intercept,
            "columns": [
                {"name": name, "fill": fill, "coefficient": coefficient, "centre": centre}
                for name, fill, coefficient, centre in of_columns
            ],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        keys = ("name", "fill", "coefficient", "centre")
        named = {key: tuple(column[key] for column in content["columns"]) for key in keys}
        return cls(
            columns=named["name"],
            fill=named["fill"],
            coefficients=named["coefficient"],
            centre=named["centre"],
            intercept=content["intercept"],
        )


@dataclass(frozen=True)
class LinearChurn:
    """Churn risk by a linear classifier of scikit-learn; subclasses name it as `estimator`.

    It may stand at the end of a pipeline that fills in what is unknown and scales columns.

    Attributes
    ----------
    form : LinearForm
    carry : CarryOver
        To another window than that of the outcomes it learnt from.

    Examples
    --------
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> class Ridge(LinearChurn):
    ...     estimator = make_pipeline(
    ...         SimpleImputer(), StandardScaler(), LogisticRegression(C=0.01)
    ...     )
    """

    estimator: ClassVar[Any] = None
    name: ClassVar[str] = "linear"
    is_rule: ClassVar[bool] = False
    is_preferred: ClassVar[bool] = False
    needs: ClassVar[str | None] = "pool"
    form: LinearForm
    carry: CarryOver

    @classmethod
    def learn(cls, given: ChurnLearning) -> Self:
        """Fit the classifier on the training set of the longest window, and keep its numbers."""
        if cls.estimator is None:
            raise TrainingError(
                f"{cls.__name__} must name its classifier: estimator = LogisticRegression(), say."
            )
        rows = given.training_sets[0]
        carry = CarryOver.of(given.origin, given.horizon_days, [rows.window_days], 1.0)
        fitted = FittedClassifier.learn(cls.estimator, rows, given.seed)
        return cls(LinearForm.of(fitted, rows.frame), carry)

    def logit(self, X: pd.DataFrame) -> FloatArray:
        """Logit of no order within the horizon, shape (customers,)."""
        return self.carry.logit(X) + self.form.logit(X)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each column adds, and MBG/NBD where it carries over; shape (customers, features)."""
        return self.carry.contributions(X).add(self.form.contributions(X), fill_value=0.0)

    def basis(self) -> str:
        """What the risk rests on, in words."""
        count = sum(coefficient != 0 for coefficient in self.form.coefficients)
        learnt = f"{count} coefficients on outcomes over {self.carry.over()} days"
        return f"{learnt}{self.carry.basis()}"

    def save(self, folder: Path) -> dict[str, Any]:
        """JSON-ready content."""
        return {"form": self.form.as_dict(), "carry": self.carry.as_dict()}

    @classmethod
    def load(cls, folder: Path, content: Mapping[str, Any], btyd: PopulationModel) -> Self:
        """Read what `save` gave."""
        carry = CarryOver.from_dict(content["carry"], btyd)
        return cls(LinearForm.from_dict(content["form"]), carry)


def _filled(X: pd.DataFrame, fill: FloatArray) -> FloatArray:
    values = X.to_numpy(dtype=np.float64)
    return np.where(np.isnan(values), fill, values)


def _floats(values: FloatArray) -> tuple[float, ...]:
    return tuple(map(float, values))


def _score(fitted: FittedClassifier, values: FloatArray) -> FloatArray:
    """The logit of churn before it is clipped, of rows of the columns."""
    frame, estimator = pd.DataFrame(values, columns=fitted.columns), fitted.estimator
    if not hasattr(estimator, "decision_function"):
        return fitted.logit(frame)
    sign = 1.0 if estimator.classes_[1] == 1 else -1.0
    return sign * np.asarray(estimator.decision_function(frame), dtype=np.float64)


def _of_unknown(
    fitted: FittedClassifier, centre: FloatArray, level: float, slope: FloatArray
) -> FloatArray:
    """What stands for an unknown value, above the centre; nothing where none can be unknown."""
    unknown = np.where(np.eye(len(centre), dtype=bool), np.nan, centre)
    try:
        moved = _score(fitted, unknown) - level
    except ValueError:  # It was never asked about anything unknown.
        return np.zeros(len(centre))
    return np.divide(moved, slope, out=np.zeros(len(centre)), where=slope != 0)
