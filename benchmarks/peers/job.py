"""What the scripts share: read the purchases, time the model, write its forecast and a report.

Runs in the environments of the libraries, so it uses NumPy, pandas 2.0 or later and nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STATUS = Path("/proc/self/status")


@dataclass
class Job:
    """One model to fit on the purchases of one cell.

    Attributes
    ----------
    model : str
        Which of the models of the script.
    folder : Path
        Holds `purchases.parquet` (customer_id, day, amount; one row per purchase day) and, where a
        label window fits into the past, `labels.parquet` (customer_id, churned, spend).
    as_of : int
        Days since 1970-01-01; all purchases are earlier.
    horizon_days : int
    notes : dict
        What a reader of the figures should know: estimates, fallbacks, repairs.
    """

    model: str
    folder: Path
    as_of: int
    horizon_days: int
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> pd.Timestamp:
        """The instant of prediction, the end of the observation."""
        return pd.Timestamp(self.as_of, unit="D")

    def purchases(self) -> pd.DataFrame:
        """One row per customer and purchase day: customer_id, date, amount."""
        days = pd.read_parquet(self.folder / "purchases.parquet")
        dates = pd.to_datetime(days["day"], unit="D")
        return days.assign(date=dates)[["customer_id", "date", "amount"]]


Model = Callable[[Job], pd.DataFrame]


def run(model: Model, *packages: str) -> None:
    """Fit, forecast and write, as the command line says; `packages` are reported with versions."""
    parser = argparse.ArgumentParser()
    for name in ("model", "folder", "as_of", "horizon_days", "output"):
        parser.add_argument(name)
    given = parser.parse_args()
    job = Job(given.model, Path(given.folder), int(given.as_of), int(given.horizon_days))
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        forecast = model(job)
    seconds = time.perf_counter() - started
    output = Path(given.output)
    forecast.astype(float).rename_axis("customer_id").reset_index().to_parquet(output)
    report = {
        "versions": {package: version(package) for package in packages},
        "fit_and_predict_seconds": round(seconds, 2),
        "peak_mib": round(_peak_bytes() / 2**20),
        "notes": job.notes,
        "warnings": sorted({f"{w.category.__name__}: {w.message}"[:200] for w in caught}),
    }
    output.with_suffix(".report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def no_purchase(
    p_alive: np.ndarray, r: float, alpha: float, x: np.ndarray, T: np.ndarray, t: float
) -> np.ndarray:
    """P(no purchase in t) of BG/NBD and MBG/NBD, which hardly a library offers per customer.

    Who is alive has a purchase rate of Gamma(r + x, alpha + T) and cannot drop out before the next
    purchase, so none in t has the chance ((alpha + T) / (alpha + T + t))^(r + x).

    Parameters
    ----------
    p_alive, x, T : array, shape (n,)
        P(alive) at T, repeat purchases, age.
    r, alpha : float
        Shape and rate of the gamma distribution of purchase rates.
    t : float
        Horizon, in the unit of T.

    Examples
    --------
    >>> no_purchase(np.array([1.0, 0.5]), 1.0, 10.0, np.array([0, 1]), np.array([20.0, 20.0]), 30.0)
    array([0.5  , 0.625])
    """
    silent = ((alpha + T) / (alpha + T + t)) ** (r + x)
    return np.asarray(np.clip(1.0 - p_alive * (1.0 - silent), 0.0, 1.0))


def _peak_bytes() -> float:
    """Most memory this process ever held."""
    if STATUS.is_file():
        # On Linux the maximum of getrusage outlives exec, so it may be that of the parent.
        (line,) = (r for r in STATUS.read_text().splitlines() if r.startswith("VmHWM:"))
        return float(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
