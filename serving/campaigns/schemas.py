"""What is asked of campaigns, and answered about them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from features.intake.rows.judged import LARGEST
from serving.http.cells import AsOf, Document, Id, Instant
from serving.inforce.schemas import Answer, UtcInstant, WallClock
from serving.rows.schemas import RequestModel

CampaignState = Literal["draft", "planned", "running", "ended"]
Group = Literal["treatment", "holdout", "none"]
MOST_OUTCOMES = 1000


class NewCampaign(RequestModel):
    """A campaign that is to be planned."""

    campaign_id: Id
    offers: Document = Field(
        description="As in an offers file: offer -> its keys; see docs/offers.md.", min_length=1
    )
    defaults: Document = Field(
        default_factory=dict, description="Keys of every offer that does not say otherwise."
    )
    budget: float = Field(
        ge=0,
        le=LARGEST,
        allow_inf_nan=False,
        description="What the offers may be expected to cost together.",
    )
    holdout: float = Field(default=0.1, gt=0, lt=1, description="Share held out at random.")
    explore: float = Field(default=0.05, ge=0, le=0.5, description="Share with a random offer.")
    as_of: AsOf | None = Field(default=None, description="Of the plan; default: the time it is.")


class CampaignCounts(Answer):
    """What a plan comes to."""

    treatment: int
    holdout: int
    none: int
    expected_cost: float
    expected_profit: float


class CampaignAnswer(Answer):
    """A campaign, and how far it is."""

    campaign_id: str
    state: CampaignState
    terms: dict[str, Any]
    created_by: str
    created_at: UtcInstant
    planned_at: UtcInstant | None
    started_at: UtcInstant | None
    ended_at: UtcInstant | None
    job_id: int | None = Field(description="The job that plans it; its error says what failed.")
    counts: CampaignCounts | None = Field(description="Null until it is planned.")


class CampaignPage(Answer):
    """Campaigns, by their id."""

    campaigns: list[CampaignAnswer]


class AssignmentQuery(BaseModel):
    """Which assignments are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: list[Group] = Field(default=["treatment", "holdout"])
    limit: int = Field(default=100, ge=1, le=1000, description="Customers on a page, at most.")
    after: str | None = Field(
        default=None, max_length=256, description="Customers after this id: `next_after`."
    )


class Assigned(Answer):
    """What a customer is to get, and whether it may be sent."""

    customer_id: str
    group: Group = Field(description="`holdout` must not get the offer: it shows what it brings.")
    offer: str | None = Field(description="The offer to make; null for all but treatment.")
    intended_offer: str = Field(description="The offer that was intended, also for the holdout.")
    send: bool = Field(description="Treatment, with a consent that was given and not withdrawn.")
    consent: Literal["unrecorded", "withheld", "unclear", "given"] = Field(
        description="As it is now, not as it was when the plan was made."
    )
    propensity: float
    expected_uplift: float
    expected_cost: float
    expected_profit: float
    reason: str | None


class AssignmentPage(Answer):
    """Assignments by customer_id."""

    campaign_id: str
    state: CampaignState
    assignments: list[Assigned]
    next_after: str | None = Field(description="Null on the last page.")


class Outcome(RequestModel):
    """What came of an offer."""

    customer_id: Id
    redeemed_at: Instant | None = None
    refused_at: Instant | None = None
    cost: float | None = Field(
        default=None,
        ge=0,
        le=LARGEST,
        allow_inf_nan=False,
        description="What it cost once redeemed.",
    )


class CampaignOutcomes(RequestModel):
    """What came of the offers of a campaign."""

    outcomes: list[Outcome] = Field(min_length=1, max_length=MOST_OUTCOMES)


class NotTaken(Answer):
    """An outcome that was not taken."""

    index: int
    detail: str
    remedy: str


class OutcomesAnswer(Answer):
    """What became of every outcome."""

    accepted: int
    duplicate: int
    rejected: list[NotTaken]


class ResultQuery(BaseModel):
    """Whether figures of an open window are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interim: bool = Field(default=False, description="Also before the window is over.")


class ResultsAnswer(Answer):
    """What a campaign brought, as `holdfast measure --json` has it."""

    measured_at: WallClock
    results: dict[str, Any]
