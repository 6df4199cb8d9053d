"""Jobs: asked for, watched, called off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from serving.access import Caller, needs
from serving.http.bodies import body_of
from serving.http.openapi import body, problems
from serving.jobs import service
from serving.jobs.schemas import Job, JobPage, JobQuery, NewJob
from serving.repeated import RepeatableNow
from serving.resources import StoreNow

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
Admin = Annotated[Caller, needs("admin")]
JobId = Annotated[int, Path(ge=1, lt=2**63)]


@router.post(
    "",
    status_code=202,
    responses=problems(409, 422, 503),
    openapi_extra=body(NewJob),
)
def ask(
    asked: Annotated[NewJob, body_of(NewJob)],
    store: StoreNow,
    caller: Admin,
    response: Response,
    repeatable: RepeatableNow,
) -> Job:
    """Ask for a job: score, train or import. One of a kind at a time."""
    job = service.ask(store, asked.job, caller.name, repeatable)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@router.get("", responses=problems(422, 503))
def jobs(query: Annotated[JobQuery, Query()], store: StoreNow, _: Admin) -> JobPage:
    """List jobs, the latest first."""
    return service.page(store, query)


@router.get("/{job_id}", responses=problems(404, 422, 503))
def job(job_id: JobId, store: StoreNow, _: Admin) -> Job:
    """Tell how far a job is."""
    return service.one(store, job_id)


@router.post("/{job_id}/cancel", responses=problems(404, 422, 503))
def cancel(job_id: JobId, store: StoreNow, caller: Admin) -> Job:
    """Call a job off: one that waits ends at once, one that runs within seconds."""
    return service.cancel(store, job_id, caller.name)
