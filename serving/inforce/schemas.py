"""What every answer carries: a row of scores, the models' versions, and what the figures mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import pandas as pd
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    create_model,
)

from training.champions import CHURN, CLV
from training.scoring.columns import SCORE_COLUMNS, ScoreColumn

WallClock = Annotated[
    datetime,
    WithJsonSchema(
        {
            "type": "string",
            "description": "ISO date and time on the shop's wall clock (see timezone).",
            "examples": ["2026-01-01T00:00:00"],
        }
    ),
]
UtcInstant = Annotated[
    datetime,
    PlainSerializer(lambda instant: f"{instant.isoformat()}Z", return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "ISO date and time in UTC.",
            "examples": ["2026-01-01T00:00:00Z"],
        }
    ),
]
Versions = Annotated[
    dict[str, int],
    Field(description="Registered model -> version.", examples=[{CHURN: 3, CLV: 3}]),
]


class Answer(BaseModel):
    """What is sent has exactly the documented fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Terms(Answer):
    """What the figures mean: the definition that the models were trained for."""

    horizon_days: int = Field(
        description="churn_risk: no order with a positive amount in [as_of, as_of + horizon_days)."
    )
    clv_horizon_days: int = Field(description="clv: net spend in [as_of, as_of + these days).")
    currency: str | None = Field(description="Of every amount; null if the shop never named it.")
    timezone: str = Field(description="The shop's wall clock, for times without an offset.")
    margin_rate: float = Field(description="Share of net spend that counts as value in clv.")
    discount_rate_yearly: float
    churn_trained_as_of: WallClock
    clv_trained_as_of: WallClock

    def mean_the_same_as(self, other: Self) -> bool:
        """Whether figures of both may be compared, whenever their models were trained."""
        trained = {"churn_trained_as_of", "clv_trained_as_of"}
        return self.model_dump(exclude=trained) == other.model_dump(exclude=trained)


class ScoreFields(Answer):
    """The scores of one customer, with the columns of the batch's file."""

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Build from a row of a scores table, where NaN stands for what is unknown."""
        known = {n: None if v is pd.NA or v != v else v for n, v in row.items()}
        return cls.model_validate(known)


TYPES: dict[str, Any] = {
    "text": str,
    "instant": WallClock,
    "date": date,
    "whole": int,
    "number": float,
}


def _field(column: ScoreColumn) -> tuple[Any, Any]:
    kind = Literal[column.texts] if column.texts else TYPES[column.dtype]
    examples = ["2026-02-14", None] if column.dtype == "date" else None
    described = Field(description=column.meaning, examples=examples)
    return (kind | None if column.nullable else kind), described


# What the service says of a row besides.
STANDING: dict[str, Any] = {
    "as_of_source": (
        Literal["batch", "events"],
        Field(description="What last scored the customer: a run of the batch, or events since."),
    ),
    "stale": (
        bool,
        Field(description="Whether something came in that the scores do not know of yet."),
    ),
    "updated_at": (UtcInstant, Field(description="When the row was last written.")),
    "holdout": (
        bool,
        Field(
            description="Whether the customer is held out of a campaign that is planned or runs: "
            "send them nothing, or it cannot be told what the campaign brought."
        ),
    ),
}

if TYPE_CHECKING:
    ScoreRow = ScoreFields
    CustomerRow = ScoreFields
else:
    ScoreRow = create_model(
        "ScoreRow",
        __base__=ScoreFields,
        __doc__=ScoreFields.__doc__,
        **{column.name: _field(column) for column in SCORE_COLUMNS},
    )
    CustomerRow = create_model(
        "CustomerRow",
        __base__=ScoreRow,
        __doc__="The scores of one customer as they are in force.",
        **STANDING,
    )
