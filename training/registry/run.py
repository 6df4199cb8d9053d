"""A run being recorded in MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.registry.client import quietly

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

# MLflow takes no more parameters in one call.
PARAMS_PER_CALL = 100


@dataclass(frozen=True)
class Run:
    """A run being recorded."""

    client: MlflowClient
    experiment_id: str
    run_id: str

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record settings, each name once."""
        with self._mlflow():
            from mlflow.entities import Param

            entries = [Param(name, str(value)) for name, value in params.items()]
            for start in range(0, len(entries), PARAMS_PER_CALL):
                some = entries[start : start + PARAMS_PER_CALL]
                self.client.log_batch(self.run_id, params=some)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record figures; `step` tells the fold. A version shows those of the highest step."""
        with self._mlflow():
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            entries = [
                Metric(name, float(value), now, step or 0) for name, value in metrics.items()
            ]
            self.client.log_batch(self.run_id, metrics=entries)

    def log_figure(self, figure: Figure, path: str) -> None:
        """Store a figure under `path`, in the format of its ending."""
        with self._mlflow():
            self.client.log_figure(self.run_id, figure, path)

    def log_text(self, text: str, path: str) -> None:
        """Store a text, such as the model card."""
        with self._mlflow():
            self.client.log_text(self.run_id, text, path)

    def log_dict(self, document: Mapping[str, Any], path: str) -> None:
        """Store a document as JSON or YAML, by the ending of `path`."""
        with self._mlflow():
            self.client.log_dict(self.run_id, dict(document), path)

    def end(self, status: str) -> None:
        """Close the run as FINISHED or FAILED."""
        with self._mlflow():
            self.client.set_terminated(self.run_id, status)

    def _mlflow(self) -> AbstractContextManager[None]:
        return quietly(self.client.tracking_uri)
