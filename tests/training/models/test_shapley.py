import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.models.shapley import shapley

LAWS = settings(deadline=None, max_examples=50)
numbers = st.floats(-3, 3).map(lambda number: round(number, 2))
rows = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6)
CENTRE = {"a": 0.5, "b": -1.0, "c": 2.0}


def twisted(x: pd.DataFrame) -> np.ndarray:
    return (np.sin(x["a"]) * x["b"] + np.exp(x["c"] * x["a"]) - x["b"] ** 2).to_numpy()


@LAWS
@given(rows)
def test_what_the_columns_add_comes_to_the_whole(values):
    X = pd.DataFrame(values, columns=list(CENTRE))

    added = shapley(twisted, X, CENTRE).sum(axis=1)

    whole = twisted(X) - twisted(pd.DataFrame([CENTRE]))[0]
    assert added.to_numpy() == pytest.approx(whole, abs=1e-9)


@LAWS
@given(rows)
def test_columns_that_do_the_same_add_the_same(values):
    X = pd.DataFrame(values, columns=list(CENTRE)).assign(b=lambda x: x["a"])

    added = shapley(
        lambda x: (x["a"] * x["b"] * x["c"]).to_numpy(), X, {"a": 1.0, "b": 1.0, "c": 2.0}
    )

    assert added["a"].to_numpy() == pytest.approx(added["b"].to_numpy(), abs=1e-12)


@LAWS
@given(rows)
def test_a_column_without_effect_adds_nothing(values):
    X = pd.DataFrame(values, columns=list(CENTRE))

    added = shapley(lambda x: (x["a"] * x["b"]).to_numpy(), X, CENTRE)

    assert (added["c"] == 0).all()


@LAWS
@given(rows)
def test_the_order_of_columns_changes_nothing(values):
    X = pd.DataFrame(values, columns=list(CENTRE))
    backwards = dict(reversed(CENTRE.items()))

    one, other = shapley(twisted, X, CENTRE), shapley(twisted, X, backwards)

    pd.testing.assert_frame_equal(one, other[list(one)], atol=1e-12)


def test_three_that_only_count_together_share_by_hand():
    """1 only if all three are told: each is the last in a third of the orders."""
    X = pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0]}, index=["someone"])

    added = shapley(lambda x: (x["a"] * x["b"] * x["c"]).to_numpy(), X, dict.fromkeys("abc", 0.0))

    assert added.loc["someone"].tolist() == pytest.approx([1 / 3] * 3)


def test_a_sum_is_parted_into_its_terms():
    X = pd.DataFrame({"a": [2.0, 5.0], "b": [1.0, 7.0]})

    added = shapley(lambda x: (3 * x["a"] - x["b"]).to_numpy(), X, {"a": 1.0, "b": 2.0})

    assert added["a"].tolist() == [3.0, 12.0]
    assert added["b"].tolist() == [1.0, -5.0]
