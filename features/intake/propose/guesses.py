"""Guesses about a source, what they rest on, and the text of a `history.toml` that tells them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from features.intake.mapping import Mapping

SECTIONS = ("", "orders", "orders.columns", "orders.status", "orders.refund", "orders.lines")


@dataclass(frozen=True)
class Question:
    """What cannot be told from the source alone.

    Attributes
    ----------
    about : str
    options : tuple of str
        The likeliest first.
    """

    about: str
    options: tuple[str, ...]


# The number of the option chosen, from 0; None where nobody can be asked.
Ask = Callable[[Question], int | None]


@dataclass(frozen=True)
class Guess:
    """One line of the mapping.

    Attributes
    ----------
    section, key : str
        Where it stands in the file.
    value : text, number or sequence of text
    why : str
        The evidence, in words.
    unsure : str
        What else it might be; "" if that is plain.
    is_offered : bool
        Whether it is only offered, as a comment.
    """

    section: str
    key: str
    value: Any
    why: str = ""
    unsure: str = ""
    is_offered: bool = False

    @property
    def name(self) -> str:
        """The key with its section."""
        return f"{self.section}.{self.key}".lstrip(".")

    @property
    def setting(self) -> str:
        """The line without its comment.

        Examples
        --------
        >>> Guess("orders.columns", "customer_id", ("Mail", "Nr")).setting
        'customer_id = ["Mail", "Nr"]'
        """
        return f"{'# ' if self.is_offered else ''}{self.key} = {toml(self.value)}"

    @property
    def comment(self) -> str:
        """Why, and what is not sure about it."""
        return "; ".join(
            part for part in (f"unsure: {self.unsure}" if self.unsure else "", self.why) if part
        )


@dataclass(frozen=True)
class Proposal:
    """A mapping for a source, with its evidence.

    Attributes
    ----------
    guesses : tuple of Guess
    title : tuple of str
        What the file says above them.
    format : str or None
        Name of the format that was recognised.
    """

    guesses: tuple[Guess, ...]
    title: tuple[str, ...] = ()
    format: str | None = None

    @property
    def toml(self) -> str:
        """The text of the `history.toml`."""
        lines = [f"# {one_line(line)}" for line in self.title]
        for section in dict.fromkeys((*SECTIONS, *(g.section for g in self.guesses))):
            here = [guess for guess in self.guesses if guess.section == section]
            if not here:
                continue
            is_offered = all(guess.is_offered for guess in here)
            lines += ["", *([f"{'# ' * is_offered}[{section}]"] if section else [])]
            lines += _aligned(here)
        return "\n".join(lines).lstrip("\n") + "\n"

    @property
    def mapping(self) -> Mapping:
        """What the file says, read as any other."""
        return Mapping.from_dict(tomllib.loads(self.toml))


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        if '"' in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        # Of the characters that TOML wants escaped, JSON leaves one.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return f"[{', '.join(toml(each) for each in value)}]"
    return json.dumps(value)


def one_line(text: str) -> str:
    """Text that can stand in a comment, whatever cells are quoted in it."""
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split())
    )


def _aligned(guesses: Sequence[Guess]) -> list[str]:
    width = max(len(guess.setting) for guess in guesses)
    lines = ((guess.setting.ljust(width), one_line(guess.comment)) for guess in guesses)
    return [f"{setting}   # {told}" if told else setting.rstrip() for setting, told in lines]
