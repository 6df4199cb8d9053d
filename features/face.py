"""The public face of a package: its names, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562), so that importing a package imports nothing heavy.

    Parameters
    ----------
    package : str
    where : mapping of str to str
        Public name -> module that defines it.

    Examples
    --------
    >>> lazily("colours", {"pi": "math"})("pi")
    3.141592653589793
    """

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(where[name]), name)

    return get
