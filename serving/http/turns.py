"""Work that takes a processor for a while: a few at once, some more that wait, no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from serving.http.problems import ProblemError

Result = TypeVar("Result")
# In seconds: by then some of those who wait have had their turn.
COME_BACK = 2


class Turns:
    """Threads for work, and the queue before them.

    Parameters
    ----------
    at_once : int
    waiting : int
        Who comes when so many wait is asked to come back.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._inside = 0
        self._limiter: CapacityLimiter | None = None

    async def take(self, work: Callable[[], Result]) -> Result:
        """Do some work in a thread when it is its turn.

        Raises
        ------
        ProblemError
            503 with Retry-After if too many wait already.
        """
        if self._limiter is None:  # Within the event loop that it is of.
            self._limiter = CapacityLimiter(self._at_once)
        if self._inside >= self._at_once + self._waiting:
            raise ProblemError(
                503,
                f"The service is busy: {self._waiting} requests wait to be scored. Come back in "
                f"{COME_BACK} seconds.",
                headers={"Retry-After": str(COME_BACK)},
            )
        self._inside += 1
        try:
            return await run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
