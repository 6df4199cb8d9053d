"""What is answered about the audit log."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.inforce.schemas import Answer, UtcInstant


class AuditQuery(BaseModel):
    """Which part of the log is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=1000, description="Entries on a page, at most.")
    before: int | None = Field(
        default=None, ge=1, lt=2**63, description="Entries before this id: `next_before`."
    )


class AuditEntry(Answer):
    """Something that was done."""

    id: int
    at: UtcInstant
    actor: str = Field(description="Name of the key, `local` without one, or `command line`.")
    action: str
    subject: str | None = Field(description="The customer it was about, as a keyed hash.")
    facts: dict[str, Any]


class AuditPage(Answer):
    """Entries, the latest first."""

    entries: list[AuditEntry]
    next_before: int | None = Field(description="Null on the last page.")
