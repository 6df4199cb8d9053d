"""What is answered about the service itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from serving.inforce.schemas import Answer, Terms, Versions, WallClock


class Alive(Answer):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadyChampions(Answer):
    """The models in force, and what they may be told."""

    versions: Versions
    definition: Terms
    attributes: dict[str, list[str] | None] = Field(
        description="Customer attribute -> the texts it may have; null for a number."
    )
    row_attributes: dict[str, dict[str, Literal["number", "text"]]] = Field(
        description="Table -> further column of its rows -> what it holds."
    )
    feedback: dict[str, tuple[float, float]] = Field(
        description="Kind of feedback -> its lowest and highest score."
    )


class ReadyScores(Answer):
    """The run of the batch that customers are listed from."""

    as_of: WallClock
    customers: int
    versions: Versions
    definition: Terms


class Ready(Answer):
    """Everything needed is loaded."""

    status: Literal["ready"] = "ready"
    champions: ReadyChampions
    scores: ReadyScores
    clock_start: WallClock | None = Field(
        description="What the shop's clock was set to when the service started; null: it is right."
    )
    warnings: list[str] = Field(description="What could not be loaded since; older ones answer.")
