"""What is answered about models."""

from __future__ import annotations

from pydantic import Field

from serving.inforce.schemas import Answer, UtcInstant


class ModelVersion(Answer):
    """A registered version of a model."""

    name: str
    version: int
    in_force: bool = Field(description="Whether it makes the scores from now on.")
    created_at: UtcInstant
    run_id: str = Field(description="Of the training in MLflow, which has its card and figures.")
    candidate: str | None = Field(description="What kind of model it is.")
    horizon_days: int | None
    currency: str | None
    trained_as_of: str | None = Field(description="It was trained on what was known before.")
    promised: dict[str, float] = Field(
        description="Metrics in its backtest, means over origins; empty if it was not judged."
    )
    realised: dict[str, float] = Field(
        description="The same of what the champion before had forecast, once that could be known."
    )


class ModelList(Answer):
    """All versions, by name, newest first."""

    models: list[ModelVersion]
