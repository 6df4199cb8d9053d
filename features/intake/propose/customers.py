"""Whose order it is, and which: guesses about the two ids."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from features.agreement import many
from features.intake.propose.candidates import LEAST, NEARLY_ALL, SURE, customer_score
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.export import COLUMNS, Export
from features.intake.propose.guesses import Guess
from features.intake.propose.words import words

# Where ids tell so many times more customers apart than addresses do, guests get one an order.
MORE_IDS = 1.2
MUCH = 2


def order_id(source: Export) -> Iterator[Guess]:
    """The id of the order, or that each row is one."""
    if not source.has("order_id"):
        if source.has("price") or source.has("line_total"):
            why = "no column could be the id of an order; rows of a customer at one instant are one"
            yield Guess("orders", "without_order_id", "instant", why)
        else:
            why = "no column could be the id of an order; each row is one"
            yield Guess("orders", "without_order_id", "row", why)
        return
    column, doubt = source.settled("order_id", "")
    yield Guess(COLUMNS, "order_id", column.name, column.with_different(column.told()), doubt)


def customer_id(source: Export) -> Iterator[Guess]:
    """The customer: by id, by e-mail address, or by the one that is given."""
    ids = _customers_among(source, is_email=False)
    emails = _customers_among(source, is_email=True)
    if ids is not None and emails is not None:
        yield from _id_or_email(source, ids, emails)
        return
    column, doubt = source.settled("customer_id", "")
    if column.names > 0.5:
        doubt = "these are names, and namesakes become one customer"
    if nobody := _nobody(source, column):
        yield _blank(nobody)
    yield Guess(COLUMNS, "customer_id", column.name, _told(column), doubt)


def _id_or_email(source: Export, ids: ColumnEvidence, emails: ColumnEvidence) -> Iterator[Guess]:
    nobody = _nobody(source, ids)
    known = ids.given - sum(n for _, n in nobody)
    if known == ids.rows and ids.different <= emails.different * MORE_IDS:
        why = f"{_told(ids)}; e-mail addresses are in {emails.name}"
        yield Guess(COLUMNS, "customer_id", ids.name, why)
    elif emails.given == emails.rows and emails.emails == 1:
        more = f"{ids.name} tells {ids.different:,} apart"
        less = f"{ids.name} is not given in {many(ids.rows - known, 'row')}"
        why = f"{_told(emails)}; {more if known == ids.rows else less}"
        yield Guess(COLUMNS, "customer_id", emails.name, why)
    else:
        both = (emails, ids) if emails.given >= known else (ids, emails)
        if nobody:
            yield _blank(nobody)
        why = f"{_told(both[0])}; where blank: {_told(both[1])}"
        yield Guess(COLUMNS, "customer_id", tuple(c.name for c in both), why)


def _blank(nobody: list[tuple[str, int]]) -> Guess:
    told = f"in {many(sum(n for _, n in nobody), 'cell')}, and no customer's"
    return Guess("orders", "blank", tuple(word for word, _ in nobody), told)


def _customers_among(source: Export, is_email: bool) -> ColumnEvidence | None:
    """The best column of addresses, or of other ids, that is surely of customers."""
    taken = {c.best.column.name for role, c in source.chosen.items() if role != "customer_id"}
    least = LEAST if is_email else SURE
    found = [
        (score, column)
        for column in source.columns.values()
        if column.name not in taken
        and (column.emails >= NEARLY_ALL) == is_email
        and column.given > column.rows / 2
        and (score := customer_score(column)) is not None
        and score >= least
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _told(customers: ColumnEvidence) -> str:
    emails = customers.emails >= NEARLY_ALL
    told = customers.told("e-mail addresses", customers.emails) if emails else customers.told()
    return customers.with_different(told)


def _nobody(source: Export, column: ColumnEvidence) -> list[tuple[str, int]]:
    """Words that stand for nobody, and 0 where it orders more than twice what others do."""
    counts = source.text(column.name).drop_nulls().alias("cell").value_counts(name="n")
    word = pl.col("cell").str.to_lowercase()
    found = counts.filter(word.is_in(words()["states"]["nobody"])).sort("cell")
    others = counts.filter(word != "0")["n"]
    # Polars types means and medians as if they might be of dates.
    usual = float(others.median() or 0)  # type: ignore[arg-type]
    return [(cell, n) for cell, n in found.iter_rows() if cell != "0" or n >= MUCH * usual]
