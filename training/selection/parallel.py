"""Work on the folds of a backtest side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do the work on every item, in threads, and return the results in the order of the items.

    Threads share the panels, and LightGBM lets go of the interpreter while it works. Linear algebra
    keeps to the thread that asks for it: where cores are busy, its own threads mostly wait.

    The work must leave Polars alone: it waits for threads of its own with the interpreter's lock
    held, and one of those may want the lock for another caller (both then wait for ever).
    """
    with threadpool_limits(1), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(work, items))
