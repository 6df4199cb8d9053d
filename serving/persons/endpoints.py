"""One person, asked for or erased; the paths come before that of their scores."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from serving.access import Caller, needs
from serving.http.openapi import problems
from serving.persons import service
from serving.persons.schemas import ErasureAnswer, ExportAnswer, FeaturesAnswer, TimelineAnswer
from serving.resources import ChampionsNow, ResourcesNow, StoreNow

router = APIRouter(prefix="/v1", tags=["customers"])
CustomerId = Annotated[
    str, Path(min_length=1, description="A slash in it may be written as %2F or /.")
]
Admin = Annotated[Caller, needs("admin")]
ANSWERS: dict[int | str, dict[str, Any]] = problems(404, 422, 503)
READ = [needs("read")]
PLACE = "/customers/{customer_id:path}"


@router.get(f"{PLACE}/timeline", responses=ANSWERS, dependencies=READ)
def timeline(customer_id: CustomerId, store: StoreNow) -> TimelineAnswer:
    """Tell what happened with a customer, the earliest first."""
    return service.timeline(store, customer_id)


@router.get(f"{PLACE}/features", responses=ANSWERS, dependencies=READ)
def features(
    customer_id: CustomerId, store: StoreNow, champions: ChampionsNow, resources: ResourcesNow
) -> FeaturesAnswer:
    """Tell what the models look at, as of now, with what it means."""
    return service.features(store, champions, resources.clock, customer_id)


@router.get(f"{PLACE}/export", responses=ANSWERS)
def export(customer_id: CustomerId, store: StoreNow, caller: Admin) -> ExportAnswer:
    """Give everything that is stored of a customer, as they may ask for by law."""
    return service.export(store, customer_id, caller.name)


@router.delete(PLACE, responses=ANSWERS)
def erase(
    customer_id: CustomerId, store: StoreNow, caller: Admin, resources: ResourcesNow
) -> ErasureAnswer:
    """Remove everything that is stored of a customer; what happened before does not come back."""
    return service.erase(store, resources.clock, customer_id, caller.name)
