import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import DataConversionWarning

from training.errors import TrainingError
from training.panel.contract import (
    NEEDED,
    churn_labels,
    learnable,
    outcome_column,
    row_values,
    row_weights,
    usable,
)

X = pd.DataFrame(1.0, ["a", "b"], [*NEEDED, "orders"])


def test_a_feature_table_can_be_learnt_from_as_it_is():
    assert learnable(X) is X


@pytest.mark.parametrize("column", NEEDED)
def test_every_column_that_models_need_is_asked_for(column):
    with pytest.raises(TrainingError, match=rf"X must have the columns \['{column}'\]; they are"):
        learnable(X.drop(columns=column))


def test_what_is_unknown_of_some_is_nan_but_not_what_is_known_of_every_buyer():
    assert learnable(X.assign(orders=np.nan, order_amount_std=np.nan)) is not None
    with pytest.raises(TrainingError, match=r"X must be finite in \['frequency', 'spend'\]"):
        learnable(X.assign(spend=[1.0, np.inf], frequency=[np.nan, 1.0]))


def test_numbers_of_any_kind_are_numbers():
    assert learnable(X.assign(vip=[True, False], small=np.array([1, 2], np.int8))) is not None


def test_a_forecast_asks_for_the_columns_of_its_model_only():
    more = X.assign(name=["Ann", "Bea"])

    assert usable(more, ["orders"]) is more
    with pytest.raises(TrainingError, match=r"numbers only; \['name'\]"):
        usable(more, ["orders", "name"])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (np.ones((3, 2)), "got numpy.ndarray of n_samples = 3 and n_features = 2. Its"),
        ({"orders": [1.0]}, "got builtins.dict. Its columns go by name"),
        (pd.Series([1.0]), "got pandas.Series of n_samples = 1. Its"),
    ],
)
def test_what_is_no_frame_is_told_what_it_is(other, words):
    with pytest.raises(TrainingError) as caught:
        learnable(other)
    assert words in str(caught.value)


def test_what_no_estimator_takes_is_told_in_the_words_of_scikit_learn():
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        outcome_column(csr_array(np.ones((2, 2))), [0, 1], None)
    with pytest.raises(ValueError, match="Expected 2D array"):
        outcome_column([1.0, 2.0], [0, 1], None)
    with pytest.raises(ValueError, match="y should be a 1d array"):
        outcome_column(X, None, None)


def test_outcomes_in_a_column_of_a_frame_are_one_column():
    with pytest.warns(DataConversionWarning):
        column = outcome_column(X, pd.DataFrame({"churned": [0, 1]}), None)

    assert column.tolist() == [0, 1]


def test_labels_are_numbers_of_who_churned():
    assert churn_labels(np.array([True, False]), None).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        churn_labels(np.array([0.2, 0.7]), None)


def test_rows_count_once_unless_it_is_said():
    assert row_weights(None, 2).tolist() == [1.0, 1.0]
    assert row_weights([0, 2], 2).tolist() == [0.0, 2.0]
    with pytest.raises(TrainingError, match="0 or more and not zero everywhere; got -1 to 2"):
        row_weights([-1, 2], 2)


def test_of_no_rows_there_are_no_values():
    with pytest.raises(TrainingError, match="at least one; got shape"):
        row_values("spend", [], 0)
