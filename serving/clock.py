"""What time it is: for leases by UTC, for the shop on its wall clock."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from zoneinfo import ZoneInfo


def utc_now() -> datetime:
    """The instant, in UTC and without an offset, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class ShopClock:
    """The shop's wall clock; or one that was set, and goes on from there.

    Parameters
    ----------
    start : datetime, optional
        What it shows at first, on the shop's wall clock; default: the time it is.

    Examples
    --------
    >>> ShopClock(datetime(2026, 1, 1)).now("Europe/Paris") >= datetime(2026, 1, 1)
    True
    """

    def __init__(self, start: datetime | None = None) -> None:
        self.start = start
        self._began = monotonic()

    def now(self, timezone: str) -> datetime:
        """The time, without an offset."""
        if self.start is None:
            return datetime.now(ZoneInfo(timezone)).replace(tzinfo=None)
        return datetime.fromtimestamp(
            self.start.replace(tzinfo=UTC).timestamp() + monotonic() - self._began, UTC
        ).replace(tzinfo=None)
