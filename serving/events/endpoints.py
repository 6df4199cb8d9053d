"""Events as they happen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from serving.access import needs
from serving.events.schemas import Envelope, Events, EventsAnswer
from serving.events.service import take_events
from serving.http.bodies import body_of
from serving.http.openapi import body, problems
from serving.resources import ResourcesNow, StoreNow, default_settings

router = APIRouter(prefix="/v1", tags=["events"], dependencies=[needs("events")])


@router.post("/events", responses=problems(422, 503), openapi_extra=body(Events))
def events(
    sent: Annotated[Envelope, body_of(Envelope)], store: StoreNow, resources: ResourcesNow
) -> EventsAnswer:
    """Take up to 1,000 events; good ones are kept, and of each other is said what is wrong.

    An event is taken once: sent again it is counted as a duplicate. Those whom events are about are
    scored again within seconds.
    """
    return take_events(store, sent.events, resources.clock, lambda: default_settings(resources))
