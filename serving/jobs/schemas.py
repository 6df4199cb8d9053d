"""What is asked of jobs, and answered about them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.http.cells import AsOf, Text
from serving.inforce.schemas import Answer, UtcInstant
from serving.rows.schemas import RequestModel

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Kind = Literal["score", "train", "import", "plan"]


class ScoreJob(RequestModel):
    """Score everybody with the models in force, and put the scores in force."""

    kind: Literal["score"]
    as_of: AsOf | None = Field(default=None, description="Default: the time it is.")
    reasons: int = Field(default=1000, ge=0, description="Customers who get reasons, by value.")


class TrainJob(RequestModel):
    """Train models on the store's history, and promote them where they are no worse."""

    kind: Literal["train"]
    as_of: AsOf | None = Field(default=None, description="Default: the time it is.")
    horizon_days: int | None = Field(default=None, ge=1, le=1095)
    clv_horizon_days: int | None = Field(default=None, ge=1, le=1095)


class ImportJob(RequestModel):
    """Bring another history into the store."""

    kind: Literal["import"]
    history: Text = Field(description="Folder or file on the server, or a SQL URL.")
    format: Text | None = Field(default=None, description="The export that the files are.")


JobRequest = Annotated[ScoreJob | TrainJob | ImportJob, Field(discriminator="kind")]


class NewJob(BaseModel):
    """A job that is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job: JobRequest


class Job(Answer):
    """A job, and how far it is."""

    id: int
    kind: Kind
    state: State
    request: dict[str, Any]
    progress: str | None = Field(description="What is being done, in words.")
    result: dict[str, Any] | None
    error: str | None
    attempts: int = Field(description="How often it was begun: again after its process was lost.")
    asked_by: str
    created_at: UtcInstant
    started_at: UtcInstant | None
    ended_at: UtcInstant | None


class JobPage(Answer):
    """Jobs, the latest first."""

    jobs: list[Job]
    next_before: int | None = Field(description="Null on the last page.")


class JobQuery(BaseModel):
    """Which jobs are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    limit: int = Field(default=50, ge=1, le=200, description="Jobs on a page, at most.")
    before: int | None = Field(
        default=None, ge=1, lt=2**63, description="Jobs before this id: `next_before`."
    )
