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

    from training.models.tasks import Task


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

    @property
    def horizon_days(self) -> int | None:
        """Of its forecasts; None where whoever registered it did not say."""
        return int(self.tags["horizon_days"]) if "horizon_days" in self.tags else None

    @property
    def promised(self) -> dict[str, float]:
        """The mean backtest metrics of its own candidate; none if it could not be judged."""
        found = metrics_after(self.metrics, f"mean_{self._short_name}_")
        if self._task is None or self._task.criterion in found:
            return found
        # Other versions of Holdfast named the figures of every candidate after it.
        suffix = f"_{self.tags.get('candidate')}"
        return {name.removesuffix(suffix): v for name, v in found.items() if name.endswith(suffix)}

    @property
    def realised(self) -> dict[str, float]:
        """What became of the forecasts of the champion before, as its run tells."""
        return metrics_after(self.metrics, f"realised_{self._short_name}_")

    @property
    def _short_name(self) -> str:
        """What its metrics begin with."""
        return self.name if self._task is None else self._task.short_name

    @property
    def _task(self) -> Task | None:
        """What it forecasts; uplift is none of these."""
        from training.models.tasks import TASKS  # Imported when used: pandas comes with it.

        return TASKS.get(self.name)


def metrics_after(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    """The metrics named `prefix` + metric, by metric.

    Examples
    --------
    >>> metrics_after({"mean_clv_mae": 3.0, "clv_mae": 4.0}, "mean_clv_")
    {'mae': 3.0}
    """
    return {k.removeprefix(prefix): v for k, v in metrics.items() if k.startswith(prefix)}


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
