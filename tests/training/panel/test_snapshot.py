import numpy as np
import pandas as pd
import pytest

from training.btyd.population import PopulationModel
from training.errors import TrainingError
from training.panel.snapshot import TrainingSet, latest

X = pd.DataFrame(
    {
        "horizon_days": 90.0,
        "frequency": [0.0, 1.0, 2.0, 0.0],
        "recency": [0.0, 20.0, 50.0, 0.0],
        "T": [10.0, 40.0, 60.0, 70.0],
        "purchase_days": [1.0, 2.0, 3.0, 1.0],
        "spend": [10.0, 50.0, 30.0, 5.0],
        "refund_amount": 0.0,
        "aov": [10.0, 25.0, 10.0, 5.0],
        "order_amount_std": [np.nan, 2.0, 1.0, np.nan],
        "recency_over_horizon": [0.1, 0.2, 0.1, 0.8],
        "age_over_horizon": [0.1, 0.4, 0.7, 0.8],
    },
    index=["a", "b", "a", "c"],
)


def test_rows_are_parted_by_their_instants_oldest_first():
    training_set = TrainingSet.of(X, [0, 1, 0, 1], [7.0, 0.0, 3.0, 0.0], [60.0, 60.0, 30.0, 30.0])

    early, late = training_set.snapshots
    assert (early.as_of, late.as_of) == (30.0, 60.0)
    assert early.X.index.tolist() == ["a", "c"]
    assert (early.churned.tolist(), early.spend.tolist()) == ([0.0, 1.0], [3.0, 0.0])
    assert late.X.equals(X.iloc[:2])
    assert late.churned.tolist() == [0.0, 1.0]
    assert len(late) == 2
    assert training_set.window_days == 90.0


def test_every_snapshot_has_the_mbg_nbd_of_its_own_customers():
    training_set = TrainingSet.of(X, [0, 1, 0, 1], days=[60.0, 60.0, 30.0, 30.0])

    early, late = (snapshot.btyd for snapshot in training_set.snapshots)

    assert (early, late) == (PopulationModel.of(X.iloc[2:]), PopulationModel.of(X.iloc[:2]))
    assert early.parameters != late.parameters


def test_without_instants_all_rows_are_one_snapshot_and_without_spend_nobody_spent():
    training_set = TrainingSet.of(X, pd.Series([True, False, True, True]))

    assert len(training_set.snapshots) == 1
    assert training_set.frame.equals(X)
    assert training_set.churned.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert training_set.spend.tolist() == [0.0] * 4


def test_the_rows_of_all_snapshots_stand_in_one_order():
    training_set = TrainingSet.of(X, [0, 1, 0, 1], [7.0, 0.0, 3.0, 0.0], [60.0, 60.0, 30.0, 30.0])

    assert training_set.frame["T"].tolist() == [60.0, 70.0, 10.0, 40.0]
    assert training_set.churned.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert training_set.spend.tolist() == [3.0, 0.0, 7.0, 0.0]


def test_the_latest_snapshot_is_where_to_start():
    training_set = TrainingSet.of(X, [0, 1, 0, 1], days=[60.0, 60.0, 30.0, 30.0])

    origin = latest(training_set.snapshots)

    assert origin.as_of == 60.0
    assert origin.X.equals(X.iloc[:2])
    assert origin.btyd == training_set.snapshots[1].btyd


@pytest.mark.parametrize(
    ("churned", "spend", "days", "message"),
    [
        ([1.0], None, None, r"churned must have one value for each row of X.*got shape \(1,\) for"),
        ([[1.0, 0, 1, 0]], None, None, r"churned must have one value .*got shape \(1, 4\)"),
        ([1, 0, 1, 0], [1.0], None, "spend must have one value"),
        ([1, 0, 1, 0], None, [0.0], "days must have one value"),
        ([1.0, np.nan, 0.0, 1.0], None, None, "churned must be finite; got nan"),
        ([1, 0, 1, 0], [np.inf, 0, 0, 0], None, "spend must be finite; got inf"),
        ([1, 0, 2, 0], None, None, r"churned must be 0 or 1; got 2\.0"),
    ],
)
def test_rows_that_do_not_fit_together_are_refused(churned, spend, days, message):
    with pytest.raises(TrainingError, match=message):
        TrainingSet.of(X, churned, spend, days)


def test_no_rows_and_no_frame_are_refused():
    with pytest.raises(TrainingError, match="at least one"):
        TrainingSet.of(X.iloc[:0], [])
    with pytest.raises(TrainingError, match=r"from feature_table; got numpy\.ndarray"):
        TrainingSet.of(X.to_numpy(), [1, 0, 1, 0])
