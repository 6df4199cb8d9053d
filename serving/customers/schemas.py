"""What is asked and answered about customers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from serving.http.cells import Id, within_years
from serving.inforce.schemas import Answer, CustomerRow, Terms
from training.scoring.columns import LIVE_STAGES, Stage

Sort = Literal["value_at_stake", "churn_risk", "clv", "updated_at"]
Format = Literal["json", "csv", "jsonl"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Amount = Annotated[float, Field(allow_inf_nan=False)]
MOST_IDS = 1000


class CustomerFilter(BaseModel):
    """Which customers are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: list[Stage] = Field(
        default=list(LIVE_STAGES),
        description="May be given several times; default: the live stages.",
    )
    min_risk: Share | None = Field(default=None, description="Least churn_risk.")
    max_risk: Share | None = Field(default=None, description="Highest churn_risk.")
    min_percentile: Percent | None = Field(default=None, description="Least risk_percentile.")
    max_percentile: Percent | None = Field(default=None, description="Highest risk_percentile.")
    min_clv: Amount | None = Field(default=None, description="Least clv.")
    max_clv: Amount | None = Field(default=None, description="Highest clv.")
    updated_since: Annotated[AwareDatetime, AfterValidator(within_years)] | None = Field(
        default=None, description="Rows written at this instant or later; with an offset."
    )


class CustomerQuery(CustomerFilter):
    """Which customers are asked for, in which order, and where the page begins."""

    sort: Sort = Field(
        default="value_at_stake",
        description="Live customers first, then the lapsed, each by this, highest first; by "
        "updated_at the oldest first.",
    )
    limit: int = Field(default=50, ge=1, le=1000, description="Customers on a page, at most.")
    cursor: str | None = Field(
        default=None, max_length=1024, description="next_cursor of the page before."
    )
    format: Format = Field(
        default="json",
        description="csv and jsonl (JSON lines) hold all customers at once, without limit and "
        "cursor.",
    )


class CustomerPage(Answer):
    """Customers in the order asked for; equal ones by customer_id."""

    currency: str | None
    definition: Terms
    total: int = Field(description="Customers on all pages.")
    customers: list[CustomerRow]
    next_cursor: str | None = Field(description="Null on the last page.")


class CustomerAnswer(Answer):
    """One customer."""

    currency: str | None
    definition: Terms
    customer: CustomerRow


class Lookup(BaseModel):
    """Whom a system wants to know about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_ids: list[Id] = Field(min_length=1, max_length=MOST_IDS)


class LookupAnswer(Answer):
    """Those who were scored, in the order asked for, each once; and those who were not."""

    currency: str | None
    definition: Terms
    customers: list[CustomerRow]
    missing: list[str]
