"""Content as JSON knows it, which has no NaN, no tuples and no dates."""

from __future__ import annotations

import math
from datetime import date
from typing import Any


def plain(value: Any) -> Any:
    """Content as JSON knows it: NaN and infinities become null, dates ISO text.

    Examples
    --------
    >>> plain({"auc": float("nan"), "origins": (date(2024, 1, 5),)})
    {'auc': None, 'origins': ['2024-01-05']}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def restored(content: dict[str, Any]) -> dict[str, Any]:
    """Columns of numbers, truths and texts, and single ones, with NaN for null.

    Examples
    --------
    >>> restored({"low": [0.5, None]})
    {'low': [0.5, nan]}
    """
    return {name: _known(value) for name, value in content.items()}


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(one) for one in value]
    return math.nan if value is None else value
