"""What every answer carries: a row of scores, the models' versions, and what the figures mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from training.champions import CHURN, CLV

Stage = Literal["new", "active", "at_risk", "lapsed"]
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
Share = Annotated[float, Field(description="From 0 to 1.")]
Percent = Annotated[float, Field(description="From 0 to 100, the riskiest.")]
Money = Annotated[float, Field(description="In `currency`.")]
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


class ScoreRow(Answer):
    """The scores of one customer, with the columns of the batch's file."""

    customer_id: str
    as_of: WallClock
    horizon_days: int
    churn_risk: Share
    risk_percentile: Percent | None
    stage: Stage
    stage_percentile: Percent | None
    clv_horizon_days: int
    clv: Money
    clv_if_active: Money
    value_at_risk: Money
    days_since_last_order: float
    reason_1: str | None
    reason_2: str | None
    reason_3: str | None
    churn_model: str
    churn_model_version: int
    clv_model_version: int

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Build from a row of a scores table, where NaN stands for what is unknown."""
        known = {name: None if pd.isna(value) else value for name, value in row.items()}
        return cls.model_validate(known)
