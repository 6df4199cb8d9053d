"""Which columns of a source could be which of the orders' columns, best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.intake.mapping import NOT_COUNTED, REFUNDED
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.words import name_score, plain_words, words

# A score from which a column is taken, and one from which it is plain.
LEAST, SURE = 0.39, 0.55
# What the content of cells adds to what the name says.
CONTENT = 0.4
# A rival within so much of the best makes it doubtful.
CLOSE = 0.15
# Share of cells that must read as what they are to be.
MOSTLY, NEARLY_ALL = 0.6, 0.9
# Orders have fewer lines than that, by and large.
MOST_LINES = 20
Score = Callable[[ColumnEvidence], float | None]


@dataclass(frozen=True)
class Candidate:
    """A column that could be the one that is looked for, and how well it fits."""

    column: ColumnEvidence
    score: float


@dataclass(frozen=True)
class Choice:
    """The best column for a role, and those that fit nearly as well."""

    best: Candidate
    rivals: tuple[Candidate, ...] = ()


def choices(columns: Sequence[ColumnEvidence]) -> dict[str, Choice]:
    """Role -> the column that fits it best; no column has two roles.

    Parameters
    ----------
    columns : sequence of ColumnEvidence
        All columns of the source.
    """
    scored = sorted(
        (
            (role, Candidate(column, score))
            for role, scores in SCORES.items()
            for column in columns
            if (score := scores(column)) is not None and score >= LEAST
        ),
        key=lambda pair: -pair[1].score,
    )
    best: dict[str, Candidate] = {}
    used: set[str] = set()
    for role, candidate in scored:
        if role not in best and candidate.column.name not in used:
            best[role] = candidate
            used.add(candidate.column.name)
    _last_resorts(columns, best, used)
    return {
        role: Choice(
            found,
            tuple(
                other
                for rival, other in scored
                if rival == role
                and other.column.name not in used
                and other.score >= found.score - CLOSE
            ),
        )
        for role, found in best.items()
    }


def _last_resorts(
    columns: Sequence[ColumnEvidence], best: dict[str, Candidate], used: set[str]
) -> None:
    """For what an order must have, a column by its cells alone."""
    if "quantity" not in best and "price" in best and "amount" not in best:
        best["amount"] = best.pop("price")
    if "price" not in best and "quantity" in best:
        # Alone it says nothing of what was paid.
        used.discard(best.pop("quantity").column.name)
    for role, fits in LAST_RESORTS.items():
        if role in best or (role == "amount" and {"price", "line_total"} & set(best)):
            continue
        left = (c for c in columns if c.name not in used and c.given and fits(c))
        if (found := next(left, None)) is not None:
            best[role] = Candidate(found, 0.0)
            used.add(found.name)


def known_states(column: ColumnEvidence) -> tuple[list[str], list[str]]:
    """Cells that say an order does not count, and those that it was paid back."""
    ours = words()["states"]
    cancelled = {plain_words(word) for word in (*NOT_COUNTED, *ours["cancelled"])}
    refunded = {plain_words(word) for word in (*REFUNDED, *ours["refunded"])}
    return tuple(  # type: ignore[return-value]  # two of them
        [cell for cell in column.states if plain_words(cell) in known]
        for known in (cancelled, refunded)
    )


def _order_id(c: ColumnEvidence) -> float | None:
    if (
        c.emails > 0.5
        or c.dates > 0.5
        or c.times > 0.5
        or _has_fractions(c)
        or c.given < c.rows / 5
    ):
        return None
    if c.different < max(c.given / MOST_LINES, min(c.given, 2)):
        return None
    return name_score("order_id", c.name) + CONTENT / 2 * c.different / c.given


def customer_score(c: ColumnEvidence) -> float | None:
    """How well a column fits as the id of customers, addresses best; None if it cannot be."""
    if c.dates > 0.5 or c.times > 0.5 or _has_fractions(c) or not c.given:
        return None
    score = name_score("customer_id", c.name) + CONTENT * (c.emails >= NEARLY_ALL)
    score -= CONTENT * (c.names > 0.5)
    return score if c.different > 1 or score >= 1 else None


def _ordered_at(c: ColumnEvidence) -> float | None:
    name = name_score("ordered_at", c.name)
    if c.dates >= MOSTLY:
        return name + CONTENT * c.dates
    return name if c.epoch and name >= SURE else None


def _date(role: str) -> Score:
    def score(c: ColumnEvidence) -> float | None:
        name = name_score(role, c.name)
        return name if c.dates >= MOSTLY and name >= SURE else None

    return score


def _cancelled(c: ColumnEvidence) -> float | None:
    """A reason or a date that only orders have which were taken back."""
    name = name_score("cancelled", c.name)
    return name if 0 < c.given < c.rows / 2 and name >= SURE else None


def _number(role: str, least: float = 0.0) -> Score:
    def score(c: ColumnEvidence) -> float | None:
        if c.numbers < MOSTLY or c.dates > 0.5:
            return None
        name = name_score(role, c.name)
        return name if name >= least else None

    return score


def _time(c: ColumnEvidence) -> float | None:
    return name_score("time", c.name) if c.times >= NEARLY_ALL else None


def _currency(c: ColumnEvidence) -> float | None:
    return name_score("currency", c.name) + CONTENT if c.currencies >= NEARLY_ALL else None


def _status(c: ColumnEvidence) -> float | None:
    if not c.states or c.numbers > 0.5 or c.dates > 0.5:
        return None
    name, is_known = name_score("status", c.name), any(known_states(c))
    return name + CONTENT * is_known if name >= SURE or (is_known and name >= 0) else None


def _has_fractions(c: ColumnEvidence) -> bool:
    return c.numbers > 0.9 and c.fractions > 0.5


def _is_row_id(c: ColumnEvidence) -> bool:
    return (
        c.different == c.given == c.rows
        and not _has_fractions(c)
        and max(c.dates, c.emails, c.times) < 0.5
    )


def _is_somebody(c: ColumnEvidence) -> bool:
    about = any(stem in plain_words(c.name) for stem in (*words()["customer_id"]["about"], "name"))
    return about and c.different > 1 and max(c.dates, c.numbers) < 0.5


SCORES: dict[str, Score] = {
    "order_id": _order_id,
    "customer_id": customer_score,
    "ordered_at": _ordered_at,
    "time": _time,
    "amount": _number("amount"),
    "currency": _currency,
    "discount_amount": _number("discount_amount", SURE),
    "recorded_at": _date("recorded_at"),
    "status": _status,
    "cancelled": _cancelled,
    "refund_amount": _number("refund_amount", SURE),
    "refunded_at": _date("refunded_at"),
    "quantity": _number("quantity", SURE),
    "price": _number("price", SURE),
    "line_total": _number("line_total", SURE),
}
LAST_RESORTS: dict[str, Callable[[ColumnEvidence], bool]] = {
    "ordered_at": lambda c: c.dates >= MOSTLY,
    "amount": _has_fractions,
    "customer_id": _is_somebody,
    "order_id": _is_row_id,
}
