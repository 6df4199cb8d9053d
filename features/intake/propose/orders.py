"""What each line of the mapping of orders should say, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from features.agreement import many
from features.errors import HistoryError
from features.intake.amounts import UNSURE, read_numbers
from features.intake.propose.candidates import MOSTLY, NEARLY_ALL, SURE, Candidate, Choice
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.guesses import Ask, Guess, Question
from features.intake.propose.words import MONEY, currency_codes, name_score, words
from features.text_dates import AmbiguousDatesError, read_days

COLUMNS = "orders.columns"
# Share of the orders with several rows from which rows are taken for lines.
SEVERAL = 0.02
# Where ids tell so many times more customers apart than addresses do, guests get one an order.
MORE_IDS = 1.2
# The price of lines of two pieces, over that of one, from which it is that of the whole line.
DEARER, ENOUGH_LINES = 1.5, 20
REQUIRED = {
    "customer_id": "a column that tells customers apart",
    "ordered_at": "a column of dates",
    "amount": "a column of amounts",
}


@dataclass(frozen=True)
class Source:
    """Rows of an export, the columns that were chosen in it, and who can be asked."""

    frame: pl.DataFrame
    columns: dict[str, ColumnEvidence]
    chosen: dict[str, Choice]
    ask: Ask

    def has(self, role: str) -> bool:
        """Whether there is a column for the role."""
        return role in self.chosen

    def column(self, role: str) -> ColumnEvidence:
        """The evidence about the column that fits a role best."""
        return self.chosen[role].best.column

    def text(self, name: str) -> pl.Series:
        """Cells of a column as text, null where they say nothing."""
        text = self.frame[name].cast(pl.String).str.strip_chars()
        return text.set(text == "", None)

    def numbers(self, name: str) -> pl.Series:
        """Cells of a column as numbers."""
        return read_numbers(self.text(name))

    def settled(self, role: str, what: str) -> tuple[ColumnEvidence, str]:
        """The column of a role, and what else it may be where nobody says."""
        choice = self.chosen[role]
        rivals = [c for c in choice.rivals if not self._equal(c, choice.best)]
        options: list[Candidate] = [choice.best, *rivals]
        if not rivals:
            doubt = "" if choice.best.score >= SURE else "its name does not say so"
            return choice.best.column, doubt
        told = tuple(f"{c.column.name} ({c.column.told(what)})" for c in options)
        answer = self.ask(Question(f"Which column is {role}?", told))
        others = ", ".join(c.column.name for c in rivals)
        return options[answer or 0].column, f"may also be {others}" if answer is None else ""

    def _equal(self, one: Candidate, other: Candidate) -> bool:
        return self.text(one.column.name).equals(self.text(other.column.name))


def require_columns(source: Source) -> None:
    """Refuse a source without a column that an order can not do without.

    Raises
    ------
    HistoryError
        With what is missing, and what was understood.
    """
    has_price = source.has("price") or source.has("line_total")
    missing = [
        what
        for role, what in REQUIRED.items()
        if not source.has(role) and not (role == "amount" and has_price)
    ]
    if missing:
        raise HistoryError(
            f"orders must have {', and '.join(missing)}; got none among {list(source.columns)}. "
            "Export it too, or map by hand what there is: docs/history.md tells how."
        )


def order_id(source: Source) -> Iterator[Guess]:
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


def customer_id(source: Source) -> Iterator[Guess]:
    """The customer: by id, by e-mail address, or by the one that is given."""
    ids = _customers_among(source, is_email=False)
    emails = _customers_among(source, is_email=True)
    if ids is not None and emails is not None:
        yield from _id_or_email(source, ids, emails)
        return
    column, doubt = source.settled("customer_id", "")
    if nobody := _nobody(source, column):
        yield _blank(nobody)
    yield Guess(COLUMNS, "customer_id", column.name, _told(column), doubt)


def _id_or_email(source: Source, ids: ColumnEvidence, emails: ColumnEvidence) -> Iterator[Guess]:
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


def _customers_among(source: Source, is_email: bool) -> ColumnEvidence | None:
    """The best column of addresses, or of other ids, that is surely of customers."""
    taken = {c.best.column.name for role, c in source.chosen.items() if role != "customer_id"}
    found = [
        (name_score("customer_id", c.name), c)
        for c in source.columns.values()
        if c.name not in taken and (c.emails >= NEARLY_ALL) == is_email and c.given > c.rows / 2
    ]
    found = [
        (score, c) for score, c in found if c.different > 1 and score >= (0.3 if is_email else SURE)
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _told(customers: ColumnEvidence) -> str:
    emails = customers.emails >= NEARLY_ALL
    told = customers.told("e-mail addresses", customers.emails) if emails else customers.told()
    return customers.with_different(told)


def _nobody(source: Source, column: ColumnEvidence) -> list[tuple[str, int]]:
    cells = source.text(column.name).drop_nulls()
    nobody = cells.filter(cells.str.to_lowercase().is_in(words()["states"]["nobody"]))
    return sorted(nobody.value_counts(name="n").iter_rows())


def ordered_at(source: Source) -> Iterator[Guess]:
    """The date of the order, its time where that stands apart, and how dates are written."""
    column, doubt = source.settled("ordered_at", "dates")
    what = "dates" if column.dates >= MOSTLY else column.epoch
    share = column.dates if column.dates >= MOSTLY else 1.0
    doubt = doubt or _unreadable(share)
    yield Guess(COLUMNS, "ordered_at", column.name, column.told(what, share), doubt)
    text = source.text(column.name)
    if source.has("time") and not source.frame.schema[column.name].is_temporal():
        time = source.column("time")
        yield Guess("orders", "time", time.name, time.told("times of day", time.times))
        text = text + " " + source.text(time.name)
    if column.dates < MOSTLY:
        yield Guess("orders", "date_format", column.epoch, "whole numbers of that size")
    elif source.frame.schema[column.name].is_integer():
        yield Guess("orders", "date_format", "%Y%m%d", "whole numbers of eight digits")
    elif source.frame.schema[column.name] == pl.String:
        yield from _date_format(source, text)
    if source.has("recorded_at"):
        told = source.column("recorded_at")
        yield Guess(COLUMNS, "recorded_at", told.name, told.told("dates", told.dates))


def _unreadable(share: float) -> str:
    return "" if share >= NEARLY_ALL else "rows whose cells cannot be read are set aside"


def _date_format(source: Source, dates: pl.Series) -> Iterator[Guess]:
    """Nothing where the cells say it; else the two formats that they may have."""
    try:
        read_days(dates, (), "UTC")
    except AmbiguousDatesError as error:
        cell = next(iter(dates.drop_nulls()))
        told = tuple(
            f"{format}, so that {cell} is {_read(cell, format)}" for format in error.formats
        )
        answer = source.ask(Question("How are dates written?", told))
        chosen = error.formats[answer or 0]
        other = next(format for format in error.formats if format != chosen)
        if answer is not None:
            yield Guess("orders", "date_format", chosen, "as was said")
            return
        unsure = f"cells such as {cell} may be of either format"
        yield Guess("orders", "date_format", chosen, "", unsure)
        yield Guess("orders", "date_format", other, "", "the other one", is_offered=True)


def _read(cell: str, format: str) -> str:
    day = read_days(pl.Series([cell]), (format,), "UTC").cast(pl.Int32, strict=False).cast(pl.Date)
    return str(day[0])


def amounts(source: Source) -> Iterator[Guess]:
    """The amount of an order, or the lines that it is the sum of."""
    has_lines = source.has("quantity") and source.has("price")
    if has_lines and (not source.has("amount") or _differs(source, "amount")):
        yield from _lines(source)
    elif source.has("amount") and _differs(source, "amount"):
        column, doubt = source.settled("amount", "numbers")
        why = f"rows of one order differ in it; {column.told('numbers', column.numbers)}"
        yield Guess("orders", "line_total", column.name, why, doubt)
    elif source.has("amount"):
        column, doubt = source.settled("amount", "numbers")
        doubt = doubt or _unreadable(column.numbers)
        same = "; the same in all rows of an order, one of which counts" if _several(source) else ""
        why = column.told("numbers", column.numbers) + same
        yield Guess(COLUMNS, "amount", column.name, why, doubt)
    else:
        column = source.column("line_total" if source.has("line_total") else "price")
        why = column.told("numbers", column.numbers)
        if source.has("order_id") and _several(source):
            yield Guess("orders", "line_total", column.name, why)
        else:
            yield Guess(COLUMNS, "amount", column.name, why)
    yield from _decimal(source)
    if source.has("discount_amount"):
        column = source.column("discount_amount")
        yield Guess(COLUMNS, "discount_amount", column.name, column.told("numbers", column.numbers))


def _lines(source: Source) -> Iterator[Guess]:
    quantity, price = source.column("quantity"), source.column("price")
    product = source.numbers(quantity.name) * source.numbers(price.name)
    totals = [source.column(role) for role in ("line_total", "amount") if source.has(role)]
    unsure = ""
    for total in totals:
        agree = (product - source.numbers(total.name)).abs() < 0.01
        if (agree.mean() or 0) >= NEARLY_ALL:  # type: ignore[operator]  # a float
            unsure = ""
            why = f"quantity x price is {total.name}"
            break
        unsure = f'quantity x price is not {total.name}; line_total = "{total.name}" may be meant'
    else:
        why = price.told("numbers", price.numbers)
        if not totals and (source.numbers(quantity.name) != 1).any() and not _is_of_a_piece(price):
            told = (f"{price.name} is the price of a piece", f"{price.name} is that of the line")
            answer = source.ask(Question("Is the price that of a piece?", told))
            if answer == 1:
                yield Guess("orders", "line_total", price.name, why)
                return
            if answer is None:
                unsure = (
                    f'if it is of the whole line, write line_total = "{price.name}" in [orders]'
                )
    yield Guess(
        "orders.lines", "quantity", quantity.name, quantity.told("numbers", quantity.numbers)
    )
    yield Guess("orders.lines", "price", price.name, why, unsure)


def _of_the_line(source: Source, quantity: str, price: ColumnEvidence) -> tuple[bool, str, str]:
    """Whether a price is of the whole line and not of a piece, what is unsure, and why."""
    lines = pl.DataFrame({"n": source.numbers(quantity), "price": source.numbers(price.name)})
    ones, twos = (lines.filter(pl.col("n") == n)["price"].drop_nulls() for n in (1, 2))
    ratio = 1.0
    if min(len(ones), len(twos)) >= ENOUGH_LINES:
        ratio = float(twos.median() or 0) / max(float(ones.median() or 0), 0.01)  # type: ignore[arg-type]
    seen = f"lines of two cost {ratio:.1f} times those of one" if ratio != 1.0 else ""
    why = "; ".join(told for told in (seen, price.told("numbers", price.numbers)) if told)
    readings = ("of a piece", "of the whole line")
    likely = int(ratio >= DEARER)
    told = tuple(f"{price.name} is {readings[n]}" for n in (likely, 1 - likely))
    answer = source.ask(Question(f"What is {price.name} the price of?", told))
    is_total = bool(likely) if not answer else not likely
    other = "lines with quantity and price" if is_total else f'line_total = "{price.name}"'
    unsure = f"if it is {readings[not is_total]}, write {other} instead" if answer is None else ""
    return is_total, unsure, why


def _is_of_a_piece(price: ColumnEvidence) -> bool:
    return name_score("price", price.name) >= 1 and "item" not in price.name.lower()


def _decimal(source: Source) -> Iterator[Guess]:
    """The decimal mark, where every amount such as 1.234 may be two."""
    role = next(role for role in ("amount", "line_total", "price") if source.has(role))
    given = source.text(source.column(role).name).drop_nulls()
    if source.frame.schema[source.column(role).name] != pl.String or not len(given):
        return
    if not given.str.contains(UNSURE).all():
        return
    mark = "," if "," in given[0] else "."
    other = "," if mark == "." else "."
    cell = given[0]
    told = (f"{cell} has three decimals", f"{cell} is above a thousand")
    answer = source.ask(Question("What does the mark in amounts mean?", told))
    unsure = f"{cell} may be below ten or above a thousand" if answer is None else ""
    yield Guess("", "decimal", other if answer == 1 else mark, "decimal mark of numbers", unsure)


def _several(source: Source) -> bool:
    """Whether orders have several rows, besides those that give money back."""
    if not source.has("order_id"):
        return False
    return _share_of_orders(source, pl.len() > 1) > SEVERAL


def _differs(source: Source, role: str) -> bool:
    """Whether rows of one order have different positive amounts."""
    numbers = source.numbers(source.column(role).name)
    return _share_of_orders(source, pl.col("amount").n_unique() > 1, numbers) > SEVERAL


def _share_of_orders(source: Source, is_so: pl.Expr, amounts: pl.Series | None = None) -> float:
    """The share of the orders of whose rows something holds, but for rows that give back."""
    if not source.has("order_id"):
        return 0.0
    role = next(role for role in ("amount", "line_total", "price") if source.has(role))
    numbers = source.numbers(source.column(role).name) if amounts is None else amounts
    order = source.text(source.column("order_id").name)
    rows = pl.DataFrame({"order": order, "amount": numbers}).filter(
        pl.col("amount") > 0, pl.col("order").is_not_null()
    )
    found = rows.group_by("order").agg(is_so.alias("so"))["so"]
    return float(found.mean() or 0.0) if len(found) else 0.0  # type: ignore[arg-type]


def currency(source: Source) -> Iterator[Guess]:
    """The currency: a column, or what stands beside the amounts."""
    if source.has("currency"):
        column = source.column("currency")
        found = ", ".join(f"{cell} in {n:,}" for cell, n in column.states.items())
        yield Guess(COLUMNS, "currency", column.name, found)
        return
    role = next(role for role in ("amount", "line_total", "price") if source.has(role))
    given = source.text(source.column(role).name).drop_nulls()
    for mark, code in (*MONEY.items(), *((code, code) for code in currency_codes())):
        if len(given) and given.str.contains(mark, literal=True).mean() > 0.5:  # type: ignore[operator]
            yield Guess("", "currency", code, f"{mark} stands beside the amounts")
            return
    yield Guess("", "currency", "EUR", "nothing in the file says it", is_offered=True)
