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

from features.intake.consent import WITHHELD

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
    """What an event is about, as a digest of what makes it that.

    Refunds of an order are told apart by their time, and by `refund_id` where they have one.
    """
    names = IDENTITY[table]
    if table == "feedback" and fields.get("feedback_id") is None:
        names = UNNAMED_FEEDBACK
    is_refund = table == "orders" and fields["amount"] < 0
    refund = (fields["ordered_at"], fields.get("refund_id")) if is_refund else ()
    parts = [table, *(fields.get(name) for name in names), *refund]
    told = json.dumps(parts, separators=(",", ":"), default=datetime.isoformat)
    return hashlib.sha256(told.encode()).hexdigest()


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
    ordered = sorted([*known, *versions], key=_rank)
    for version in ordered:
        for name, value in version.fields.items():
            is_nested = name == "attributes" and isinstance(value, dict)
            found[name] = {**found.get(name, {}), **value} if is_nested else value
    return found


def _rank(version: Version) -> tuple[datetime, bool, str]:
    """By time; of one instant, a consent that is withheld comes last, so that it counts."""
    withheld = version.fields.get("marketing_consent") in WITHHELD
    return version.version_at, withheld, version.digest
