"""Every table of the store, by what it is about; the history's are in `features.intake.store`."""

from features.intake.store.tables import METADATA
from serving.store.tables import access, campaigns, events, jobs, published, webhooks

__all__ = ["METADATA", "access", "campaigns", "events", "jobs", "published", "webhooks"]
