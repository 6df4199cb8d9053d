"""How long a history takes to open: `python -m benchmarks.reading [--rows N] [--keep DIR]`.

A CSV of four columns, one of thirty of which four are read, one with every cell in quotes, and a
Parquet file, made up once. Two checkouts are compared by running the command in both, in turn, on
the files of one `--keep`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from features.history.history import History
from features.intake.mapping import Mapping

WIDE = 30
KINDS = ("four.csv", "thirty.csv", "quoted.csv", "four.parquet")


def main() -> None:
    """Print the seconds for each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--keep", help="folder for the files; default: a temporary one")
    parser.add_argument("--only", nargs="+", default=list(KINDS), choices=KINDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(given.keep or place)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, given.rows)
        print("| file | MB | seconds |\n|---|---|---|")
        for name in given.only:
            path = folder / name
            started = time.perf_counter()
            History.open(path, Mapping(currency="EUR"))
            seconds = time.perf_counter() - started
            print(f"| {name} | {path.stat().st_size / 1e6:,.0f} | {seconds:.2f} |", flush=True)


def make(folder: Path, rows: int) -> None:
    """Write the files that are not there yet."""
    if all((folder / name).exists() for name in KINDS):
        return
    rng = np.random.default_rng(0)
    seconds = 1.5e9 + np.sort(rng.integers(0, 10**8, rows))
    four = pl.DataFrame(
        {
            "order_id": np.arange(rows),
            "customer_id": rng.integers(0, rows // 10 + 1, rows),
            "ordered_at": pl.from_epoch(pl.Series(seconds.astype(np.int64))),
            "amount": rng.integers(100, 10**5, rows) / 100,
        }
    )
    four.write_parquet(folder / "four.parquet")
    four.write_csv(folder / "four.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    four.write_csv(folder / "quoted.csv", datetime_format="%Y-%m-%d %H:%M:%S", quote_style="always")
    more = {f"more_{n}": rng.integers(0, 10**6, rows // 4) for n in range(WIDE - 4)}
    wide = four.head(rows // 4).with_columns(**{name: pl.Series(v) for name, v in more.items()})
    wide.write_csv(folder / "thirty.csv", datetime_format="%Y-%m-%d %H:%M:%S")


if __name__ == "__main__":
    main()
