"""Tables as JSON, which knows no NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def to_json(content: Mapping[Any, Any]) -> dict[str, Any]:
    """Lists and numbers with null for NaN.

    Examples
    --------
    >>> to_json({"low": [0.5, float("nan")]})
    {'low': [0.5, None]}
    """
    return {str(name): _each(value, _null) for name, value in content.items()}


def from_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `to_json`, for columns of numbers, truths and texts."""
    return {name: _each(value, _nan) for name, value in content.items()}


def _each(value: Any, change: Any) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _nan(value: Any) -> Any:
    return math.nan if value is None else value
