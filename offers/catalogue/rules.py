"""What an offer's keys may hold: one rule each, for files and for objects alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from offers.catalogue.signals import SIGNALS
from training.scoring.columns import STAGES

KINDS = (
    "discount",
    "points",
    "cashback",
    "tier_upgrade",
    "service_recovery",
    "gift",
    "survey",
    "onboarding",
    "renewal_reminder",
)
UNLIMITED = ("capacity", "contact_cap")


@dataclass(frozen=True)
class Key:
    """The rule of one key, in words and as a test."""

    rule: str
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _amount(most: float = math.inf) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and 0 <= value <= most


def _count(least: int) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return value is None or (is_whole and value >= least)

    return holds


def _some_of(allowed: Collection[str], least: int) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            return False
        return len(value) >= least and len(set(value)) == len(value) and set(value) <= set(allowed)

    return holds


def _is_beta(value: Any) -> bool:
    is_pair = isinstance(value, tuple) and len(value) == 2
    return is_pair and all(_is_number(item) and item > 0 for item in value)


_MONEY = Key("an amount of money >= 0", _amount())
_DAYS = Key("a number of days >= 0", _amount())

KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "kind": Key(f"one of {list(KINDS)}", lambda value: value in KINDS),
        "fixed_cost": _MONEY,
        "cost_share": Key("a share of the order from 0 to 1", _amount(1.0)),
        "contact_cost": _MONEY,
        "capacity": Key("a whole number >= 0, or inf for no limit", _count(0)),
        "stages": Key(f"a list of different stages among {list(STAGES)}", _some_of(STAGES, 1)),
        "min_clv": _MONEY,
        "contact_cap": Key("a whole number >= 1, or inf for no limit", _count(1)),
        "contact_cap_days": Key(
            "a number of days > 0", lambda value: _is_number(value) and value > 0
        ),
        "refusal_cooldown_days": _DAYS,
        "addresses": Key(
            f"a list of different signals among {list(SIGNALS)}", _some_of(SIGNALS, 0)
        ),
        "prior": Key("[alpha, beta] of a Beta, two numbers > 0", _is_beta),
    }
)


def as_values(section: Mapping[str, Any]) -> dict[str, Any]:
    """What TOML says, as an offer holds it: lists are tuples, a count of `inf` is no limit."""
    read = {name: tuple(v) if isinstance(v, list) else v for name, v in section.items()}
    return read | {name: None for name in UNLIMITED if read.get(name) == math.inf}


def mistakes(where: str, section: Mapping[str, Any]) -> list[str]:
    """What is wrong with the given keys of one table, a sentence each.

    Examples
    --------
    >>> mistakes("offers.points", {"kind": "points", "cost_share": 2})
    ['offers.points.cost_share must be a share of the order from 0 to 1; got 2.']
    """
    unknown = [
        f"{where}.{name} must be one of the keys {list(KEYS)}; it is unknown."
        for name in section
        if name not in KEYS
    ]
    wrong = [
        f"{where}.{name} must be {key.rule}; got {_shown(section[name])}."
        for name, key in KEYS.items()
        if name in section and not key.holds(section[name])
    ]
    return unknown + wrong


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
