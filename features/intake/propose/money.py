"""What was paid: the amount of an order, or the lines that it is the sum of, and the currency."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from features.intake.amounts import UNSURE
from features.intake.propose.candidates import NEARLY_ALL
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.export import COLUMNS, Export, unreadable
from features.intake.propose.guesses import Guess, Question
from features.intake.propose.words import MONEY, currency_codes, name_score

# Share of the orders with several rows from which rows are taken for lines.
SEVERAL = 0.02
# The price of lines of two pieces, over that of one, from which it is that of the whole line.
DEARER, ENOUGH_LINES = 1.5, 20
CENT = 0.01


def amounts(source: Export) -> Iterator[Guess]:
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
        doubt = doubt or unreadable(column.numbers)
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


def _lines(source: Export) -> Iterator[Guess]:
    """Quantity and price of lines, or what a line costs in all."""
    quantity, price = source.column("quantity"), source.column("price")
    totals = [source.column(role) for role in ("line_total", "amount") if source.has(role)]
    is_total, unsure, why = False, "", price.told("numbers", price.numbers)
    if totals and _is_product(source, totals[0].name, quantity.name, price.name):
        why = f"times {quantity.name} it is {totals[0].name}"
    elif totals:
        is_total, unsure = True, f"{quantity.name} x {price.name} is something else"
        price = totals[0]
        why = price.told("numbers", price.numbers)
    elif not _is_of_a_piece(price) and (source.numbers(quantity.name) != 1).any():
        is_total, unsure, why = _of_the_line(source, quantity.name, price)
    if is_total:
        yield Guess("orders", "line_total", price.name, why, unsure)
        return
    pieces = quantity.told("numbers", quantity.numbers)
    yield Guess("orders.lines", "quantity", quantity.name, pieces)
    yield Guess("orders.lines", "price", price.name, why, unsure)


def _is_product(source: Export, total: str, quantity: str, price: str) -> bool:
    product = source.numbers(quantity) * source.numbers(price)
    same = ((product - source.numbers(total)).abs() < CENT).mean()
    return float(same or 0.0) >= NEARLY_ALL  # type: ignore[arg-type]  # of booleans it is a float


def _of_the_line(source: Export, quantity: str, price: ColumnEvidence) -> tuple[bool, str, str]:
    """Whether a price is of the whole line and not of a piece, what is unsure, and why."""
    lines = pl.DataFrame({"n": source.numbers(quantity), "price": source.numbers(price.name)})
    ones, twos = (lines.filter(pl.col("n") == n)["price"].drop_nulls() for n in (1, 2))
    ratio = 1.0
    if min(len(ones), len(twos)) >= ENOUGH_LINES:
        # Polars types means and medians as if they might be of dates.
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


def _decimal(source: Export) -> Iterator[Guess]:
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


def _several(source: Export) -> bool:
    """Whether orders have several rows, besides those that give money back."""
    if not source.has("order_id"):
        return False
    return _share_of_orders(source, pl.len() > 1) > SEVERAL


def _differs(source: Export, role: str) -> bool:
    """Whether rows of one order have different positive amounts."""
    numbers = source.numbers(source.column(role).name)
    return _share_of_orders(source, pl.col("amount").n_unique() > 1, numbers) > SEVERAL


def _share_of_orders(source: Export, is_so: pl.Expr, amounts: pl.Series | None = None) -> float:
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
    # Polars types means and medians as if they might be of dates.
    return float(found.mean() or 0.0) if len(found) else 0.0  # type: ignore[arg-type]


def currency(source: Export) -> Iterator[Guess]:
    """The currency: a column, or what stands beside the amounts."""
    if source.has("currency"):
        column = source.column("currency")
        found = ", ".join(f"{cell} in {n:,}" for cell, n in column.states.items())
        yield Guess(COLUMNS, "currency", column.name, found)
        return
    role = next(role for role in ("amount", "line_total", "price") if source.has(role))
    given = source.text(source.column(role).name).drop_nulls()
    for mark, code in (*MONEY.items(), *((code, code) for code in currency_codes())):
        # Polars types means and medians as if they might be of dates.
        if len(given) and given.str.contains(mark, literal=True).mean() > 0.5:  # type: ignore[operator]
            yield Guess("", "currency", code, f"{mark} stands beside the amounts")
            return
    yield Guess("", "currency", "EUR", "nothing in the file says it", is_offered=True)
