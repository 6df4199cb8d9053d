"""scikit-learn's contract on feature tables: what can be learnt from, and what forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from training.errors import TrainingError
from training.evaluation import FloatArray

# Known of everybody who ever bought.
ALWAYS_KNOWN = (
    "frequency", "recency", "T", "purchase_days", "spend", "refund_amount", "aov", "horizon_days",
    "recency_over_horizon", "age_over_horizon",
)  # fmt: skip
NEEDED = (*ALWAYS_KNOWN, "order_amount_std")


class TableEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A model of feature tables, whose columns go by name.

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that a forecast needs.
    """

    columns_: list[str]

    def __sklearn_tags__(self) -> Any:
        """NaN is what is unknown."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """The columns it learnt from, shape (features,)."""
        return np.array(self.columns_, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many columns it learnt from."""
        return len(self.columns_)

    def _known(self, X: pd.DataFrame) -> pd.DataFrame:
        """The table itself, if there is what a forecast needs."""
        check_is_fitted(self, "fitted_")
        return usable(X, self.columns_)


def learnable(X: pd.DataFrame) -> pd.DataFrame:
    """The table itself, if models can learn from every column of it.

    Raises
    ------
    TrainingError
        If it is no pandas frame, lacks a column that models need, or has one that is no number.
    """
    _refuse_other_than_frames(X)
    return usable(X, [*dict.fromkeys([*X.columns, *NEEDED])])


def usable(X: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table itself, if it has the columns, all numbers, and known where they always are.

    Raises
    ------
    TrainingError
        If not; the columns are named.
    """
    _refuse_other_than_frames(X)
    types = dict(zip(X.columns.tolist(), X.dtypes.to_numpy(), strict=True))
    missing = [column for column in columns if column not in types]
    if missing:
        raise TrainingError(
            f"X must have the columns {missing}; they are missing. Compute it with feature_table "
            "of the same version, feedback kinds and customer columns."
        )
    other = {dtype for dtype in set(types.values()) if not is_numeric_dtype(dtype)}
    text = [str(column) for column in columns if types[column] in other]
    if text:
        raise TrainingError(
            f"X must hold numbers only; {text} are of another type. Leave them out, or declare "
            "them as columns of the customers table, which feature_table codes."
        )
    always = [column for column in ALWAYS_KNOWN if column in types]
    finite = np.isfinite(X[always].to_numpy(dtype=np.float64)).all(axis=0)
    unknown = [column for column, known in zip(always, finite, strict=True) if not known]
    if unknown:
        raise TrainingError(
            f"X must be finite in {unknown}; got NaN or infinity. They are known of everybody who "
            "ever bought: compute them with feature_table."
        )
    return X


def row_values(name: str, values: ArrayLike, rows: int) -> FloatArray:
    """A finite number for each row, shape (rows,).

    Raises
    ------
    TrainingError
        If there are no rows, their number differs, or a value is no finite number.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (rows,) or not rows:
        raise TrainingError(
            f"{name} must have one value for each row of X, at least one; got shape "
            f"{array.shape} for {rows} rows."
        )
    if not np.isfinite(array).all():
        raise TrainingError(f"{name} must be finite; got {array[~np.isfinite(array)][0]}.")
    return array


def row_weights(weight: ArrayLike | None, rows: int) -> FloatArray:
    """How often each row counts, once by default; shape (rows,).

    Raises
    ------
    TrainingError
        If a weight is below 0, or all are zero.
    """
    found = np.ones(rows) if weight is None else row_values("sample_weight", weight, rows)
    if (found < 0).any() or not found.any():
        raise TrainingError(
            f"sample_weight must be 0 or more and not zero everywhere; got {found.min():g} to "
            f"{found.max():g}. Leave it out where every row counts once."
        )
    return found


def outcome_column(X: Any, y: Any, weight: ArrayLike | None) -> NDArray[Any]:
    """`y` as one column; what no estimator takes is refused in scikit-learn's own words."""
    if not isinstance(X, pd.DataFrame):
        check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
    column: NDArray[Any] = column_or_1d(y, warn=True)
    assert_all_finite(column, input_name="y")
    check_consistent_length(X, column)
    row_weights(weight, len(column))
    return column


def churn_labels(y: NDArray[Any], weight: ArrayLike | None) -> FloatArray:
    """1.0 where the customer churned, shape (rows,).

    Raises
    ------
    TrainingError
        If a label is neither 0 nor 1, or only one of them counts.
    """
    check_classification_targets(y)
    known = np.unique(y)
    if known.dtype.kind not in "biuf" or not np.isin(known, (0, 1)).all():
        raise TrainingError(
            f"y must be 0 or 1, and 1 where the customer churned; got {known[:3].tolist()}. Pass a "
            "comparison such as y == 'churned'. Only binary classification is supported."
        )
    seen = np.unique(y[row_weights(weight, len(y)) > 0])
    if len(seen) < 2:
        raise TrainingError(
            f"y must hold both classes, 0 and 1; got one class, {seen.tolist()}. Take rows of "
            "both; `train` forecasts a shop without them by MBG/NBD alone."
        )
    return y.astype(np.float64)


def _refuse_other_than_frames(X: Any) -> None:
    if not isinstance(X, pd.DataFrame):
        package = type(X).__module__.partition(".")[0]
        shape = getattr(X, "shape", ())
        counts = zip(("n_samples", "n_features"), shape, strict=False)
        of = " and ".join(f"{name} = {count}" for name, count in counts)
        raise TrainingError(
            f"X must be a pandas frame from feature_table; got {package}.{type(X).__name__}"
            f"{of and f' of {of}'}. Its columns go by name."
        )
