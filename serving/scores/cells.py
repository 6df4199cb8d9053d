"""What a single value of a request must be: ids, text, numbers, instants, attributes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from features.explanations import refusal
from features.intake.rows.judged import LARGEST

MONTH_AND_DAY = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|[12][0-9]))"
)
TIME = (
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?)?"
)
ISO = rf"^(?!0000)[0-9]{{4}}-{MONTH_AND_DAY}{TIME}$"
ISO_AS_OF = rf"^(19[7-9][0-9]|2[0-9]{{3}})-{MONTH_AND_DAY}{TIME}$"


def _instant(given: Any) -> str:
    """An ISO date or instant in one spelling; the offset, if there is one, is kept."""
    if not isinstance(given, str) or re.fullmatch(ISO, given) is None:
        kind = "" if isinstance(given, str) else f"; got {type(given).__name__}"
        raise refusal(
            f"must be an ISO date or instant as text{kind}",
            "Write for example 2011-09-10, 2011-09-10T08:00 or 2011-09-10T08:00+02:00; without "
            "an offset it is the shop's wall clock.",
        )
    try:
        return datetime.fromisoformat(given).isoformat()
    except ValueError as error:
        raise refusal(f"must be a date that exists: {error}", "Correct it.") from None


def _instant_of_prediction(given: str) -> str:
    if re.fullmatch(ISO_AS_OF, given) is None:
        raise refusal("must be in the years 1970 to 2999", "Check the year.")
    return given


def _attribute(given: Any) -> str | float | bool | None:
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str) and given.encode("utf-8", "ignore").decode() == given:
        return storable(given)
    if isinstance(given, int | float) and abs(given) <= LARGEST:
        return given
    raise refusal(
        f"must be text, a number within ±{LARGEST:g}, true, false or null",
        "Send one value for each attribute.",
    )


def storable(text: str) -> str:
    """The same text, which databases can hold."""
    if "\0" in text:
        raise refusal("must not hold the character NUL", "Remove it.")
    return text


def _described(pattern: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": pattern,
            "description": "ISO date or instant; without an offset it is the shop's wall clock.",
            "examples": ["2011-09-10", "2011-09-10T08:00:00+02:00"],
        }
    )


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=r"\S"),
    AfterValidator(storable),
]
Id = Annotated[Text, Field(description="Ids are text: `00001` stays `00001`.")]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Instant = Annotated[str, PlainValidator(_instant), _described(ISO)]
AsOf = Annotated[
    str,
    PlainValidator(_instant),
    AfterValidator(_instant_of_prediction),
    _described(ISO_AS_OF),
]
Attribute = Annotated[
    str | float | bool | None,
    PlainValidator(_attribute),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
                {"type": "boolean"},
                {"type": "null"},
            ]
        }
    ),
]
