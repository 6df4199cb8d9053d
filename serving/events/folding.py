"""What the events of one thing say together: the same in whatever order they came, however often.

Each field is what the latest version says that tells of it; versions of one instant are ordered by
their content. So the state depends on the set of events alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Fields of rows of the history, as the store keeps them.
Fields = Mapping[str, Any]
# What makes two events be about the same thing; a refund is one of its order, by when it was.
IDENTITY = {
    "orders": ("order_id",),
    "feedback": ("feedback_id", "kind"),
    "offers": ("customer_id", "campaign_id", "offer_id", "offered_at"),
    "customers": ("customer_id",),
}
UNNAMED_FEEDBACK = ("customer_id", "created_at", "order_id", "kind")


@dataclass(frozen=True)
class Version:
    """What one event says of a thing.

    Attributes
    ----------
    version_at : datetime
    digest : str
        Of its content.
    fields : mapping
        Those that it tells of.
    """

    version_at: datetime
    digest: str
    fields: Fields


def identity_of(table: str, fields: Fields) -> str:
    """What an event is about, as text.

    Examples
    --------
    >>> identity_of("orders", {"order_id": "7", "amount": 5.0})
    '["orders","7"]'
    """
    names = IDENTITY[table]
    if table == "feedback" and fields.get("feedback_id") is None:
        names = UNNAMED_FEEDBACK
    refund = (fields["ordered_at"],) if table == "orders" and fields["amount"] < 0 else ()
    parts = [table, *(fields.get(name) for name in names), *refund]
    return json.dumps(parts, separators=(",", ":"), default=datetime.isoformat)


def digest_of(fields: Fields) -> str:
    """A digest of what an event says."""
    told = json.dumps(fields, sort_keys=True, default=datetime.isoformat)
    return hashlib.sha256(told.encode()).hexdigest()


def folded(base: Version | None, versions: Iterable[Version]) -> dict[str, Any]:
    """What a thing is by what was imported of it, and all events.

    Examples
    --------
    >>> made = Version(datetime(2026, 1, 1), "a", {"offer_id": "points", "cost": 2.0})
    >>> used = Version(datetime(2026, 1, 9), "b", {"offer_id": "points", "cost": 3.0})
    >>> folded(None, [used, made]) == folded(None, [made, used])
    True
    """
    found: dict[str, Any] = {}
    known = [base] if base is not None else []
    ordered = sorted([*known, *versions], key=lambda version: (version.version_at, version.digest))
    for version in ordered:
        for name, value in version.fields.items():
            is_nested = name == "attributes" and isinstance(value, dict)
            found[name] = {**found.get(name, {}), **value} if is_nested else value
    return found
