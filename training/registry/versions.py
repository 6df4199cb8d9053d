"""A registered version of a model, and the files that become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from training.models.artifact import MODEL_FILE
from training.registry.store import TrackingError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of a registered model, with its definition and the metrics of its run."""

    name: str
    version: int
    aliases: tuple[str, ...]
    run_id: str
    created: datetime
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ModelFiles:
    """What is registered as one version of a model.

    Parameters
    ----------
    folder : Path
        The model folder: model.json and text files.
    example : pandas.DataFrame of float64
        Synthetic rows of the feature table, never customers: they are stored with the model.
    scores : pandas.DataFrame of float64
        What the model makes of `example`, row by row.
    tags : mapping of str to str
        The definition: horizon_days, clv_horizon_days, currency, lineage, candidate, as_of.
    metrics : mapping of str to float
        How its recipe did in the backtest, as means over origins.
    description : str
        In Markdown: what stands at the head of the version's page.

    Raises
    ------
    TrackingError
        If the folder holds other files, a column is not float64, or the rows differ.
    """

    folder: Path
    example: pd.DataFrame
    scores: pd.DataFrame
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    description: str = ""

    def __post_init__(self) -> None:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        if self.folder / MODEL_FILE not in files:
            raise TrackingError(f"folder must hold {MODEL_FILE}; got {self.folder} without it.")
        if odd := sorted(path.name for path in files if path.suffix not in {".json", ".txt"}):
            raise TrackingError(f"folder must hold .json and .txt files only; got {odd}.")
        for name, table in (("example", self.example), ("scores", self.scores)):
            if odd := [str(column) for column in table if table[column].dtype != "float64"]:
                raise TrackingError(f"{name} must have float64 columns only; got others in {odd}.")
        if not 0 < len(self.example) == len(self.scores):
            raise TrackingError(
                "example and scores must have the same rows, at least one; "
                f"got {len(self.example)} and {len(self.scores)}."
            )
