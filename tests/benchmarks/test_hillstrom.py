import numpy as np
import pandas as pd
import pytest

from benchmarks import hillstrom
from benchmarks.peers.roster import HERE, requirements


def table(rows=400):
    rng = np.random.default_rng(0)
    treated, outcome = rng.integers(0, 2, rows), (rng.random(rows) < 0.15).astype(int)
    return pd.DataFrame({"womens": rng.integers(0, 2, rows), "treated": treated}).assign(
        outcome=outcome
    )


def test_every_split_halves_each_arm_and_outcome():
    found = hillstrom.with_splits(table())
    splits = [name for name in found.columns if name.startswith("split_")]
    assert splits == [f"split_{seed}" for seed in range(20)]
    for split in splits:
        learn = found[found[split]].groupby(["treated", "outcome"]).size()
        judge = found[~found[split]].groupby(["treated", "outcome"]).size()
        assert (learn - judge).abs().max() <= 1
    assert (found["split_0"] != found["split_1"]).any()


def test_peers_have_their_own_names_and_pinned_environments():
    assert len({peer.name for peer in hillstrom.PEERS}) == len(hillstrom.PEERS) == 12
    for library in {peer.library for peer in hillstrom.PEERS}:
        lines = requirements(library).read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert all(line.count("==") == 1 for line in pins)
        assert (HERE / f"with_{library}.py").is_file()


def test_paired_differences_have_students_interval():
    # Mean 2, standard error 1 / sqrt(3), quantile of t with 2 degrees of freedom 4.3027.
    assert hillstrom.interval(pd.Series([1.0, 2.0, 3.0])) == "+2.0000 (-0.4841 to +4.4841)"


def test_the_table_starts_with_the_best(capsys):
    ours = pd.DataFrame({"qini": [0.1, 0.2], "uplift_at_30": [0.1, 0.1]})
    hillstrom.print_table({hillstrom.OURS: ours, "other": ours * 2})
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| other | 0.3000 | -0.1500 (")
    assert lines[3] == "| Holdfast | 0.1500 |  | 0.1000 |  |"


def test_the_two_arms_of_the_real_experiment_are_those_compared(data_dir):
    file = data_dir / "hillstrom" / "offers.parquet"
    if not file.is_file():
        pytest.skip(f"no Hillstrom data at {file}")
    found = hillstrom.visits(file)
    assert list(found.columns) == [*hillstrom.FEATURES, "treated", "outcome"]
    assert len(found) == 42_693
    assert found["treated"].mean() == pytest.approx(0.5, abs=0.01)
