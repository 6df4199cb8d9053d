"""How long the periods are that metrics are of."""

from __future__ import annotations

from typing import Literal, get_args

Every = Literal["week", "month", "quarter", "year", "all"]
EVERY: tuple[Every, ...] = get_args(Every)
