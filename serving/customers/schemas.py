"""What is asked and answered about customers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from serving.inforce.schemas import Answer, ScoreRow, Terms
from training.scoring.columns import LIVE_STAGES, Stage


class CustomerQuery(BaseModel):
    """Which customers are asked for, and where the page begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: list[Stage] = Field(
        default=list(LIVE_STAGES),
        description="May be given several times; default: the live stages.",
    )
    min_risk: float = Field(
        default=0.0, ge=0, le=1, allow_inf_nan=False, description="Least churn_risk."
    )
    limit: int = Field(default=50, ge=1, le=1000, description="Customers on a page, at most.")
    cursor: str | None = Field(
        default=None, max_length=512, description="next_cursor of the page before."
    )


class CustomerPage(Answer):
    """Customers, the live first, by value at stake; equal ones by customer_id."""

    currency: str | None
    definition: Terms
    total: int = Field(description="Customers on all pages.")
    customers: list[ScoreRow]
    next_cursor: str | None = Field(description="Null on the last page.")


class CustomerAnswer(Answer):
    """One customer."""

    currency: str | None
    definition: Terms
    customer: ScoreRow
