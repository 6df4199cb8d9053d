"""What every answer carries: a row of scores, the models' versions, and what the figures mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
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

    customer_id: str = Field(description="As in the history.")
    as_of: WallClock = Field(description="The instant of prediction, on the shop's wall clock.")
    horizon_days: int = Field(description="Horizon of churn, in days.")
    churn_risk: float = Field(
        description="Probability of no order in the `horizon_days` after `as_of`, 0 to 1."
    )
    risk_percentile: float | None = Field(
        description="Rank of the risk among all customers, 0 to 100; 100 is the riskiest."
    )
    stage: Stage = Field(description="`lapsed`, `new`, `at_risk` or `active`.")
    stage_percentile: float | None = Field(
        description="Rank of the risk within the stage, 0 to 100."
    )
    p_alive: float = Field(
        description="Probability that the customer has not left for good, that is, of an order "
        "however late; 0 to 1."
    )
    expected_next_order: date | None = Field(
        description="Date by which the next order is as likely as not to have come; null if that "
        "is beyond the CLV window.",
        examples=["2026-02-14", None],
    )
    survival_30d: float = Field(description="Probability of no order within 30 days, 0 to 1.")
    survival_60d: float = Field(description="The same within 60 days.")
    survival_90d: float = Field(description="The same within 90 days.")
    survival_180d: float = Field(description="The same within 180 days.")
    survival_365d: float = Field(description="The same within 365 days.")
    clv_horizon_days: int = Field(description="Length of the CLV window, in days.")
    clv: float = Field(
        description="Expected net spend in the CLV window: `p_active` x `orders_if_active` x "
        "`order_value`; in `currency`."
    )
    clv_low: float = Field(
        description="Lower end of the 80% interval of net spend in the CLV window, its 10% "
        "quantile: 0 where the chance of no order is 10% or more; in `currency`."
    )
    clv_high: float = Field(
        description="Upper end of that interval, the 90% quantile: 0 where the chance of an order "
        "is 10% or less; in `currency`."
    )
    p_active: float = Field(description="Probability of an order in the CLV window, 0 to 1.")
    orders_if_active: float = Field(
        description="Expected purchase days in the CLV window given at least one."
    )
    order_value: float = Field(
        description="Expected value of one of these purchase days; in `currency`."
    )
    expected_orders: float = Field(
        description="Expected purchase days in the CLV window: `p_active` x `orders_if_active`."
    )
    clv_if_active: float = Field(
        description="Expected net spend in the CLV window given an order in it: "
        "`orders_if_active` x `order_value`; in `currency`."
    )
    spend_if_active_low: float = Field(
        description="Lower end of the 80% interval of net spend in the CLV window given an order "
        "in it; in `currency`."
    )
    spend_if_active_high: float = Field(description="Upper end of that interval; in `currency`.")
    value_at_risk: float = Field(description="`churn_risk` x `clv_if_active`; in `currency`.")
    days_since_last_order: float = Field(description="From the last order to `as_of`, in days.")
    reason_1: str | None = Field(
        description="What raises the risk most, in words; null where it was not asked for, or "
        "nothing does."
    )
    reason_2: str | None = Field(description="What raises it next.")
    reason_3: str | None = Field(description="And next.")
    churn_model: str = Field(description="The candidate behind `churn_risk`.")
    basis: str = Field(description="What the risk rests on, in words.")
    churn_model_version: int = Field(description="Version of `churn-risk`.")
    clv_model_version: int = Field(description="Version of `clv-forecast`.")

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Build from a row of a scores table, where NaN stands for what is unknown."""
        known = {name: None if pd.isna(value) else value for name, value in row.items()}
        return cls.model_validate(known)
