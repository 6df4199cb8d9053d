"""How well the name of a column says what the column is, in the languages of shops."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

ABOUT, KIND, AGAINST, SAME = 0.6, 0.4, -0.6, 0.5
# Words of so many letters stand alone, or behind what the column is about: "paid" is no id.
SHORT = 3
WITH_TAX = r"\b(?:inc|incl|including|inkl|included)\b \w+"
UNDECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "đ": "d", "æ": "ae", "œ": "oe"})
MONEY = {
    "€": "EUR", "£": "GBP", "zł": "PLN", "₹": "INR", "Kč": "CZK", "₺": "TRY", "₴": "UAH",
}  # fmt: skip


@cache
def words() -> dict[str, dict[str, list[str]]]:
    """Role of a column -> the words that speak for it and against it."""
    text = files("features.intake.propose").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def currency_codes() -> list[str]:
    """Codes of the currencies that shops have, as ISO 4217 writes them."""
    return words()["currency"]["codes"]


def plain_words(text: str) -> str:
    """Text without capitals, accents and marks.

    Examples
    --------
    >>> plain_words("orderID"), plain_words("Währung (ISO)")
    ('order id', 'wahrung iso')
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    letters = unicodedata.normalize("NFKD", parted.casefold().translate(UNDECOMPOSED))
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare).strip()


def name_score(role: str, name: str) -> float:
    """From below 0 to 1.5: how well a name says that the column is of the role.

    Examples
    --------
    >>> name_score("order_id", "Bestellnummer"), name_score("order_id", "Bestelldatum")
    (1.0, 0.0)
    """
    known = words()[role]
    said = re.sub(WITH_TAX, "gross", plain_words(name))
    score = 0.0
    rest = said
    if found := [stem for stem in known["about"] if _has(stem, said)]:
        score += ABOUT
        for stem in found:
            rest = rest.replace(stem, " ")
    if any(_has(stem, rest) for stem in known["kind"]):
        score += KIND
    if any(_has(stem, said) for stem in known["against"]):
        score += AGAINST
    return score + (SAME if said == plain_words(role) else 0.0)


def _has(stem: str, said: str) -> bool:
    return stem in said if len(stem) > SHORT else stem in said.split()
