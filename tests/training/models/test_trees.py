from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from training.btyd.population import PopulationModel
from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting
from training.models.trees import ChurnTrees
from training.panel.snapshot import Snapshot, TrainingSet

MBG_NBD = PopulationModel({"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}, 20.0, 1.0)


def snapshot(year: float, odds: float, customers: int = 1500) -> Snapshot:
    """Churn follows `silence`; `year` is the same for everybody; the season multiplies the odds."""
    random = np.random.default_rng(int(year))
    silence = random.uniform(0, 1, customers)
    either = odds * np.exp(6 * silence - 3)
    churned = (random.uniform(0, 1, customers) < either / (1 + either)).astype(float)
    X = pd.DataFrame({"silence": silence, "year": year, "same": 1.0})
    return Snapshot(365.0 * year, X, churned, 1 - churned, MBG_NBD)


@pytest.fixture(scope="module")
def training_set() -> TrainingSet:
    return TrainingSet((snapshot(1, 1.0), snapshot(2, 1.0)), 90.0)


@pytest.fixture(scope="module")
def trees(training_set) -> ChurnTrees:
    return ChurnTrees.grow(training_set, Boosting())


def test_they_learn_who_is_at_more_risk(trees):
    risky, safe = (pd.DataFrame({"silence": [s], "year": 1.0, "same": 1.0}) for s in (0.9, 0.1))

    assert trees.raw(risky)[0] > 1
    assert trees.raw(safe)[0] < -1


def test_the_season_of_a_snapshot_is_not_learnt(training_set):
    """Five times the odds in one of them: 1.6 logits, of which trees would learn the most."""
    seasons = TrainingSet((training_set.snapshots[0], snapshot(2, 5.0)), 90.0)
    X = training_set.snapshots[0].X
    levelled = ChurnTrees.grow(seasons, Boosting())
    unlevelled = BoostedTrees.grow(seasons.frame.to_numpy(), seasons.churned, Boosting())

    def apart(raw):
        return float((raw(X.assign(year=2)) - raw(X)).mean())

    assert abs(apart(levelled.raw)) < 0.6
    assert apart(lambda x: unlevelled.raw(x.to_numpy())) > 1.0


def test_a_season_leaves_the_ranking(training_set, trees):
    first = training_set.snapshots[0]
    seasonal = ChurnTrees.grow(TrainingSet((first, snapshot(2, 5.0)), 90.0), Boosting())
    X = first.X

    assert spearmanr(seasonal.raw(X), trees.raw(X)).statistic > 0.95


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_of_one_outcome_only_there_are_none(training_set, outcome):
    same = tuple(replace(s, churned=np.full(len(s), outcome)) for s in training_set.snapshots)

    assert ChurnTrees.grow(TrainingSet(same, 90.0), Boosting()) is None


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_snapshot_of_one_outcome_among_others_does_no_harm(training_set, outcome):
    first, second = training_set.snapshots
    second = replace(second, churned=np.full(len(second), outcome))

    trees = ChurnTrees.grow(TrainingSet((first, second), 90.0), Boosting())

    assert np.isfinite(trees.raw(first.X)).all()
    assert spearmanr(trees.raw(first.X), first.X["silence"]).statistic > 0.9


def test_events_are_the_rarer_outcome_in_a_snapshot_on_average(training_set):
    first, second = training_set.snapshots
    churned = [np.arange(len(first)) < 30, np.arange(len(second)) < 10]
    rare = tuple(
        replace(s, churned=c.astype(float)) for s, c in zip((first, second), churned, strict=True)
    )
    common = tuple(replace(s, churned=1 - s.churned) for s in rare)

    assert ChurnTrees.grow(TrainingSet(rare, 90.0), Boosting()).events == 20.0
    assert ChurnTrees.grow(TrainingSet(common, 90.0), Boosting()).events == 20.0


def test_columns_that_never_vary_are_dropped(trees):
    assert trees.columns == ["silence", "year"]
    assert trees.window_days == 90.0


def test_the_same_training_set_and_seed_grow_the_same_trees(training_set, trees):
    again, other = (
        ChurnTrees.grow(training_set, Boosting(seed=seed)).trees.text() for seed in (0, 1)
    )

    assert again == trees.trees.text()
    assert other != again


def test_any_column_name_will_do(training_set, trees):
    odd = {"silence": 'profile_"loyalty" [tier], {a}: ä', "year": "two words"}
    renamed = tuple(replace(s, X=s.X.rename(columns=odd)) for s in training_set.snapshots)

    found = ChurnTrees.grow(TrainingSet(renamed, 90.0), Boosting())

    assert found.columns == list(odd.values())
    assert found.trees.text() == trees.trees.text()


def test_contributions_add_up_to_what_they_say_but_for_a_constant(training_set, trees):
    X = training_set.snapshots[0].X

    added = trees.contributions(X)

    constant = trees.raw(X) - added.sum(axis=1)
    assert list(added) == trees.columns
    assert np.ptp(constant) < 1e-9


def test_saved_trees_say_the_same_and_windows_have_their_own_file(training_set, trees, tmp_path):
    longer = replace(trees, window_days=182.5)
    content, of_longer = trees.save(tmp_path), longer.save(tmp_path)

    loaded = ChurnTrees.load(tmp_path, content)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["trees_182.5d.txt", "trees_90d.txt"]
    assert ChurnTrees.load(tmp_path, of_longer).window_days == 182.5
    assert (loaded.columns, loaded.events) == (trees.columns, trees.events)
    X = training_set.snapshots[0].X
    assert loaded.raw(X) == pytest.approx(trees.raw(X), abs=1e-12)
