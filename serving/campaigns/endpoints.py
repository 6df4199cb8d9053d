"""Campaigns: drafted, started, handed out, told of, measured."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.access import Caller, needs
from serving.campaigns import service
from serving.campaigns.schemas import (
    AssignmentPage,
    AssignmentQuery,
    CampaignAnswer,
    CampaignOutcomes,
    CampaignPage,
    NewCampaign,
    OutcomesAnswer,
    ResultQuery,
    ResultsAnswer,
)
from serving.http.bodies import body_of
from serving.http.cells import Id
from serving.http.openapi import body, problems
from serving.repeated import RepeatableNow
from serving.resources import ResourcesNow, StoreNow

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
Campaigner = Annotated[Caller, needs("campaigns")]
CampaignId = Annotated[Id, Path()]
ANSWERS = problems(404, 409, 422, 503)


@router.post(
    "",
    status_code=202,
    responses=problems(409, 422, 503),
    openapi_extra=body(NewCampaign),
)
def draft(
    asked: Annotated[NewCampaign, body_of(NewCampaign)],
    store: StoreNow,
    caller: Campaigner,
    repeatable: RepeatableNow,
) -> CampaignAnswer:
    """Draft a campaign; a job plans it. Asked again with the same terms it is the same campaign."""
    return service.draft(store, asked, caller.name, repeatable)


@router.get("", responses=problems(422, 503))
def campaigns(store: StoreNow, _: Campaigner) -> CampaignPage:
    """List all campaigns."""
    return service.every(store)


@router.get("/{campaign_id}", responses=ANSWERS)
def campaign(campaign_id: CampaignId, store: StoreNow, _: Campaigner) -> CampaignAnswer:
    """Tell how far a campaign is."""
    return service.one(store, campaign_id)


@router.post("/{campaign_id}/start", responses=ANSWERS)
def start(
    campaign_id: CampaignId, store: StoreNow, resources: ResourcesNow, caller: Campaigner
) -> CampaignAnswer:
    """Make the offers: the history has them from now on, and who was held out."""
    return service.start(store, resources.clock, campaign_id, caller.name)


@router.post("/{campaign_id}/end", responses=ANSWERS)
def end(campaign_id: CampaignId, store: StoreNow, caller: Campaigner) -> CampaignAnswer:
    """End a campaign: nothing more is to be sent."""
    return service.end(store, campaign_id, caller.name)


@router.get("/{campaign_id}/assignments", responses=ANSWERS)
def assignments(
    campaign_id: CampaignId,
    query: Annotated[AssignmentQuery, Query()],
    store: StoreNow,
    resources: ResourcesNow,
    _: Campaigner,
) -> AssignmentPage:
    """Tell who is to get what, the holdout marked, with the consent that there is now."""
    return service.assignments(store, resources.clock, campaign_id, query)


@router.post(
    "/{campaign_id}/outcomes",
    responses=ANSWERS,
    openapi_extra=body(CampaignOutcomes),
    dependencies=[needs("events")],
)
def outcomes(
    campaign_id: CampaignId,
    told: Annotated[CampaignOutcomes, body_of(CampaignOutcomes)],
    store: StoreNow,
    resources: ResourcesNow,
) -> OutcomesAnswer:
    """Take what came of offers; good outcomes are kept, of each other is said what is wrong."""
    return service.outcomes(store, resources.clock, campaign_id, told.outcomes)


@router.get("/{campaign_id}/results", responses=ANSWERS)
def results(
    campaign_id: CampaignId,
    query: Annotated[ResultQuery, Query()],
    store: StoreNow,
    resources: ResourcesNow,
    _: Campaigner,
) -> ResultsAnswer:
    """Tell what a campaign brought, with intervals; before its window is over that is a 409."""
    return service.results(store, resources.clock, campaign_id, query.interim)
