import numpy as np
import pandas as pd
import pytest

from training.models import boosting
from training.models.boosting import Boosting


def table(rows: int = 800) -> pd.DataFrame:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"recency": random.exponential(1, rows), "orders": random.poisson(3, rows)})
    X["gap"] = np.where(X["orders"] > 1, random.exponential(1, rows), np.nan)
    return X.astype("float64")


X = table()
CHURNED = (X["recency"] > 1).to_numpy().astype("float64")


def test_the_same_rows_give_the_same_trees():
    one, other = (Boosting().fit(X, CHURNED, np.zeros(len(X))) for _ in range(2))

    assert one.model_to_string() == other.model_to_string()


def test_another_seed_gives_other_trees():
    one, other = (Boosting(seed=seed).fit(X, CHURNED) for seed in (0, 1))

    assert one.model_to_string() != other.model_to_string()


def test_trees_learn_what_the_offset_leaves_open():
    known = np.where(CHURNED == 1, 4.0, -4.0)

    free = boosting.raw(Boosting().fit(X, CHURNED, np.zeros(len(X))), X)
    told = boosting.raw(Boosting().fit(X, CHURNED, known), X)

    assert np.abs(told).mean() < 0.3 * np.abs(free).mean()
    assert free[CHURNED == 1].mean() > 3
    assert free[CHURNED == 0].mean() < -3


def test_contributions_add_up_to_what_the_trees_say_but_for_a_constant():
    booster = Boosting().fit(X, CHURNED, np.zeros(len(X)))

    added = boosting.contributions(booster, X)

    constant = boosting.raw(booster, X) - added.sum(axis=1)
    assert list(added) == list(X)
    assert np.ptp(constant) < 1e-9


def test_nobody_has_no_contributions():
    booster = Boosting().fit(X, CHURNED)

    assert boosting.contributions(booster, X.iloc[:0]).shape == (0, 3)


def test_columns_that_never_vary_are_not_used():
    table = pd.DataFrame(
        {"same": 1.0, "varies": [1.0, 2.0], "unknown": np.nan, "sometimes": [np.nan, 1.0]}
    )

    assert boosting.usable_columns(table) == ["varies", "sometimes"]


def test_where_nothing_varies_everybody_is_alike():
    same = pd.DataFrame({"same": np.ones(50), "unknown": np.full(50, np.nan)})

    used = boosting.usable_columns(same)
    booster = Boosting().fit(same[used], np.repeat([0.0, 1.0], 25), np.zeros(50))

    assert np.ptp(boosting.raw(booster, same[used])) == 0.0


def test_any_column_name_will_do():
    odd = X.rename(columns={"recency": 'profile_"loyalty" [tier], {a}: ä', "orders": "two words"})

    booster = Boosting().fit(odd, CHURNED)

    assert booster.model_to_string() == Boosting().fit(X, CHURNED).model_to_string()


def test_saved_trees_say_the_same(tmp_path):
    booster = Boosting().fit(X, CHURNED)
    boosting.save(booster, tmp_path / "trees.txt")

    loaded = boosting.load(tmp_path / "trees.txt")

    assert boosting.raw(loaded, X) == pytest.approx(boosting.raw(booster, X), abs=1e-12)


def test_leaves_grow_with_the_data():
    leaves = [Boosting().parameters(rows)["min_data_in_leaf"] for rows in (100, 10**4, 10**6)]

    assert leaves == [20, 50, 100]
