"""What is answered about one person."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from serving.inforce.schemas import Answer, CustomerRow, Terms, WallClock


class FeatureValue(Answer):
    """What a signal says of a customer."""

    name: str
    value: float | None = Field(description="Null where it is unknown.")
    unit: str
    meaning: str


class FeaturesAnswer(Answer):
    """What the models look at."""

    customer_id: str
    as_of: WallClock
    features: list[FeatureValue]


class Happening(Answer):
    """A row of the history."""

    table: str
    at: WallClock = Field(description="When it happened; of customers, since when it is so.")
    known_at: WallClock | None = Field(
        description="From when on it was known; null if it always was."
    )
    fields: dict[str, Any]


class TimelineAnswer(Answer):
    """What happened, the earliest first; of things that were told again, each version."""

    customer_id: str
    happenings: list[Happening]


class ExportAnswer(Answer):
    """Everything that is stored of a customer."""

    customer_id: str
    definition: Terms | None = Field(description="What the scores mean; null without scores.")
    scores: CustomerRow | None
    happenings: list[Happening]
    events: list[dict[str, Any]] = Field(description="What was sent of them, as it was read.")
    assignments: list[dict[str, Any]] = Field(description="What campaigns planned for them.")
    crossings: list[dict[str, Any]] = Field(
        description="What webhooks are told of them, as long as that is kept."
    )


class ErasureAnswer(Answer):
    """What was removed."""

    removed: dict[str, int] = Field(description="Table of the store -> rows.")
