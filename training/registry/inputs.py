"""The rows that a model learns from, as MLflow lists the data of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from features.clock import as_instant
from training.panel.panel import Panel

# MLflow takes no longer digests.
DIGEST_LENGTH = 32


@dataclass(frozen=True)
class TrainingData:
    """The labelled snapshots of a panel, told by a digest.

    Attributes
    ----------
    name : str
    digest : str
        Of every feature, label and instant; the same for the same rows.
    columns : tuple of str
        Of the feature table, all float64.
    profile : mapping
        Rows, snapshots and their instants.
    source : mapping
        What the snapshots were made from.
    """

    name: str
    digest: str
    columns: tuple[str, ...]
    profile: Mapping[str, Any]
    source: Mapping[str, Any]

    @staticmethod
    def of(name: str, panel: Panel, source: Mapping[str, Any]) -> TrainingData:
        """Describe the snapshots of a panel."""
        snapshots = panel.snapshots
        total = sha256(f"{panel.horizon_days} {panel.window_days}".encode())
        for snapshot in snapshots:
            labelled = snapshot.X.assign(churned=snapshot.churned, spend=snapshot.spend)
            total.update(np.float64(snapshot.as_of).tobytes())
            total.update(pd.util.hash_pandas_object(labelled).to_numpy().tobytes())
        return TrainingData(
            name,
            total.hexdigest()[:DIGEST_LENGTH],
            tuple(str(column) for column in snapshots[0].X),
            {
                "num_rows": sum(map(len, snapshots)),
                "snapshots": [f"{as_instant(s.as_of):%Y-%m-%d}" for s in snapshots],
                "window_days": panel.window_days,
                "sample_share": panel.sample_share,
            },
            source,
        )

    def schema(self) -> str:
        """The columns, as MLflow writes them."""
        columns = (*self.columns, "churned", "spend")
        listed = [{"type": "double", "name": name, "required": True} for name in columns]
        return json.dumps({"mlflow_colspec": listed})
