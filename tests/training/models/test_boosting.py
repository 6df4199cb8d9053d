import numpy as np
import pandas as pd

from training.models.boosting import Boosting, usable_columns


def test_columns_that_never_vary_are_not_used():
    table = pd.DataFrame(
        {"same": 1.0, "varies": [1.0, 2.0], "unknown": np.nan, "sometimes": [np.nan, 1.0]}
    )

    assert usable_columns(table) == ["varies", "sometimes"]


def test_where_nothing_varies_one_column_is_used():
    same = pd.DataFrame({"same": np.ones(50), "unknown": np.full(50, np.nan)})

    assert usable_columns(same) == ["same"]


def test_leaves_grow_with_the_data():
    leaves = [Boosting().parameters(rows)["min_data_in_leaf"] for rows in (100, 10**4, 10**6)]

    assert leaves == [20, 50, 100]


def test_where_the_target_is_scarce_a_leaf_holds_a_twentieth_and_nothing_is_drawn():
    found = [Boosting(scarce=True).parameters(rows) for rows in (100, 10**4)]

    assert [parameters["min_data_in_leaf"] for parameters in found] == [20, 500]
    for parameters in found:
        assert (parameters["bagging_fraction"], parameters["feature_fraction"]) == (1.0, 1.0)


def test_one_thread_and_no_chance_give_the_same_trees_on_any_machine():
    parameters = Boosting(seed=7).parameters(1000)

    assert (parameters["num_threads"], parameters["deterministic"]) == (1, True)
    assert parameters["seed"] == 7
