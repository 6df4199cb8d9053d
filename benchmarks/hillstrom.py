"""Uplift on Hillstrom's e-mail test: ours beside scikit-uplift, causalml and a one-line rule.

Run as `python -m benchmarks.hillstrom --data DIR`. Women's e-mail against none, outcome visit;
twenty halvings stratified by arm and outcome, judged by scikit-uplift's own metrics. Every learner
sees the same halves, so differences are paired by split.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.model_selection import train_test_split

import training.uplift
from benchmarks.peers.environments import python_of
from benchmarks.peers.roster import HERE, requirements
from training.evaluation import qini, uplift_at
from training.uplift import UpliftModel

ROOT = Path(__file__).parents[1]
FEATURES = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]
SPLITS = 20
OURS, RULE = "Holdfast", "rank by the `womens` flag"
JUDGE = "scikit_uplift"
METRICS = ("qini", "uplift_at_30")


@dataclass(frozen=True)
class Peer:
    """A learner of another library, with LightGBM as it comes or small and regularised."""

    library: str
    model: str
    trees: str

    @property
    def name(self) -> str:
        """As it stands in the table."""
        title = "class transformation" if self.model == "class" else f"{self.model.upper()}-learner"
        return f"{self.library.replace('_', '-')} {title}, {self.trees} LightGBM"

    @property
    def file_name(self) -> str:
        """Fit for a file."""
        return f"{self.library}-{self.model}-{self.trees}"


PEERS = tuple(
    Peer(library, model, trees)
    for library, models in (("scikit_uplift", ("s", "t", "class")), ("causalml", ("s", "t", "x")))
    for model in models
    for trees in ("default", "small")
)


def main() -> None:
    """Print a Markdown table: means over splits, and how far ours is ahead of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    parser.add_argument("--cache", default=".bench")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument(
        "--alone", action="store_true", help="ours and the rule, judged here: no other environment"
    )
    given = parser.parse_args()
    data, cache = Path(given.data) / "hillstrom", Path(given.cache).resolve()
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    folder = cache / "hillstrom"
    folder.mkdir(parents=True, exist_ok=True)
    table = with_splits(visits(data / "offers.parquet"), given.splits)
    if given.alone:
        print_table(
            {OURS: judged_here(table, our_scores(table)), RULE: judged_here(table, by_rule(table))}
        )
        return
    table.to_parquet(folder / "splits.parquet")
    print_table({name: judged(scores, cache) for name, scores in all_scores(table, cache)})


def visits(file: Path) -> pd.DataFrame:
    """Features, `treated` (women's e-mail) and `outcome` (visit) of the two arms compared."""
    rows = pd.read_parquet(file)
    rows = rows[rows["segment"].isin(["Womens E-Mail", "No E-Mail"])].reset_index(drop=True)
    treated = (rows["segment"] == "Womens E-Mail").astype(int)
    return rows[FEATURES].assign(treated=treated, outcome=rows["visit"].astype(int))


def with_splits(table: pd.DataFrame, splits: int = SPLITS) -> pd.DataFrame:
    """Add a column per split, true for the half to learn from."""
    strata = 2 * table["treated"] + table["outcome"]
    columns = {}
    for seed in range(splits):
        learn, _ = train_test_split(
            np.arange(len(table)), test_size=0.5, stratify=strata, random_state=seed
        )
        columns[f"split_{seed}"] = np.isin(np.arange(len(table)), learn)
    return table.assign(**columns)


def all_scores(table: pd.DataFrame, cache: Path) -> Iterator[tuple[str, Path]]:
    """Name and file of scores of ours, the rule and every peer; what is cached is not redone."""
    folder = cache / "hillstrom"
    data = folder / "splits.parquet"
    ours = folder / f"ours-{_fingerprint(data, *_own_sources())}.parquet"
    if not ours.is_file():
        our_scores(table).to_parquet(ours)
    yield OURS, ours
    rule = folder / "rule.parquet"
    by_rule(table).to_parquet(rule)
    yield RULE, rule
    for peer in PEERS:
        script = HERE / f"with_{peer.library}.py"
        sources = (script, HERE / "uplift_job.py", requirements(peer.library))
        scores = folder / f"{peer.file_name}-{_fingerprint(data, *sources)}.parquet"
        if not scores.is_file():
            _run(peer.library, script.stem, cache, peer.model, peer.trees, data, scores)
        yield peer.name, scores


def our_scores(table: pd.DataFrame) -> pd.DataFrame:
    """A column per split: predicted uplift of the half not learnt from."""
    scores = {}
    for split in _splits(table):
        own, other = table[table[split]], table[~table[split]]
        offer = np.where(own["treated"] == 1, "email", "none")
        model = UpliftModel().fit(own[FEATURES], own["outcome"], offer)
        print(f"{split}: {model.learner_}, {model.rounds_} rounds", file=sys.stderr, flush=True)
        scores[split] = model.predict(other[FEATURES])["email"].reindex(table.index)
    return pd.DataFrame(scores)


def by_rule(table: pd.DataFrame) -> pd.DataFrame:
    """A column per split: the flag of the half not learnt from."""
    return pd.DataFrame({s: table["womens"].where(~table[s]).astype(float) for s in _splits(table)})


def judged_here(table: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """One row per split: qini, uplift_at_30, by our own metrics."""
    rows = []
    for split in _splits(table):
        other = table[~table[split]]
        arrays = (other["outcome"], scores.loc[other.index, split], other["treated"])
        rows.append((qini(*arrays), uplift_at(*arrays)))
    return pd.DataFrame(rows, columns=list(METRICS))


def judged(scores: Path, cache: Path) -> pd.DataFrame:
    """One row per split: qini, uplift_at_30, by scikit-uplift."""
    data, script = cache / "hillstrom" / "splits.parquet", HERE / "judge_uplift.py"
    found = scores.with_suffix(f".{_fingerprint(scores, script, requirements(JUDGE))}.json")
    if not found.is_file():
        _run(JUDGE, script.stem, cache, data, scores, found)
    return pd.DataFrame(json.loads(found.read_text(encoding="utf-8")))


def print_table(judgements: dict[str, pd.DataFrame]) -> None:
    """Means and paired differences, the best Qini first."""
    ours = judgements[OURS]
    columns = ("", "Qini", "ours ahead by", "uplift at 30%", "ours ahead by")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name in sorted(judgements, key=lambda n: -judgements[n]["qini"].mean()):
        cells = [name]
        for metric in METRICS:
            found = judgements[name][metric]
            ahead = "" if name == OURS else interval(ours[metric] - found)
            cells += [f"{found.mean():.4f}", ahead]
        print("| " + " | ".join(cells) + " |")


def interval(difference: pd.Series) -> str:
    """Mean of paired differences and its 95% interval by Student's t over splits.

    Splits overlap, so a true interval is wider; for "no worse than" this one is the stricter test.
    """
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))
    half = float(stats.t.ppf(0.975, len(difference) - 1)) * error
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


def _splits(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith("split_")]


def _own_sources() -> list[Path]:
    package = Path(training.uplift.__file__).parent
    return [*sorted(package.glob("*.py")), package.parent / "models" / "boosting.py"]


def _run(environment: str, module: str, cache: Path, *arguments: object) -> None:
    python = python_of(environment, cache)
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    variables = os.environ | one_thread | {"PYTHONPATH": str(ROOT)}
    command = [str(part) for part in (python, "-m", f"benchmarks.peers.{module}", *arguments)]
    subprocess.run(command, env=variables, cwd=ROOT, check=True)


def _fingerprint(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
