"""How long `holdfast metrics` takes, and how much memory: `python -m benchmarks.metrics`.

Orders of three years are drawn into a Parquet file, and the command is run on it from its start to
its document, as a process of its own. Beside it DuckDB answers a part of the same question by hand,
who was live, new and lost and what they spent, and both have to say the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.features import AS_OF, FIRST, draw_orders

HORIZON = 90
QUERY = f"""
WITH months AS (SELECT unnest(generate_series(TIMESTAMP '{FIRST}', TIMESTAMP '{AS_OF}'
        - INTERVAL 1 MONTH, INTERVAL 1 MONTH)) AS start),
bought AS MATERIALIZED (SELECT customer_id, ordered_at AS t, amount FROM orders WHERE amount > 0),
firsts AS MATERIALIZED (SELECT customer_id, min(t) AS first_t FROM bought GROUP BY 1),
states AS (
    SELECT start, customer_id, any_value(first_t) AS first_t,
        bool_or(t > start - INTERVAL {HORIZON} DAY AND t < start) AS at_start,
        bool_or(t > start + INTERVAL 1 MONTH - INTERVAL {HORIZON} DAY) AS at_end,
        sum(amount) FILTER (t >= start) AS revenue
    FROM months JOIN bought
        ON t > start - INTERVAL {HORIZON} DAY AND t < start + INTERVAL 1 MONTH
    JOIN firsts USING (customer_id) GROUP BY 1, 2
)
SELECT count(*) FILTER (first_t >= start) AS new_customers,
    count(*) FILTER (at_start AND NOT at_end) AS lost_customers,
    count(*) FILTER (at_end) AS customers_at_end, sum(revenue) AS revenue
FROM states GROUP BY start ORDER BY start
"""
COMMAND = ("-m", "holdfast", "metrics", "--horizon-days", str(HORIZON), "--json")


def by_command(path: Path) -> tuple[list[dict[str, float]], float, float]:
    """The periods, and the seconds and most memory in GB that they took."""
    out = path.with_suffix(".json")
    began = time.perf_counter()
    with out.open("w") as told:
        process = subprocess.Popen([sys.executable, *COMMAND, str(path)], stdout=told)
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit("holdfast metrics failed")
    return json.loads(out.read_text())["periods"], seconds, used.ru_maxrss / 2**20


def main() -> None:
    """Read the size, and print how long both take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "orders.parquet"
        draw_orders(arguments.orders, arguments.customers).write_parquet(path)
        periods, seconds, memory = by_command(path)
        began = time.perf_counter()
        with duckdb.connect() as connection:
            connection.execute("SET threads = 2")
            query = QUERY.replace("FROM orders", f"FROM '{path}'")
            by_hand = connection.execute(query).fetch_df()
        by_duckdb = time.perf_counter() - began
    for name in by_hand:
        found = [period[name] for period in periods[1:]]
        expected = by_hand[name].tolist()[1:]
        if any(abs(a - b) > 1e-6 * abs(b) for a, b in zip(found, expected, strict=True)):
            raise SystemExit(f"{name} must be what DuckDB says; got {found} and {expected}")
    print(f"{arguments.orders:,} orders, {len(periods)} months of {len(periods[0]) - 3} metrics")
    print(f"  holdfast metrics    {seconds:6.1f} s   peak {memory:4.1f} GB")
    print(f"  four of them by SQL {by_duckdb:6.1f} s   command / it = {seconds / by_duckdb:.2f}")


if __name__ == "__main__":
    main()
