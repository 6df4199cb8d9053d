import numpy as np
import pandas as pd
import pytest

from benchmarks.uplift_contest import OURS, differences, holm, means
from benchmarks.uplift_peers import PEERS
from benchmarks.worlds import WORLDS, draw


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_the_same_for_the_same_seed_and_its_arms_differ_by_the_effect(name):
    world, again = draw(name, 40_000, 3), draw(name, 40_000, 3)
    pd.testing.assert_frame_equal(world.X, again.X)
    np.testing.assert_array_equal(world.outcome, again.outcome)
    means = [world.outcome[world.treated == arm].mean() for arm in (0, 1)]
    error = 2 * np.sqrt(world.outcome.var() / 20_000)
    assert means[1] - means[0] == pytest.approx(world.effect.mean(), abs=2 * error)


def test_rare_worlds_are_rare_and_nobody_is_nobody():
    assert draw("rare", 20_000, 0).outcome.mean() < 0.03
    assert draw("rare, one feature", 20_000, 0).outcome.mean() < 0.03
    assert (draw("nobody", 1000, 0).effect == 0).all()
    assert (draw("harmful", 1000, 0).effect <= 0).all()


def test_the_true_effects_rank_best_and_earn_most():
    world = draw("spread", 5000, 1)
    assert world.ranked(world.effect) == pytest.approx(1.0)
    assert world.ranked(-world.effect) == pytest.approx(-1.0)
    assert world.ranked(np.ones(5000)) == pytest.approx(0.0)
    assert world.gained(world.effect) >= max(world.gained(np.ones(5000)), 0.0)
    assert world.gained(np.zeros(5000)) == 0.0


@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_finds_a_plain_effect(peer):
    learn, judge = draw("one feature", 6000, 0), draw("one feature", 6000, 1)
    assert judge.ranked(PEERS[peer](learn, judge.X)) > 0.2


def test_losses_are_counted_after_holms_correction():
    assert holm(np.array([0.012, 0.2, 0.016, 0.02]), 0.05).tolist() == [True, False, True, True]
    rows = pd.DataFrame(
        [
            ("w", 10, seed, learner, value + 0.01 * seed * slope, 1.0)
            for learner, value, slope in ((OURS, 0.1, 1), ("S", 0.5, 2), ("T", 0.1, -1))
            for seed in range(3)
        ],
        columns=["world", "customers", "seed", "learner", "qini", "money"],
    )
    found = differences(rows).set_index(["peer", "figure"])
    # Means -.41 and 0.02; the deviation over three seeds is .01 and .02.
    assert found.loc[("S", "qini"), "ours_ahead"] == pytest.approx(-0.41)
    assert found.loc[("S", "qini"), "standard_error"] == pytest.approx(0.01 / np.sqrt(3))
    assert found["survives"].to_dict() == {
        ("S", "qini"): True, ("T", "qini"): False, ("S", "money"): False, ("T", "money"): False,
    }  # fmt: skip
    assert means(rows, "qini")[OURS].tolist() == [pytest.approx(0.11)]
