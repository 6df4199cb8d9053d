"""What time it is: for leases by every server's own clock, for the shop by the service's."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The instant, in UTC and without an offset, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)
