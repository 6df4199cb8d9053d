"""Run peers on cells, one process each, and keep what they say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from benchmarks.cells import Cell, population, purchase_days
from benchmarks.peers.environments import python_of
from benchmarks.peers.roster import PEERS, Peer
from features.history.history import History
from training.panel.labels import Value, outcomes

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 1200
LAST_CHARACTERS = 500
DECIMALS = 6


@dataclass(frozen=True)
class Run:
    """What became of a peer on a cell.

    Attributes
    ----------
    cell : Cell
    peer : Peer
    report : dict
        `seconds` (whole process, on one thread), `peak_mib`, `versions`, `notes` (estimates,
        fallbacks, repairs) and `warnings`; or `failed`, why there is no forecast.
    forecast : pandas.DataFrame
        Index `customer_id`; `churn_risk`, `spend`. Empty if it failed.
    """

    cell: Cell
    peer: Peer
    report: dict[str, Any]
    forecast: pd.DataFrame

    @property
    def has_forecast(self) -> bool:
        """Whether there is a row for the leaderboard."""
        return "failed" not in self.report


def runs(
    cell: Cell,
    data: Path,
    cache: Path,
    peers: Sequence[Peer] = PEERS,
    limit_seconds: float = LIMIT_SECONDS,
) -> Iterator[Run]:
    """Run each peer on a cell, or read from the cache what it said about the same purchases.

    A run counts as the same while purchases, script and requirements are. Failures are kept too,
    but who was stopped gets another chance under a higher limit.
    """
    cache = cache.resolve()
    folder = cache / "cells" / cell.name
    export(cell, data, folder)
    customers = population(cell, data)
    for peer in peers:
        report = _report(peer, cell, data, cache, limit_seconds)
        forecast = pd.DataFrame(columns=["churn_risk", "spend"], dtype=float)
        if "failed" not in report:
            forecast = pd.read_parquet(_output(folder, peer)).set_index("customer_id")
            _refuse_other_customers(peer, forecast.index, customers)
            forecast = forecast.loc[customers]
        yield Run(cell, peer, report, forecast)


def export(cell: Cell, data: Path, folder: Path) -> None:
    """Write the purchases known at `as_of` and, one horizon earlier, what came next."""
    folder.mkdir(parents=True, exist_ok=True)
    past, day = cell.past(data), cell.day(data)
    _write(purchase_days(past), folder / "purchases.parquet")
    labels = labels_before(past, day, cell.horizon_days)
    if labels is None:
        (folder / "labels.parquet").unlink(missing_ok=True)
    else:
        _write(labels.reset_index(), folder / "labels.parquet")


def labels_before(past: History, day: float, horizon_days: int) -> pd.DataFrame | None:
    """Outcomes in the last horizon before `day`, or None with too little history before that.

    Parameters
    ----------
    past : History
        Cut at `day`.
    day : float
    horizon_days : int

    Returns
    -------
    pandas.DataFrame or None
        Index `customer_id`, those who had purchased before the window; `churned`, `spend`.
    """
    orders = past.orders.filter(nw.col("amount") > 0)
    first = orders.select(nw.col("day").min()).collect()["day"].to_list()[0]
    cut = day - horizon_days
    if first is None or cut - first < max(horizon_days / 2, 30):
        return None
    customers = pd.Index(purchase_days(past.upto(cut))["customer_id"].unique(), name="customer_id")
    found = outcomes(past, cut, horizon_days, Value()).reindex(customers, fill_value=0.0)
    return pd.DataFrame({"churned": 1.0 - found["ordered"], "spend": found["spend"]})


def _write(table: pd.DataFrame, file: Path) -> None:
    """Replace a file as a whole: somebody may be reading it."""
    unfinished = file.with_suffix(".unfinished")
    table.to_parquet(unfinished, index=False)
    unfinished.replace(file)


def _report(peer: Peer, cell: Cell, data: Path, cache: Path, limit: float) -> dict[str, Any]:
    folder = cache / "cells" / cell.name
    kept = _output(folder, peer).with_suffix(".json")
    inputs = _fingerprint(peer, folder)
    if kept.is_file():
        report: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if report["inputs"] == inputs and report.get("stopped_after", limit) >= limit:
            return report
    if peer.learns_from_labels and not (folder / "labels.parquet").is_file():
        report = {"failed": "no label window of this horizon with enough history before it"}
    else:
        command = [
            python_of(peer.environment, cache),
            "-m",
            f"benchmarks.peers.{peer.script}",
            peer.model,
            folder,
            str(int(cell.day(data))),
            str(cell.horizon_days),
            _output(folder, peer),
        ]
        report = _execute([str(part) for part in command], _output(folder, peer), limit)
    report["inputs"] = inputs
    kept.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


def _execute(command: Sequence[str], output: Path, limit: float) -> dict[str, Any]:
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = os.environ | one_thread | {"PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environment, cwd=ROOT, timeout=limit, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not ready after {limit:g} s", "stopped_after": limit}
    seconds = round(time.perf_counter() - started, 1)
    if done.returncode:
        return {"failed": done.stderr.strip()[-LAST_CHARACTERS:], "seconds": seconds}
    own = output.with_suffix(".report.json")
    report: dict[str, Any] = json.loads(own.read_text(encoding="utf-8"))
    own.unlink()
    return {"seconds": seconds} | report | _unusable(output)


def _unusable(output: Path) -> dict[str, str]:
    """A forecast that misses a number for some customers, not for all, cannot be judged."""
    table = pd.read_parquet(output)
    for name in ("churn_risk", "spend"):
        values = table[name].to_numpy()
        if np.isnan(values).all():
            continue
        for wrong, what in ((~np.isfinite(values), "no number"), (values < 0, "below 0")):
            if wrong.any():
                return {"failed": f"{name} is {what} for {wrong.sum()} of {len(table)} customers"}
    return {}


def _refuse_other_customers(peer: Peer, found: pd.Index, customers: pd.Index) -> None:
    if len(found) != len(customers) or not found.isin(customers).all():
        raise ValueError(
            f"{peer.name} must forecast the {len(customers)} customers of the cell, each once; got "
            f"{len(found)}, {int((~found.isin(customers)).sum())} of them others. "
            f"Mend {peer.script}.py."
        )


def _fingerprint(peer: Peer, folder: Path) -> str:
    """A hash of all that decides a forecast, so that the cache never answers for other inputs."""
    tables = ["purchases", "labels"] if peer.learns_from_labels else ["purchases"]
    digest = hashlib.sha256()
    for source in peer.sources:
        digest.update(source.read_bytes() if source.is_file() else b"absent")
    for file in (folder / f"{table}.parquet" for table in tables):
        digest.update(_content(file) if file.is_file() else b"absent")
    return digest.hexdigest()


def _content(file: Path) -> bytes:
    """Sums of invoice lines differ in the last bits from one opening of a log to the next."""
    rows = pd.read_parquet(file).round(DECIMALS)
    return np.asarray(pd.util.hash_pandas_object(rows, index=False)).tobytes()


def _output(folder: Path, peer: Peer) -> Path:
    return folder / f"{peer.file_name}.parquet"
