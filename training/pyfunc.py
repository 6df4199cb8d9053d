"""A model folder as MLflow runs it.

MLflow executes this file by its path where the model is loaded, so it imports mlflow itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from training.loading import load_any


class HoldfastModel(PythonModel):
    """Scores of a feature table, by the model folder in the artifact."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model folder."""
        self.model_ = load_any(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the scores, one row for each of `model_input`."""
        return self.model_.predict_frame(model_input)


set_model(HoldfastModel())
