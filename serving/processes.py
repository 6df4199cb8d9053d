"""Processes that belong together: what they count, what only one does, and when they leave."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

# Where they meet; a process that is alone has none.
PLACE = "HOLDFAST_TOGETHER"
# Read by prometheus_client when it is imported: it then counts in files there.
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
# In seconds: how often it is looked whether a parent is still there.
LOOK = 1.0


@contextmanager
def together() -> Iterator[None]:
    """Give a place to the processes that are begun from here on."""
    with TemporaryDirectory(prefix="holdfast-together-") as place:
        os.environ[PLACE] = os.environ[COUNTS] = place
        try:
            yield
        finally:
            del os.environ[PLACE], os.environ[COUNTS]


class Turn:
    """The right to do what one process of a service does; it ends with the process.

    Examples
    --------
    >>> with together():
    ...     first, second = Turn(), Turn()
    ...     print(first.take(), second.take())
    ...     first.end()
    ...     print(second.take())
    ...     second.end()
    True False
    True
    >>> Turn().take()
    True
    """

    def __init__(self) -> None:
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is one's own; a process that is alone always has it."""
        place = os.environ.get(PLACE)
        if place is None or self._file is not None:
            return True
        import fcntl  # Not on every system; nor are several processes.

        file = os.open(Path(place, "turn.lock"), os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def end(self) -> None:
        """Leave it to others."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def leave_with(parent: int, leave: Callable[[], object]) -> None:
    """Leave when a process is no longer the parent; it is looked for in a thread of its own."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        leave()

    threading.Thread(target=watch, daemon=True).start()
