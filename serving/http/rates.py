"""How often somebody may ask."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


class Limiter:
    """Counts requests of the last minute, in this process."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait(self, name: str, per_minute: int) -> int:
        """Count a request; seconds to wait if there were too many, else 0."""
        limit = RateLimitItemPerMinute(per_minute)
        if self._limiter.hit(limit, name):
            return 0
        until = self._limiter.get_window_stats(limit, name).reset_time
        return max(1, math.ceil(until - time.time()))
