"""A run being recorded in MLflow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.registry.client import quietly

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

    from training.registry.inputs import TrainingData

# Characters of a run's description that MLflow keeps.
NOTE = 8000
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

    def log_metrics(
        self, metrics: Mapping[str, float], step: int | None = None, model_id: str | None = None
    ) -> None:
        """Record figures; `step` tells the fold. A version shows those of the highest step."""
        with self._mlflow():
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            entries = [
                Metric(name, float(value), now, step or 0, model_id)
                for name, value in metrics.items()
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

    def describe(self, text: str) -> None:
        """Put a text in Markdown at the head of the run's page."""
        with self._mlflow():
            from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

            self.client.set_tag(self.run_id, MLFLOW_RUN_NOTE, clipped(text, NOTE))

    def log_data(self, data: TrainingData) -> None:
        """List the rows that a model learns from as an input of the run."""
        with self._mlflow():
            from mlflow.entities import Dataset, DatasetInput, InputTag
            from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

            dataset = Dataset(
                name=data.name,
                digest=data.digest,
                source_type="holdfast",
                source=json.dumps(dict(data.source)),
                schema=data.schema(),
                profile=json.dumps(dict(data.profile)),
            )
            tags = [InputTag(MLFLOW_DATASET_CONTEXT, "training")]
            self.client.log_inputs(self.run_id, [DatasetInput(dataset, tags)])

    def log_model(self, model_id: str) -> None:
        """List a logged model as an output of the run."""
        with self._mlflow():
            from mlflow.entities import LoggedModelOutput

            self.client.log_outputs(self.run_id, [LoggedModelOutput(model_id, 0)])

    def end(self, status: str) -> None:
        """Close the run as FINISHED or FAILED."""
        with self._mlflow():
            self.client.set_terminated(self.run_id, status)

    def _mlflow(self) -> AbstractContextManager[None]:
        return quietly(self.client.tracking_uri)


def clipped(text: str, limit: int) -> str:
    r"""A text, or as many of its lines as fit, with a note that there are more.

    Examples
    --------
    >>> clipped("one\ntwo\n" + "three " * 20, 60)
    'one\ntwo\n\nThe rest stands in model_card.md of the run.'
    """
    if len(text) <= limit:
        return text
    rest = "\n\nThe rest stands in model_card.md of the run."
    return text[: limit - len(rest)].rpartition("\n")[0] + rest
