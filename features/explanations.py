"""The words for what is wrong with a value, one for each of pydantic's kinds of mistake."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

Words = Mapping[str, tuple[str, str]]

REFUSAL = "holdfast"
OTHER = "other"


def refusal(rule: str, remedy: str) -> PydanticCustomError:
    """An error for validators to raise whose words are its own."""
    return PydanticCustomError(REFUSAL, "{detail}", {"detail": rule, "remedy": remedy})


def in_words(rule: str, remedy: str) -> WrapValidator:
    """Say the whole rule of a value, whichever part of it is broken; stands last in `Annotated`.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import Field, TypeAdapter
    >>> Share = Annotated[float, Field(ge=0, le=1), in_words("must be a share", "Write 0.1.")]
    >>> try:
    ...     TypeAdapter(Share).validate_python("much")
    ... except ValidationError as wrong:
    ...     explained(wrong.errors()[0])
    ('must be a share', 'Write 0.1.')
    """

    def validate(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise refusal(rule, remedy) from None

    return WrapValidator(validate)


_TABLE = ("must be a table", "Put its keys under a [heading] of their own.")
_UNKNOWN = ("is not known here", "Remove it or check its spelling.")
_LIST = ("must be a list", "Put it in [ ].")
_NUMBER = ("must be a number", 'Write 12.5, not "12.5".')
_RANGE = "Choose a value in the range."
EXPLANATIONS: Words = MappingProxyType(
    {
        "missing": ("is missing", "Add it."),
        "extra_forbidden": _UNKNOWN,
        "unexpected_keyword_argument": _UNKNOWN,
        "string_type": ("must be text", 'Put it in quotes: "13085", not 13085.'),
        "string_unicode": ("must be valid Unicode", "Remove half surrogate pairs."),
        "string_too_short": ("must not be blank", "Give a value."),
        "string_too_long": ("must have at most {max_length} characters", "Shorten it."),
        "float_type": _NUMBER,
        "float_parsing": ("must be a number", "Write for example 0.5."),
        "finite_number": ("must be a finite number", "Write a plain number."),
        "int_type": ("must be a whole number", "Write for example 50."),
        "int_parsing": ("must be a whole number", "Write for example 50."),
        "list_type": _LIST,
        "tuple_type": _LIST,
        "dict_type": _TABLE,
        "model_type": _TABLE,
        "too_short": ("must have at least {min_length} item", "Add one."),
        "too_long": ("must have at most {max_length} items", "Remove the others."),
        "greater_than": ("must be above {gt}", _RANGE),
        "greater_than_equal": ("must be at least {ge}", _RANGE),
        "less_than_equal": ("must be at most {le}", _RANGE),
        "literal_error": ("must be {expected}", "Use one of these."),
        OTHER: ("is refused: {message}", "Correct it."),
    }
)


def explained(error: Mapping[str, Any], words: Words = EXPLANATIONS) -> tuple[str, str]:
    """What is wrong and what to do, from one of the `errors()` of a pydantic ValidationError.

    Examples
    --------
    >>> explained({"type": "greater_than_equal", "ctx": {"ge": 1}})
    ('must be at least 1', 'Choose a value in the range.')
    """
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind == REFUSAL:
        return str(context["detail"]), str(context["remedy"])
    rule, remedy = words.get(kind, words[OTHER])
    message = str(error.get("msg", ""))
    return rule.format(**{"message": message[:1].lower() + message[1:], **context}), remedy
