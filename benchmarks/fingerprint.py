"""Whether two checkouts answer alike: what the command line says and writes, to 1e-9.

Run as `python -m benchmarks.fingerprint take FOLDER [--checkout DIR] [--data DIR]` with each, then
as `python -m benchmarks.fingerprint compare FOLDER FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

EXAMPLES = Path(__file__).parents[1] / "holdfast" / "examples"
CLOSE = 1e-9
# What is another at every run, or tells where it ran.
VOLATILE = frozenset({"run_id", "tracking_uri", "out", "log", "history", "file", "created"})
CONFIG = "snapshots = 4\norigins = 2\n"
OFFERS = """\
[offers.discount_10]
kind = "discount"
cost_share = 0.1

[offers.service_recovery]
kind = "service_recovery"
fixed_cost = 8
addresses = ["negative_feedback"]

[offers.points]
kind = "points"
fixed_cost = 2
"""


@dataclass(frozen=True)
class Shop:
    """A shop to ask about, and the instants and horizons to ask for.

    Attributes
    ----------
    name : str
    as_of : str
    horizon_days, clv_horizon_days : int
    tables : mapping of str to str
        Files under the data folder by the name of their copy; none for a simulated shop.
    mapping : str
        The mapping of holdfast/examples.
    one_in : int
        How many customers one is sampled of.
    """

    name: str
    as_of: str
    horizon_days: int
    clv_horizon_days: int
    tables: Mapping[str, str] = field(default_factory=dict)
    mapping: str = ""
    one_in: int = 1


SHOPS = (
    Shop("simulated", "2025-10-01", 60, 90),
    Shop("cdnow", "1998-01-01", 90, 90, {"orders": "cdnow/orders.parquet"}, "cdnow.toml", 10),
    Shop(
        "online_retail_ii",
        "2011-06-10",
        90,
        180,
        {"orders": "online_retail_ii/orders.parquet"},
        one_in=2,
    ),
    Shop(
        "online_retail_ii_lines",
        "2011-06-10",
        90,
        180,
        {"lines": "online_retail_ii/lines.parquet"},
        "online_retail_ii.toml",
        2,
    ),
    Shop(
        "olist",
        "2018-01-01",
        90,
        90,
        {"orders": "olist/orders.parquet", "feedback": "olist/feedback.parquet"},
        "olist.toml",
        8,
    ),
)


def main() -> None:
    """Take a fingerprint, or print where two differ and end with code 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    taking = commands.add_parser("take")
    taking.add_argument("folder", type=Path)
    taking.add_argument("--checkout", type=Path, default=Path.cwd())
    taking.add_argument("--data", default=os.environ.get("HOLDFAST_DATA", "../shared/data"))
    taking.set_defaults(run=lambda given: take(given.folder, given.checkout, Path(given.data)))
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.set_defaults(run=lambda given: sys.exit(compare(given.before, given.after)))
    given = parser.parse_args()
    given.run(given)


def take(folder: Path, checkout: Path, data: Path) -> None:
    """Ask a checkout everything about every shop, and keep the answers in a folder."""
    if not data.is_dir():
        sys.exit(f"{data} does not exist. Set --data or HOLDFAST_DATA to the folder of real data.")
    for shop in SHOPS:
        place = folder.resolve() / shop.name
        place.mkdir(parents=True, exist_ok=True)
        (place / "training.toml").write_text(CONFIG)
        (place / "offers.toml").write_text(OFFERS)
        if shop.tables:
            sample(shop, data, place / "shop")
        for name, words in questions(shop):
            print(f"{shop.name}: {name}", flush=True)
            if name == "measure":
                run_campaign(place)
            answer = ask(words, place, checkout.resolve())
            (place / f"{name}.json").write_text(answer)


def sample(shop: Shop, data: Path, folder: Path) -> None:
    """Write the rows of one in so many customers, and the mapping, as a history folder."""
    folder.mkdir(exist_ok=True)
    chosen = pl.col("customer_id").cast(pl.String).str.tail(4).str.to_integer(base=36, strict=False)
    for table, file in shop.tables.items():
        rows = pl.read_parquet(data / file).filter(chosen % shop.one_in == 0)
        rows.write_parquet(folder / f"{table}.parquet")
        if table != "feedback":
            # Offers ask for consent, which none of these logs records.
            people = rows.select(pl.col("customer_id").unique(), marketing_consent=pl.lit("yes"))
            people.sort("customer_id").write_parquet(folder / "customers.parquet")
    if shop.mapping:
        (folder / "history.toml").write_text((EXAMPLES / shop.mapping).read_text())


def run_campaign(place: Path) -> None:
    """Add the rows of a plan to the history's offers, as if its campaign had been run."""
    offers = place / "shop" / "offers.parquet"
    given, added = pl.read_parquet(offers), pl.read_csv(place / "log.csv")
    offered_at = pl.col("offered_at").str.to_datetime(time_unit="us")
    rows = added.with_columns(offered_at).select(pl.all().exclude(pl.Null))
    known = rows.select(pl.col(name).cast(given.schema[name]) for name in rows.columns)
    pl.concat([given, known], how="diagonal").write_parquet(offers)


def questions(shop: Shop) -> Iterator[tuple[str, list[str]]]:
    """The commands in the order in which they stand on each other."""
    known, horizon = ["shop", "--as-of", shop.as_of], ["--horizon-days", str(shop.horizon_days)]
    if not shop.tables:
        yield "simulate", ["simulate", "--out", "shop", "--customers", "2500", "--seed", "4"]
    yield "check", ["check", *known, "--json"]
    yield "features", ["features", *known, *horizon, "--out", "features.parquet"]
    if "lines" in shop.tables:
        # Sums of lines may differ in their last digit, and then trees do.
        return
    yield "backtest", ["backtest", "shop", *horizon, "--origins", "2", "--ablation", "--json"]
    further = ["--clv-horizon-days", str(shop.clv_horizon_days), "--config", "training.toml"]
    yield "train", ["train", *known, *horizon, *further, "--json"]
    yield "score", ["score", *known, "--out", "scores.parquet", "--reasons", "200", "--json"]
    written = ["--out", "plan.csv", "--log", "log.csv"]
    terms = ["--offers", "offers.toml", "--budget", "1500", "--holdout", "0.3", *written]
    if not shop.tables:
        yield "uplift", ["uplift", *known, "--json"]
    yield "plan", ["plan", *known, *terms, "--json"]
    if not shop.tables:
        measured = "measure shop --plan plan.csv --as-of 2026-01-01 --json"
        yield "measure", measured.split()


def ask(words: Sequence[str], place: Path, checkout: Path) -> str:
    """What a command prints, refusals included."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "holdfast", *words]
    ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if ended.returncode:
        return json.dumps({"code": ended.returncode, "said": ended.stderr})
    return ended.stdout if ended.stdout.startswith("{") else json.dumps(ended.stdout)


def compare(before: Path, after: Path) -> int:
    """Print every place where two fingerprints differ by more than 1e-9; return 1 if any does."""
    found = 0
    compared = 0
    for file in sorted(before.glob("*/*")):
        other = after / file.relative_to(before)
        if file.suffix not in {".json", ".parquet", ".csv"}:
            continue
        if not other.is_file():
            print(f"{other} is missing")
            found += 1
            continue
        for where in differences("", content(file), content(other)):
            print(f"{file.relative_to(before)}{where}")
            found += 1
        compared += 1
    print(f"{compared} files compared, {found} differences beyond {CLOSE:g}")
    return int(found > 0 or compared == 0)


def content(file: Path) -> Any:
    """A table as rows by position, a document as it is."""
    if file.suffix == ".json":
        return json.loads(file.read_text())
    is_csv = file.suffix == ".csv"
    table = pl.read_csv(file, infer_schema_length=None) if is_csv else pl.read_parquet(file)
    return {name: table[name].to_list() for name in table.columns}


def differences(where: str, one: Any, other: Any) -> Iterator[str]:
    """Where two contents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            if key not in one or key not in other:
                yield f"{where}.{key}: only {'before' if key in one else 'after'}"
            elif key not in VOLATILE:
                yield from differences(f"{where}.{key}", one[key], other[key])
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{where}: {len(one)} entries, then {len(other)}"
        for position, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from differences(f"{where}[{position}]", a, b)
    elif not alike(one, other):
        yield f"{where}: {one!r}, then {other!r}"


def alike(one: Any, other: Any) -> bool:
    """Equal, or numbers within the bound of each other; unknown is like unknown."""
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


if __name__ == "__main__":
    main()
