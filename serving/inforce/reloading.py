"""A value from outside that is loaded again when it has changed there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


class LoadError(Exception):
    """A value cannot be loaded; the message says why and what to do."""


class NotLoadedError(Exception):
    """There is no value yet."""


@dataclass(frozen=True)
class Source(Generic[T]):
    """Where a value comes from.

    Attributes
    ----------
    name : str
        What it is, for messages.
    version : callable
        Something that differs once the value has changed; quick.
    load : callable
        The value. Both raise LoadError.
    """

    name: str
    version: Callable[[], Hashable]
    load: Callable[[], T]


@dataclass(frozen=True)
class _State(Generic[T]):
    """What was last loaded, and why that is not what is there, if so."""

    value: T | None = None
    version: Hashable = None
    error: str | None = None


class Watched(Generic[T]):
    """The latest value of a source that could be loaded.

    Value and version are swapped in one assignment, so every reader has a whole one.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source[T]) -> None:
        self._source = source
        self._looking = threading.Lock()
        self._state: _State[T] = _State()

    def current(self) -> T:
        """Return the value as it was last loaded.

        Raises
        ------
        NotLoadedError
            If none could be loaded so far; says why.
        """
        state = self._state
        if state.value is None:
            raise NotLoadedError(state.error or f"{self._source.name} are being loaded.")
        return state.value

    @property
    def error(self) -> str | None:
        """Why the value is not what its source holds; None if it is."""
        return self._state.error

    def look(self) -> None:
        """Look at the source, and swap the value if it has changed there; it blocks."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._state = self._looked(self._state)
        finally:
            self._looking.release()

    def _looked(self, state: _State[T]) -> _State[T]:
        try:
            version = self._source.version()
            if state.value is not None and version == state.version:
                return _State(state.value, state.version)
            loaded = _State(self._source.load(), version)
        except LoadError as error:
            if str(error) != state.error:
                log.warning("%s cannot be loaded: %s", self._source.name, error)
            return _State(state.value, state.version, str(error))
        except Exception as error:  # Whatever it is, the next look may find it mended.
            log.exception("%s cannot be loaded", self._source.name)
            return _State(state.value, state.version, f"{type(error).__name__}: {error}")
        log.info("%s loaded: %s", self._source.name, version)
        return loaded
