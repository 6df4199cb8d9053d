"""From the frame of an export to a proposal for its mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from features.errors import HistoryError
from features.intake.canonical import take_in
from features.intake.dataframes import readable
from features.intake.headers import settled
from features.intake.mapping import NOT_COUNTED, REFUNDED, Mapping, TableMapping
from features.intake.propose import customers, dates, money, states
from features.intake.propose.candidates import choices
from features.intake.propose.evidence import ColumnEvidence
from features.intake.propose.export import Export, require_columns
from features.intake.propose.guesses import Ask, Guess, Proposal
from features.intake.recognise import Format, optional, read_as, recognised
from features.schema import SCHEMAS

# Rows that guesses rest on, and rows that are shown as they would be read.
LOOKED_AT, SHOWN = 50_000, 10
# Where the parts of a table's mapping stand in the file.
USUAL = (NOT_COUNTED, REFUNDED)
SECTION_OF = {"quantity": "orders.lines", "price": "orders.lines"}


def propose(
    frame: pl.LazyFrame, ask: Ask, format: str | None = None, file: str | None = None
) -> Proposal:
    """Propose how the orders of an export are to be read.

    Parameters
    ----------
    frame : polars.LazyFrame
        The source's columns, cells of files as text.
    ask : callable
        Answers a Question with the number of an option, or with None.
    format : str, optional
        Name of the format, or "none"; default: recognised by the header.
    file : str, optional
        The file's name, where the mapping must tell it.

    Raises
    ------
    HistoryError
        If there are no rows, no column could be the customer, the date or the amount, or the header
        is not that of the format.

    Examples
    --------
    >>> rows = {"Bestellnr": ["1", "2"], "Mail": ["a@x.de", "b@x.de"]}
    >>> rows |= {"Datum": ["31.01.2024", "01.02.2024"], "Betrag": ["1,50", "20,00"]}
    >>> proposal = propose(pl.LazyFrame(rows), lambda question: None)
    >>> proposal.mapping.of("orders").sources("amount")
    ('Betrag',)
    """
    names = frame.collect_schema().names()
    found = recognised("orders", names, Mapping(format=format))
    named = (Guess("orders", "file", file),) if file is not None else ()
    if found is not None:
        return Proposal((*named, *_of_format(found, names)), _title_of(found), found.name)
    with readable("orders"):
        head = frame.head(LOOKED_AT + 1).collect()
    if not head.height:
        raise HistoryError("orders has no rows. Give a file with at least one order.")
    names = [name for name, kind in head.schema.items() if _is_plain(kind)]
    is_whole, head = head.height <= LOOKED_AT, head.head(LOOKED_AT)
    columns = {name: ColumnEvidence.of(head[name]) for name in names}
    chosen = choices(list(columns.values()))
    source = Export(head, columns, chosen, ask)
    require_columns(source)
    guesses = (*named, *_guessed(source))
    text = " ".join(str(guess.value) for guess in guesses)
    left = [name for name in names if name not in text]
    return Proposal(guesses, tuple(_title(is_whole, left)))


def _is_plain(kind: pl.DataType) -> bool:
    return not (kind.is_nested() or kind in (pl.Binary, pl.Object, pl.Duration))


def _guessed(source: Export) -> Iterator[Guess]:
    yield from customers.order_id(source)
    yield from customers.customer_id(source)
    yield from dates.ordered_at(source)
    yield from money.amounts(source)
    yield from money.currency(source)
    yield from states.status(source)
    yield from states.cancelled(source)
    yield from states.refund(source)


def _title(is_whole: bool, left: list[str]) -> Iterator[str]:
    yield "Proposed by holdfast map: compare each line with the file, first those marked unsure."
    if not is_whole:
        yield f"The evidence is from the first {LOOKED_AT:,} rows."
    if left:
        yield f"Columns that are not used: {', '.join(left)}."


def _title_of(found: Format) -> tuple[str, ...]:
    return (
        f"Recognised by its header: {found.title}. {found.means}.",
        f'format = "{found.name}" says all of the following in one line.',
    )


def _of_format(found: Format, names: list[str]) -> Iterator[Guess]:
    """What a format says, written out."""
    own = optional(read_as(found, TableMapping()), names)
    source = settled("orders", own, SCHEMAS["orders"], names)
    for key in fields(source):
        value = getattr(source, key.name)
        if value in (None, (), {}):
            continue
        if key.name in ("columns", "constants", "words"):
            yield from _section(f"orders.{key.name}", value)
        elif key.name in ("status", "refund"):
            told = {k: v for k, v in vars(value).items() if v not in (None, *USUAL)}
            yield from _section(f"orders.{key.name}", told)
        else:
            yield Guess(SECTION_OF.get(key.name, "orders"), key.name, value)


def _section(section: str, values: dict[str, Any]) -> Iterator[Guess]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _section(f"{section}.{key}", value)
        else:
            is_status = section == "orders.status" and key == "column"
            why = "orders in the usual words for it do not count" if is_status else ""
            yield Guess(section, key, value, why)


@dataclass(frozen=True)
class Preview:
    """The first rows as the proposal reads them, or why they cannot be read.

    Attributes
    ----------
    rows : list of dict
        `row`, `order_id`, `customer_id`, `ordered_at`, `amount`, `currency` and `problem`, which
        would set the row aside.
    refused : str or None
    """

    rows: list[dict[str, Any]]
    refused: str | None = None


def preview(frame: pl.LazyFrame, proposal: Proposal) -> Preview:
    """Read the first rows of a source by the proposal; what the whole source says counts."""
    try:
        taken = take_in({"orders": frame}, proposal.mapping)
    except HistoryError as error:
        return Preview([], str(error))
    native: pl.LazyFrame = taken.get("lines", taken["orders"]).rows.to_native()
    instant = (pl.col("day") * 86_400_000_000).round().cast(pl.Int64).cast(pl.Datetime("us"))
    rows = (
        native.filter(pl.col("row").is_between(1, SHOWN))
        .sort("row")
        .select(
            *("row", "order_id", "customer_id"),
            instant.dt.round("1s").dt.strftime("%Y-%m-%dT%H:%M:%S").alias("ordered_at"),
            *("amount", "currency", "problem"),
        )
        .collect()
    )
    return Preview(rows.to_dicts())
