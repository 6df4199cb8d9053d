"""The shops that the champions are of."""

from __future__ import annotations

from training.errors import TrainingError
from training.models import artifact
from training.models.tasks import TASKS
from training.registry.store import TrackingError
from training.registry.tracking import Tracker
from training.scoring.definition import Definition

# `training.uplift` stands above; a test holds the name to its own.
NAMES = (*TASKS, "offer-uplift")


def standing(tracker: Tracker) -> list[Definition]:
    """What the champions are about; those that cannot be read are left out."""
    found = []
    for name in NAMES:
        try:
            version = tracker.champion(name)
            if version is not None:
                content = artifact.read_scoring(tracker.folder(version))
                found.append(Definition.from_dict(content["definition"]))
        except (TrainingError, TrackingError, KeyError, TypeError):
            # An older format, or files that are gone: `decide` says so of the model it compares.
            continue
    return found
