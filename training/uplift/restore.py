"""Learners read back from their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.models.boosted import Grown
from training.uplift.learners import DoublyRobustLearner, Learner, SLearner, TLearner, XLearner


def learner_from(folder: Path, content: Mapping[str, Any], offers: int) -> Learner | None:
    """Read the stages that were saved, and put the learner together; None if there is none.

    Parameters
    ----------
    folder : Path
    content : mapping
        `name`, `stages` (their number), `shares` (of the X-learner).
    offers : int
        Number of offers it tells of.
    """
    stages = tuple(
        Grown.from_text((folder / f"stage_{number}.txt").read_text(encoding="utf-8"))
        for number in range(content["stages"])
    )
    if not stages:
        return None
    if content["name"] == "s":
        return SLearner(stages, offers)
    if content["name"] == "t":
        return TLearner(stages)
    if content["name"] == "x":
        return XLearner(stages, tuple(content["shares"]))
    return DoublyRobustLearner(stages)
