import numpy as np
import pandas as pd
import pytest

from training.errors import TrainingError
from training.rows import Rows

X = pd.DataFrame({"orders": [1.0, 2.0, 3.0]})


def test_the_latest_snapshots_are_those_with_the_latest_instants():
    rows = Rows.of(X, [0, 1, 0], [30.0, 60.0, 0.0])

    assert rows.latest(2).tolist() == [True, True, False]
    assert rows.latest(9).all()


def test_without_instants_all_rows_are_one_snapshot():
    assert Rows.of(X, pd.Series([True, False, True])).latest(1).all()


@pytest.mark.parametrize(
    ("y", "days", "message"),
    [
        ([1.0], None, r"y must have one value for each row of X.*got shape \(1,\) for 3 rows"),
        ([[1.0, 0.0, 0.0]], None, r"y must have one value .*got shape \(1, 3\)"),
        ([1.0, 0.0, 1.0], [0.0], "days must have one value"),
        ([1.0, np.nan, 0.0], None, "y must be finite; got nan"),
    ],
)
def test_rows_that_do_not_fit_together_are_refused(y, days, message):
    with pytest.raises(TrainingError, match=message):
        Rows.of(X, y, days)


def test_no_rows_and_no_frame_are_refused():
    with pytest.raises(TrainingError, match="at least one"):
        Rows.of(X.iloc[:0], [])
    with pytest.raises(TrainingError, match="pandas frame from feature_table; got ndarray"):
        Rows.of(X.to_numpy(), [1, 0, 1])
