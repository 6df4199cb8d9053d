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

TIME = r"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
WRITTEN = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({TIME}{OFFSET}?)?")
# From the first to the last, as patterns.
ANY_YEAR, YEARS_OF_PREDICTION = "(?!0000)", "(?=19[7-9]|2)"
# A schema cannot ask a calendar.
LEAP_YEAR = r"([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
DAY = (
    r"([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    rf"|02-(0[1-9]|1[0-9]|2[0-8]))|{LEAP_YEAR}-02-29)"
)
# Any text but NUL, and that which is not blank either.
STORABLE = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


def _instant(given: Any) -> str:
    """An ISO date or instant in one spelling; the offset, if there is one, is kept."""
    if not isinstance(given, str) or WRITTEN.fullmatch(given) is None:
        kind = "" if isinstance(given, str) else f"; got {type(given).__name__}"
        raise refusal(
            f"must be an ISO date or instant as text{kind}",
            "Write for example 2011-09-10, 2011-09-10T08:00 or 2011-09-10T08:00+02:00; without "
            "an offset it is the shop's wall clock.",
        )
    try:
        return within_years(datetime.fromisoformat(given.upper())).isoformat()
    except ValueError as error:
        raise refusal(f"must be a date that exists: {error}", "Correct it.") from None


def within_years(instant: datetime) -> datetime:
    """The same instant, which has a date on every clock of the world.

    Raises
    ------
    ValueError
        If it has none.
    """
    if not 1 < instant.year < 9999:
        raise ValueError(f"year {instant.year} is out of range")
    return instant


def _instant_of_prediction(given: str) -> str:
    if re.match(YEARS_OF_PREDICTION, given) is None:
        raise refusal("must be in the years 1970 to 2999", "Check the year.")
    return given


def _attribute(given: Any) -> str | float | bool | None:
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str) and is_storable(given.replace("\0", "")):
        return storable(given)
    if isinstance(given, int | float) and abs(given) <= LARGEST:
        return given
    raise refusal(
        f"must be text, a number within ±{LARGEST:g}, true, false or null",
        "Send one value for each attribute.",
    )


def is_storable(text: str) -> bool:
    """Whether databases can hold a text: none holds NUL, or half a character."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text


def storable(text: str) -> str:
    """The same text, which databases can hold."""
    if "\0" in text:
        raise refusal("must not hold the character NUL", "Remove it.")
    return text


def _storable_throughout(document: Any) -> Any:
    """The same document, all texts of which databases can hold, its keys too."""
    inner: list[Any] = [document]
    while inner:
        each = inner.pop()
        if isinstance(each, dict):
            inner += [*each, *each.values()]
        elif isinstance(each, list):
            inner += each
        elif isinstance(each, str) and not is_storable(each):
            raise refusal("must hold no NUL and no half of a character", "Remove it.")
    return document


def _described(years: str) -> WithJsonSchema:
    """A date, an instant of RFC 3339, or one as people write it, with or without an offset."""
    written = (
        {"format": "date-time", "pattern": rf"^{years}"},
        {"format": "date", "pattern": rf"^{years}"},
        {"pattern": rf"^{years}{DAY}{TIME}{OFFSET}?$"},
    )
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", **way} for way in written],
            "description": "ISO date or instant; without an offset it is the shop's wall clock.",
            "examples": ["2011-09-10", "2011-09-10T08:00:00+02:00"],
        }
    )


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=r"\S"),
    AfterValidator(storable),
    Field(json_schema_extra={"pattern": NOT_BLANK}),
]
# An object whose fields others read.
Document = Annotated[dict[str, Any], AfterValidator(_storable_throughout)]
Id = Annotated[Text, Field(description="Ids are text: `00001` stays `00001`.")]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Instant = Annotated[str, PlainValidator(_instant), _described(ANY_YEAR)]
AsOf = Annotated[
    str,
    PlainValidator(_instant),
    AfterValidator(_instant_of_prediction),
    _described(YEARS_OF_PREDICTION),
]
Attribute = Annotated[
    str | float | bool | None,
    PlainValidator(_attribute),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": STORABLE},
                {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
                {"type": "boolean"},
                {"type": "null"},
            ]
        }
    ),
]
# Names are as texts are, and there are no others.
Attributes = Annotated[
    dict[Text, Attribute], Field(json_schema_extra={"additionalProperties": False})
]
