"""Fill the cache with the peers' forecasts and print how good they are, one line per cell and peer.

Run as `python -m benchmarks.peers --data DIR`; docs/benchmarks.md says what DIR holds. Cheap
libraries come first, so that an interrupted run leaves whole columns. Every process has one thread.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.cells import CELLS, Cell, truth
from benchmarks.peers.roster import PEERS
from benchmarks.peers.run import LIMIT_SECONDS, Run, runs
from training.evaluation import churn_metrics, value_metrics

SHOWN = ("auc", "log_loss", "normalised_gini", "tweedie_deviance", "total_bias")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print a Markdown table."""
    given = _parse(arguments)
    data, cache = Path(given.data), Path(given.cache)
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    columns = ("cell", "peer", *SHOWN, "seconds", "MiB")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
    for peer in PEERS:
        if given.peers in peer.name:
            for cell in CELLS:
                if given.cells in cell.name:
                    (run,) = runs(cell, data, cache, [peer], given.limit)
                    print(_line(run, judged(run, truth(cell, data))), flush=True)


def judged(run: Run, happened: pd.DataFrame) -> dict[str, float]:
    """The metrics of a run; those of a column that the peer does not give are absent."""
    metrics: dict[str, float] = {}
    risk, spend = run.forecast["churn_risk"], run.forecast["spend"]
    if run.has_forecast and risk.notna().any():
        base_rate = float(happened["churned"].mean())
        metrics |= churn_metrics(happened["churned"], risk, base_rate)
    if run.has_forecast and spend.notna().any():
        metrics |= value_metrics(happened["spend"], spend)
    return metrics


def _line(run: Run, metrics: dict[str, float]) -> str:
    values = [f"{metrics[name]:.4f}" if name in metrics else "-" for name in SHOWN]
    effort = [str(run.report.get(name, "-")) for name in ("seconds", "peak_mib")]
    line = "| " + " | ".join([_label(run.cell), run.peer.name, *values, *effort]) + " |"
    if run.has_forecast:
        return line
    reason = str(run.report["failed"]).splitlines()[-1]
    return f"{line} {reason}"


def _label(cell: Cell) -> str:
    return f"{cell.row} {cell.as_of}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    parser.add_argument("--cache", default=".bench")
    parser.add_argument("--cells", default="", help="cells with this in their name, as orii-90")
    parser.add_argument("--peers", default="", help="peers with this in their name, as lifetimes")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds for one run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
