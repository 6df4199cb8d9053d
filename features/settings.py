"""One reader for settings: TOML files, and frozen objects that tell every mistake at once.

The rule of a key is told once, by the type of an object's attribute; `table` makes a file's table
of it. Everything is read strictly: a text is no number, true is no whole number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from reprlib import repr as shortened
from typing import Annotated, Any, Literal, TypeVar, cast, dataclass_transform, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.dataclasses import dataclass

from features.explanations import explained

T = TypeVar("T")

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
# Share of a key's letters that another one must have to be what was meant: `horizon` is meant for
# `horizon_days`, but `unit` not for `quantity`.
CLOSE = 0.7
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")

Text = Annotated[str, Field(min_length=1)]


@dataclass_transform(frozen_default=True, field_specifiers=(field, Field))
def settings(error: type[ValueError], *within: str) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass that refuses to exist wrong, by its types.

    Parameters
    ----------
    error : type of ValueError
        Raised with all mistakes, a line each.
    within : str
        The keys of the table that the object stands for, with attributes in braces.

    Examples
    --------
    >>> @settings(ValueError, "channels", "{name}")
    ... class Channel:
    ...     name: Text
    ...     cost: Annotated[float, Field(ge=0)] = 0.0
    >>> Channel("post", cost=-1)
    Traceback (most recent call last):
    ValueError: channels.post.cost must be at least 0.0; got -1. Choose a value in the range.
    """

    def make(plain: type[T]) -> type[T]:
        made: Any = dataclass(frozen=True, config=STRICT)(plain)
        build = made.__init__

        @wraps(build)
        def refusing(self: T, /, *args: Any, **given: Any) -> None:
            names = list(made.__pydantic_fields__)
            named = dict(zip(names, args, strict=False))
            try:
                build(self, *args[len(names) :], **named, **given)
            except ValidationError as wrong:
                known = {**dict.fromkeys(names), **named, **given}
                place = [key.format_map(known) for key in within]
                raise error(_told(wrong, made, place)) from None

        made.__init__ = refusing
        return cast(type[T], made)

    return make


def table(owner: Any, *without: str, **further: Any) -> Any:
    """A table of a file: the attributes of a class of settings, and further keys with their types.

    Every key may be left out: its default is told by the object that is made of what is there.
    """
    fields = owner.__pydantic_fields__.items()
    own = {name: field.rebuild_annotation() for name, field in fields if name not in without}
    keys: dict[str, Any] = {name: (rule, None) for name, rule in {**own, **further}.items()}
    return create_model(owner.__name__, __config__=STRICT, **keys)


def read(
    path: Path | str, name: str, build: Callable[[Mapping[str, Any]], T], error: type[ValueError]
) -> T:
    """Read a TOML file.

    Parameters
    ----------
    path : path or str
    name : str
        What the file is called in errors.
    build : callable
        Parsed file -> what it means; raises `error` with all that is wrong, a line each.
    error : type of ValueError
        Raised if the file is absent, is no TOML, or `build` refuses it.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise error(f"{name} {path} does not exist. Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as cause:
        raise error(f"{name} {path} cannot be read: {cause}. Correct the file.") from None
    try:
        return build(content)
    except error as wrong:
        raise error(f"{name} {path}:\n{wrong}") from None


def checked(
    model: type[BaseModel], content: Mapping[str, Any], error: type[ValueError]
) -> dict[str, Any]:
    """What a parsed file says, without the keys that it leaves out.

    Raises
    ------
    ValueError
        Of the given type, with all mistakes, a line each, by table and key.
    """
    try:
        return model.model_validate(_without_lists(content)).model_dump(exclude_unset=True)
    except ValidationError as wrong:
        raise error(_told(wrong, model)) from None


def _without_lists(value: Any) -> Any:
    """Arrays of a file are tuples, as frozen objects hold them."""
    if isinstance(value, Mapping):
        return {name: _without_lists(item) for name, item in value.items()}
    return tuple(map(_without_lists, value)) if isinstance(value, list | tuple) else value


def _told(wrong: ValidationError, root: Any, place: Sequence[str] = ()) -> str:
    """Every mistake, a line each."""
    return "\n".join(_sentence(mistake, root, place) for mistake in wrong.errors())


def _sentence(mistake: Mapping[str, Any], root: Any, place: Sequence[str]) -> str:
    kind, value = mistake["type"], mistake["input"]
    rule, remedy = explained(mistake)
    path = [str(step) for step in mistake["loc"] if step != "[key]"]
    fields = _fields(root, path[:-1])
    if kind in UNKNOWN:
        remedy = _suggestion(path[-1], list(fields))
    elif kind == "missing":
        remedy = _addition(fields[path[-1]].annotation) if path[-1] in fields else remedy
    else:
        rule += f"; got {shortened(list(value) if isinstance(value, tuple) else value)}"
    return f"{'.'.join([*place, *path])} {rule}. {remedy}"


def _addition(annotation: Any) -> str:
    is_choice = get_origin(annotation) is Literal
    return f"Add one of {list(get_args(annotation))}." if is_choice else "Add it."


def _suggestion(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1, cutoff=CLOSE)
    remedy = f"Did you mean {close[0]}?" if close else "Remove it or check its spelling."
    return f"{remedy} Known there: {', '.join(known)}."


def _fields(model: Any, path: Sequence[str]) -> Mapping[str, Any]:
    """The fields of the table at a path; steps that are no key choose among tables of one kind."""
    for step in path:
        if step in model.__pydantic_fields__:
            model = _table_in(model.__pydantic_fields__[step].annotation) or model
    return cast(Mapping[str, Any], model.__pydantic_fields__)


def _table_in(annotation: Any) -> Any:
    if hasattr(annotation, "__pydantic_fields__"):
        return annotation
    return next(filter(None, map(_table_in, get_args(annotation))), None)
