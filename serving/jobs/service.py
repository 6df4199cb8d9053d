"""Ask for jobs, look at them, and call them off."""

from __future__ import annotations

from serving.clock import utc_now
from serving.http.problems import FieldProblem, ProblemError
from serving.jobs import repository
from serving.jobs.schemas import Job, JobPage, JobQuery, JobRequest
from serving.repeated import ONCE, Repeatable
from serving.store.audit import record
from serving.store.database import Connection, Database


def ask(database: Database, asked: JobRequest, caller: str, repeatable: Repeatable = ONCE) -> Job:
    """A job that waits to be done; or the one that the same request asked for before.

    Raises
    ------
    ProblemError
        If a job of the kind waits or runs, or the key stands for another request.
    """
    request = asked.model_dump_json()
    with database.writing(alone="jobs") as connection:
        known = repeatable.made_before(connection, caller, request)
        if known is not None:
            return _job(connection, known)
        if (other := repository.open_of(connection, asked.kind)) is not None:
            detail = f"Job {other} of this kind waits or runs. Wait for it, or cancel it."
            raise ProblemError(409, detail)
        now = utc_now()
        content = asked.model_dump(mode="json", exclude={"kind"})
        made = repository.add(connection, now, kind=asked.kind, request=content, asked_by=caller)
        record(connection, now, caller, "job.asked", job=made, kind=asked.kind)
        repeatable.note(connection, caller, request, made, now)
        return _job(connection, made)


def one(database: Database, job_id: int) -> Job:
    """A job.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.reading() as connection:
        return _job(connection, job_id)


def page(database: Database, query: JobQuery) -> JobPage:
    """Jobs, the latest first."""
    with database.reading() as connection:
        rows = repository.listed(connection, query.state, query.before, query.limit + 1)
    jobs = [_of(row) for row in rows[: query.limit]]
    return JobPage(jobs=jobs, next_before=jobs[-1].id if len(rows) > query.limit else None)


def cancel(database: Database, job_id: int, caller: str) -> Job:
    """Call a job off; one that has ended stays as it is.

    Raises
    ------
    ProblemError
        If there is none of that id.
    """
    with database.writing() as connection:
        found = _job(connection, job_id)
        if found.state in repository.OPEN:
            repository.cancel(connection, job_id, utc_now())
            record(connection, utc_now(), caller, "job.cancelled", job=job_id)
        return _job(connection, job_id)


def _job(connection: Connection, job_id: int) -> Job:
    row = repository.find(connection, job_id)
    if row is None:
        problem = FieldProblem(
            place="path",
            field="job_id",
            detail=f"there is no job {job_id}",
            remedy="List them with GET /v1/jobs.",
        )
        raise ProblemError(404, f"There is no job {job_id}. {problem.remedy}", [problem])
    return _of(row)


def _of(row: repository.Row) -> Job:
    return Job(**{name: row[name] for name in Job.model_fields})
