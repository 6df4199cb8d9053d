"""A model as MLflow stores it: its folder, the code that reads it, and its columns."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

from training.registry.versions import ModelFiles

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.types import Schema

# What scoring imports. Left to infer it, MLflow loads every model in a process of its own.
REQUIREMENTS = (
    "lightgbm", "mlflow", "narwhals", "numpy", "pandas", "polars", "pydantic", "scikit-learn",
    "scipy",
)  # fmt: skip


def write_pyfunc(place: Path, model: ModelFiles, run_id: str, model_id: str) -> None:
    """Write a model as MLflow loads it: its folder, the code that reads it, its columns."""
    from mlflow.models import Model, ModelSignature
    from mlflow.pyfunc import save_model

    home = Path(__file__).parents[2]
    packages = [home / "features", home / "training"]
    with tempfile.TemporaryDirectory() as copies:
        # MLflow calls the copy what the original is called.
        folder = copytree(model.folder, Path(copies) / "model")
        save_model(
            path=place,
            python_model=packages[1] / "pyfunc.py",
            artifacts={"model": str(folder)},
            code_paths=[str(package) for package in packages],
            signature=ModelSignature(_doubles(model.example), _doubles(model.scores)),
            input_example=model.example,
            # A model scores alike only by the versions that it was made with.
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            mlflow_model=Model(run_id=run_id, model_id=model_id, model_uuid=model_id),
        )


def _doubles(table: pd.DataFrame) -> Schema:
    """Columns of numbers; which of them are missing the model says itself.

    MLflow would print the whole table that lacks one that it requires.
    """
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec("double", name=str(column), required=False) for column in table])
