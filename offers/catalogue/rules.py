"""What the keys of an offer may hold: a type for each rule, for files and for objects alike."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from features.explanations import in_words, refusal
from features.schema import NO_OFFER
from offers.catalogue.signals import SIGNALS
from training.scoring.columns import Stage

Kind = Literal[
    "discount",
    "points",
    "cashback",
    "tier_upgrade",
    "service_recovery",
    "gift",
    "survey",
    "onboarding",
    "renewal_reminder",
]
KINDS: tuple[str, ...] = get_args(Kind)
SIGNAL_NAMES = tuple(SIGNALS)
RESERVED = {NO_OFFER: "means no offer", "total": "names all offers together in results"}


def _free_id(offer_id: str) -> str:
    """The history cuts blanks off ids, and says `none` for customers held out."""
    if meaning := RESERVED.get(offer_id.lower()):
        raise refusal(f"must have another id, for it {meaning}", "Rename it.")
    if offer_id.strip() != offer_id or not offer_id:
        raise refusal("must be text without blanks around it", "Rename it.")
    return offer_id


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise refusal("must name at least one", "Leave the key out for all the live stages.")
    return names


def _different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise refusal("must name each once", "Remove the others.")
    return names


def _no_limit(count: Any) -> Any:
    """A file says `inf`, for TOML has no null."""
    return None if count == math.inf else count


OfferId = Annotated[str, AfterValidator(_free_id)]
# mypy knows no literals but spelt-out ones.
Signal = Literal[SIGNAL_NAMES]  # type: ignore[valid-type]
Amount = Annotated[float, Field(ge=0)]
OrderShare = Annotated[
    float,
    Field(ge=0, le=1),
    in_words("must be a share of the order from 0 to 1", "Write for example 0.1 for 10 %."),
]
Positive = Annotated[float, Field(gt=0)]
Capacity = Annotated[int, Field(ge=0)]
Cap = Annotated[int, Field(ge=1)]
FileCapacity = Annotated[
    Capacity | None,
    BeforeValidator(_no_limit),
    in_words("must be a whole number >= 0, or inf for no limit", "Write for example 500."),
]
FileCap = Annotated[
    Cap | None,
    BeforeValidator(_no_limit),
    in_words("must be a whole number >= 1, or inf for no limit", "Write for example 2."),
]
Stages = Annotated[tuple[Stage, ...], AfterValidator(_some), AfterValidator(_different)]
Signals = Annotated[tuple[Signal, ...], AfterValidator(_different)]
Prior = Annotated[
    tuple[Positive, Positive],
    in_words(
        "must be [alpha, beta] of a Beta, two numbers > 0", "Write for example [6, 14] for 30 %."
    ),
]
