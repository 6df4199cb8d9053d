"""A model folder of any kind, ready to score a feature table."""

from __future__ import annotations

from pathlib import Path

from training.models import artifact
from training.scoring.model_scorers import ChurnScorer, CLVScorer, load_model
from training.uplift.scoring import KIND, UpliftScorer


def load_any(folder: Path | str) -> ChurnScorer | CLVScorer | UpliftScorer:
    """Read a model folder.

    Raises
    ------
    TrainingError
        If it holds no model, a damaged one, or one of a format that is not known here.
    """
    is_uplift = artifact.read(folder)["kind"] == KIND
    return UpliftScorer.load(folder) if is_uplift else load_model(folder)
