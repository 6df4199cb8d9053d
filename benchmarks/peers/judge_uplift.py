"""Judge scores by scikit-uplift's own metrics: Qini and uplift among the top 30%."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import pandas as pd
from sklift.metrics import qini_auc_score, uplift_at_k


def main() -> None:
    """Read the splits and one file of scores, write `qini` and `uplift_at_30` of each split."""
    parser = argparse.ArgumentParser()
    for name in ("data", "scores", "output"):
        parser.add_argument(name)
    given = parser.parse_args()
    table, scores = pd.read_parquet(given.data), pd.read_parquet(given.scores)
    found: dict[str, list[float]] = {"qini": [], "uplift_at_30": []}
    with warnings.catch_warnings():
        # It calls a deprecated function of scikit-learn for every sum.
        warnings.simplefilter("ignore", FutureWarning)
        for split in scores.columns:
            rows = ~table[split].to_numpy()
            outcome, treated = table.loc[rows, "outcome"], table.loc[rows, "treated"]
            score = scores.loc[rows, split]
            found["qini"].append(float(qini_auc_score(outcome, score, treated)))
            at = uplift_at_k(outcome, score, treated, strategy="overall", k=0.3)
            found["uplift_at_30"].append(float(at))
    Path(given.output).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
