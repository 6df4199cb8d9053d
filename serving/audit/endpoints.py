"""The audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serving.access import needs
from serving.audit.schemas import AuditEntry, AuditPage, AuditQuery
from serving.http.openapi import problems
from serving.resources import StoreNow
from serving.store.audit import entries as logged

router = APIRouter(prefix="/v1", tags=["audit"], dependencies=[needs("admin")])


@router.get("/audit", responses=problems(422, 503))
def audit(query: Annotated[AuditQuery, Query()], store: StoreNow) -> AuditPage:
    """List what was done to the store, the latest first."""
    with store.reading() as connection:
        rows = logged(connection, query.before, query.limit + 1)
    entries = [AuditEntry(**row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return AuditPage(entries=entries, next_before=entries[-1].id if more else None)
