"""What the values of a `history.toml` may be: a type for each rule."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from features.clock import EPOCH_UNITS
from features.explanations import in_words, refusal
from features.settings import Text


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(
            "must be an IANA name such as Europe/Paris", "Name the city whose clocks the shop has."
        ) from None
    return name


def _one_byte(separator: str) -> str:
    if len(separator.encode()) != 1:
        raise refusal("must be one character of ASCII", 'Write for example ";".')
    if separator in '"\r\n':
        raise refusal("must be no quote and no line end", 'Write for example ";".')
    return separator


def _known_encoding(name: str) -> str:
    try:
        b"a".decode(name)
    except UnicodeError:
        pass
    except (LookupError, ValueError):
        raise refusal(
            "must be an encoding that Python knows", 'Write for example "cp1252" or "utf-16".'
        ) from None
    return name


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] >= scale[1]:
        raise ValueError
    return scale


def _in_a_list(formats: Any) -> Any:
    return (formats,) if isinstance(formats, str) else formats


def _readable(formats: tuple[str, ...]) -> tuple[str, ...]:
    is_epoch = len(formats) == 1 and formats[0] in EPOCH_UNITS
    if not is_epoch and any("%" not in format for format in formats):
        raise refusal(
            "must be strptime formats such as %d/%m/%Y %H:%M, or one of "
            f"{', '.join(sorted(EPOCH_UNITS))} alone",
            "Write how the dates of the source look.",
        )
    return formats


def _constant(value: Any) -> Any:
    is_plain = isinstance(value, str | int | float)
    if not is_plain or (isinstance(value, float) and not math.isfinite(value)):
        raise refusal(
            "must be text, a finite number, true or false", "Give one value for every row."
        )
    return value


def _sources(value: Any) -> Any:
    names = value if isinstance(value, list | tuple) and value else (value,)
    if not all(isinstance(name, str) for name in names):
        raise refusal("must be text", "Write the column's name in the source, or a list of names.")
    if not all(names):
        raise refusal("must not be blank", "Write the column's name in the source.")
    return tuple(names) if isinstance(value, list | tuple) else value


def _known_format(name: str) -> str:
    entries = files("features.intake.formats").iterdir()
    known = sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))
    if name not in (*known, "none"):
        raise refusal(f"must be one of {', '.join(known)}, or none", "Correct the name.")
    return name


# Lists do as well as tuples where somebody writes a mapping in Python.
Names = Annotated[tuple[Text, ...], Field(strict=False)]
Files = Annotated[Names, BeforeValidator(_in_a_list)]
Source = Annotated[str | tuple[str, ...], PlainValidator(_sources)]
Timezone = Annotated[Text, AfterValidator(_known_timezone)]
Separator = Annotated[Text, AfterValidator(_one_byte)]
FormatName = Annotated[Text, AfterValidator(_known_format)]
WithoutId = Literal["row", "instant"]
AttributeKind = Literal["number", "text"]
Currency = Annotated[Text, AfterValidator(str.upper)]
Encoding = Annotated[Text, AfterValidator(_known_encoding)]
Count = Annotated[int, Field(ge=0)]
Month = Annotated[
    str,
    Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$"),
    in_words("must be a month", "Write it as 2025-01."),
]
Rate = Annotated[float, Field(gt=0)]
Decimal = Literal[".", ","]
Days = Annotated[float, Field(ge=0)]
Scale = Annotated[
    tuple[float, float],
    Field(strict=False),
    AfterValidator(_rising),
    in_words("must be [lowest, highest]", "Put the lowest score first, as [1, 5]."),
]
Formats = Annotated[Names, BeforeValidator(_in_a_list), AfterValidator(_readable)]
Constant = Annotated[str | int | float | bool, PlainValidator(_constant)]
