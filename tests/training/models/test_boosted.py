import numpy as np
import pytest

from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting

ROWS = 800


def table() -> np.ndarray:
    """Recency, orders, and a gap that is unknown of those with one order."""
    random = np.random.default_rng(0)
    recency, orders = random.exponential(1, ROWS), random.poisson(3, ROWS)
    gap = np.where(orders > 1, random.exponential(1, ROWS), np.nan)
    return np.column_stack([recency, orders, gap])


X = table()
CHURNED = (X[:, 0] > 1).astype("float64")
SPENT = 10.0 * X[:, 0]


def grown(**settings) -> BoostedTrees:
    return BoostedTrees.grow(X, CHURNED, Boosting(**settings))


def test_the_same_rows_give_the_same_trees():
    one, other = (
        BoostedTrees.grow(X, CHURNED, Boosting(), offset=np.zeros(ROWS)).text() for _ in range(2)
    )

    assert one == other


def test_another_seed_gives_other_trees():
    assert grown(seed=0).text() != grown(seed=1).text()


def test_trees_learn_what_the_offset_leaves_open():
    known = np.where(CHURNED == 1, 4.0, -4.0)

    free = BoostedTrees.grow(X, CHURNED, Boosting(), offset=np.zeros(ROWS)).raw(X)
    told = BoostedTrees.grow(X, CHURNED, Boosting(), offset=known).raw(X)

    assert np.abs(told).mean() < 0.3 * np.abs(free).mean()
    assert free[CHURNED == 1].mean() > 3
    assert free[CHURNED == 0].mean() < -3


def test_rows_of_no_weight_teach_nothing():
    weight = (np.arange(ROWS) % 2).astype("float64")
    odd = np.where(weight == 1, CHURNED, 1 - CHURNED)

    one, other = (BoostedTrees.grow(X, y, Boosting(rounds=20), weight) for y in (CHURNED, odd))

    assert np.array_equal(one.raw(X), other.raw(X))


def test_contributions_add_up_to_what_the_trees_say_but_for_a_constant():
    trees = BoostedTrees.grow(X, CHURNED, Boosting(), offset=np.zeros(ROWS))

    added = trees.contributions(X)

    assert added.shape == X.shape
    assert np.ptp(trees.raw(X) - added.sum(axis=1)) < 1e-9


def test_nobody_has_no_contributions_and_no_forecast():
    trees, nobody = grown(), X[:0]

    assert trees.contributions(nobody).shape == (0, 3)
    assert trees.raw(nobody).shape == trees.predict(nobody).shape == (0,)


def test_a_binary_target_is_told_as_a_probability_and_another_as_a_mean():
    mean = BoostedTrees.grow(X, SPENT, Boosting(objective="regression"))

    trees = grown()
    assert trees.predict(X) == pytest.approx(1 / (1 + np.exp(-trees.raw(X))))
    assert mean.predict(X) == pytest.approx(mean.raw(X))
    assert mean.predict(X).mean() == pytest.approx(SPENT.mean(), rel=0.01)


def test_of_several_classes_each_has_its_probability():
    kind = np.digitize(X[:, 0], [0.5, 1.5]).astype("float64")

    chance = BoostedTrees.grow(X, kind, Boosting(objective="multiclass", classes=3)).predict(X)

    assert chance.shape == (ROWS, 3)
    assert chance.sum(axis=1) == pytest.approx(1.0)
    assert (chance.argmax(axis=1) == kind).mean() > 0.9


def test_the_first_rounds_are_those_of_fewer_rounds():
    fewer, more = grown(rounds=10), grown(rounds=30)

    assert more.predict(X, 10) == pytest.approx(fewer.predict(X), abs=1e-15)
    assert BoostedTrees.from_text(more.text(10)).predict(X) == pytest.approx(fewer.predict(X))


@pytest.mark.parametrize(
    ("y", "rounds", "constant"),
    [(np.ones(ROWS), 400, 1.0), (CHURNED, 0, CHURNED.mean()), (SPENT[:1], 400, SPENT[0])],
)
def test_where_there_is_nothing_to_learn_it_is_the_mean(y, rounds, constant):
    trees = BoostedTrees.grow(X[: len(y)], y, Boosting(rounds=rounds))

    assert trees.booster is None
    assert trees.predict(X).tolist() == [constant] * ROWS
    assert not trees.raw(X).any()
    assert not trees.contributions(X).any()


def test_of_no_rows_it_is_nothing():
    assert BoostedTrees.grow(X[:0], CHURNED[:0], Boosting()) == BoostedTrees(None, 0.0)


def test_where_nothing_varies_everybody_is_alike():
    same = np.ones((50, 1))

    trees = BoostedTrees.grow(same, np.repeat([0.0, 1.0], 25), Boosting(), offset=np.zeros(50))

    assert np.ptp(trees.raw(same)) == 0.0


@pytest.mark.parametrize("settings", [{}, {"rounds": 0}])
def test_trees_and_a_constant_read_from_their_text_say_the_same(settings):
    trees = grown(**settings)

    loaded = BoostedTrees.from_text(trees.text())

    assert loaded.raw(X) == pytest.approx(trees.raw(X), abs=1e-12)
    assert loaded.predict(X) == pytest.approx(trees.predict(X), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trees must be LightGBM's text"),
        ("no trees", "trees must be LightGBM's text"),
        ("constant much", "could not convert"),
    ],
)
def test_what_is_no_text_of_a_model_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        BoostedTrees.from_text(text)
