"""Registered models, and which of them are in force."""

from __future__ import annotations

from datetime import UTC

from fastapi import APIRouter

from serving.access import needs
from serving.http.openapi import problems
from serving.models.schemas import ModelList, ModelVersion
from serving.resources import ResourcesNow, not_ready
from training.registry.store import TrackingError
from training.registry.versions import RegisteredVersion

router = APIRouter(prefix="/v1", tags=["models"], dependencies=[needs("read")])


@router.get("/models", responses=problems(503))
def models(resources: ResourcesNow) -> ModelList:
    """List the versions of all models: what each promised, and which are in force."""
    try:
        found = resources.tracker.list_models()
        in_force = resources.tracker.champions()
    except TrackingError as error:
        raise not_ready({"tracking store": str(error)}) from None
    return ModelList(models=[_answer(each, in_force.get(each.name)) for each in found])


def _answer(found: RegisteredVersion, in_force: int | None) -> ModelVersion:
    return ModelVersion(
        name=found.name,
        version=found.version,
        in_force=found.version == in_force,
        created_at=found.created.astimezone(UTC).replace(tzinfo=None),
        run_id=found.run_id,
        candidate=found.tags.get("candidate"),
        horizon_days=found.horizon_days,
        currency=found.tags.get("currency") or None,
        trained_as_of=found.tags.get("as_of"),
        promised=found.promised,
        realised=found.realised,
    )
