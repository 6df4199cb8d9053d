"""Whether a model that was read scores as it did when it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from training.errors import TrainingError

# MLflow shows them; three tell the types.
EXAMPLE_ROWS = 3
# Of a score: another version of a library may round its last digits otherwise.
ALIKE = 1e-9


def example(columns: Sequence[str], horizon_days: int) -> pd.DataFrame:
    """Made-up rows of the feature table: stored with the model, so never those of customers."""
    rows = np.arange(1.0, EXAMPLE_ROWS + 1.0)
    table = pd.DataFrame(dict.fromkeys(columns, rows))
    table["horizon_days"] = float(horizon_days)
    return table


def probe_of(scores: pd.DataFrame) -> dict[str, Any]:
    """Scores of the made-up rows, JSON-ready: what is unknown is null."""
    return {str(name): [None if np.isnan(x) else float(x) for x in scores[name]] for name in scores}


def require_alike(scores: pd.DataFrame, known: Mapping[str, Sequence[float | None]]) -> None:
    """Refuse a model whose scores of the made-up rows are other ones than when it was written.

    Raises
    ------
    TrainingError
        With the first score that differs.
    """
    for name, values in known.items():
        was = np.array(values, dtype=np.float64)
        now = scores[name].to_numpy() if name in scores else np.full(len(was), np.nan)
        differs = ~np.isclose(now, was, rtol=ALIKE, atol=ALIKE, equal_nan=True)
        if differs.any():
            raise TrainingError(
                f"the model does not score as when it was trained: {name} of a made-up row is "
                f"{now[differs][0]:g} and was {was[differs][0]:g}. Install the versions of the "
                "libraries that its requirements list, or train again."
            )
