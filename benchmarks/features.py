"""How long the feature table takes, beside a hand-written Polars query and idiomatic pandas.

Run as `python -m benchmarks.features`; `--help` lists the sizes. Orders are drawn in memory, and
the three answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

FIRST, AS_OF = datetime(2022, 1, 1), datetime(2025, 1, 1)
HORIZON = 90.0


def draw_orders(orders: int, customers: int, seed: int = 7) -> pl.DataFrame:
    """Orders of a shop whose customers differ in rate; 5% are refunds, 30% are discounted."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, size=customers)
    seconds = rng.integers(0, int((AS_OF - FIRST) / timedelta(seconds=1)), orders)
    amount = np.round(rng.lognormal(3.5, 0.8, orders), 2) + 0.01
    refund = rng.random(orders) < 0.05
    discounted = ~refund & (rng.random(orders) < 0.3)
    drawn = pl.DataFrame(
        {
            "order": np.arange(orders),
            "customer": rng.choice(customers, orders, p=rate / rate.sum()),
            "ordered_at": np.datetime64(FIRST, "us") + seconds * np.timedelta64(1_000_000, "us"),
            "amount": np.where(refund, -amount, amount),
            "discount_amount": np.where(discounted, np.round(amount * 0.1, 2), 0.0),
        }
    )
    return drawn.select(
        pl.format("o{}", "order").alias("order_id"),
        pl.format("c{}", "customer").alias("customer_id"),
        "ordered_at",
        "amount",
        "discount_amount",
    )


def time_in_turns(
    candidates: dict[str, Callable[[], Any]], runs: int
) -> dict[str, tuple[float, float]]:
    """Median seconds and peak memory in GB of each, run in turns so that a busy spell hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    peaks: dict[str, float] = dict.fromkeys(candidates, 0.0)
    for _ in range(runs):
        for name, candidate in candidates.items():
            gc.collect()
            reset_peak()
            start = time.perf_counter()
            candidate()
            seconds[name].append(time.perf_counter() - start)
            peaks[name] = max(peaks[name], peak_gb())
    return {name: (statistics.median(seconds[name]), peaks[name]) for name in candidates}


def reset_peak() -> None:
    """Forget the process's highest memory so far (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_gb() -> float:
    """Highest resident memory since `reset_peak`, the orders themselves included."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e6


def require_equal(table: pd.DataFrame, other: pd.DataFrame) -> None:
    """Refuse to compare the speed of different answers."""
    if sorted(table.index) != sorted(other.index):
        raise SystemExit("the customers differ")
    other = other.loc[table.index]
    for column in other.columns:
        left, right = table[column].to_numpy(), other[column].to_numpy(np.float64, na_value=np.nan)
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=column)


def compare(orders: pl.DataFrame, runs: int, with_pandas: bool) -> None:
    """Print one block: the library, the Polars query and, where asked, pandas."""
    from benchmarks.by_hand import by_pandas, by_polars
    from features.history.history import History
    from features.table import feature_table

    start = time.perf_counter()
    history = History(orders)
    opened = time.perf_counter() - start
    candidates: dict[str, Callable[[], Any]] = {
        "feature_table": lambda: feature_table(history, AS_OF, HORIZON),
        "Polars by hand": lambda: by_polars(orders, AS_OF, HORIZON),
    }
    table = feature_table(history, AS_OF, HORIZON)
    by_hand = by_polars(orders, AS_OF, HORIZON).to_pandas().set_index("customer_id")
    require_equal(table, by_hand)
    if with_pandas:
        rows = orders.to_pandas()
        candidates["pandas"] = lambda: by_pandas(rows, AS_OF, HORIZON)
        require_equal(table, by_pandas(rows, AS_OF, HORIZON))
    print(f"\n{len(orders):,} orders, {len(table):,} customers, {len(by_hand.columns)} columns")
    print(f"  History(orders)  {opened * 1e3:12,.1f} ms")
    del table, by_hand
    timed = time_in_turns(candidates, runs)
    first = timed["feature_table"][0]
    for name, (seconds, peak) in timed.items():
        ratio = f"feature_table / it = {first / seconds:5.2f}" if name != "feature_table" else ""
        print(f"  {name:16} {seconds * 1e3:12,.1f} ms   peak {peak:5.2f} GB   {ratio}")


def main() -> None:
    """Read the sizes and print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    orders = draw_orders(arguments.orders, arguments.customers)
    compare(orders, arguments.runs, with_pandas=False)
    if arguments.orders > 1_000_000:
        orders = draw_orders(1_000_000, 100_000)
    compare(orders, arguments.runs, with_pandas=True)
    one = orders.filter(pl.col("customer_id") == orders["customer_id"].mode()[0])
    compare(one, 50 * arguments.runs, with_pandas=False)


if __name__ == "__main__":
    # Run as a file, this directory comes first on the path and would hide the package `features`.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    main()
