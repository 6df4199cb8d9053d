"""How a shop's own files become the history's tables: the validated content of `history.toml`."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import create_model

from features.errors import HistoryError
from features.intake import rules
from features.settings import STRICT, Text, checked, read, settings, table

TABLES = ("orders", "refunds", "feedback", "offers", "customers")
# How shops call the orders that never were, or were taken back whole.
NOT_COUNTED = (
    "abandoned", "authorised", "authorized", "awaiting payment", "blocked", "canceled",
    "cancelled", "checkout draft", "declined", "denied", "draft", "expired", "failed",
    "incomplete", "on hold", "pending", "pending payment", "quotation", "quotation sent",
    "rejected", "requires action", "requires confirmation", "requires payment method", "test",
    "trash", "uncaptured", "unpaid", "void", "voided",
)  # fmt: skip
REFUNDED = ("refunded", "fully refunded")
ATTRIBUTES = ("static", "numbers", "categories")
# Lowest and highest score, as these surveys are usually asked.
SCALES: Dict[str, tuple[float, float]] = MappingProxyType(
    {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "review": (1.0, 5.0), "ticket": (1.0, 5.0)}
)


@settings(HistoryError)
class Status:
    """Which orders count.

    Attributes
    ----------
    column : str
        Source column of the order's status.
    not_counted, refunded : tuple of str
        Statuses of orders that do not count, and of orders that were paid back as a whole; capitals
        and marks between words do not matter.
    """

    column: Text
    not_counted: rules.Names = NOT_COUNTED
    refunded: rules.Names = REFUNDED


@settings(HistoryError)
class Refund:
    """Money given back, told beside the order's amount or in rows of its own.

    Attributes
    ----------
    amount : str or None
        Source column of what was given back of the row's order.
    at : str or None
        Source column of when; without one a refund counts as known only at the end of the source.
    of : str or None
        Source column in which rows with a negative amount name the order that they give back.
    """

    amount: Text | None = None
    at: Text | None = None
    of: Text | None = None


@settings(HistoryError)
class TableMapping:
    """Where one table comes from.

    Attributes
    ----------
    file : str or None
        File name inside the history's folder; default: the table's name with the
        end of a format that is read.
    files : tuple of str
        File names of the table's parts, which are read one below the other; * stands for anything.
    table : str or None
        Table name in a database, or schema.table; default: the table's name.
    columns : dict
        The table's column name -> the column name in the source, or several of them: the first
        that says something counts.
    constants : dict
        Values for columns that the source does not have, such as `kind = "review"`.
    date_format : tuple of str
        strptime formats of dates kept as text, or `epoch_s`, `epoch_ms`, `epoch_us`.
    drop : str or None
        SQL condition over the source's columns; rows that fulfil it are left out and counted.
        The source itself can be queried under the table's name.
    quantity, price : str or None
        Source columns of invoice lines. Lines are grouped by order_id;
        amount = sum(quantity x price).
    line_total : str or None
        Source column of what a line costs in all, instead of both.
    repeated : bool
        Whether an order has a row for each of its lines, all with the amount of the order.
    blank : tuple of str
        Customer ids that stand for nobody, such as "0".
    zone : str or None
        IANA time zone of the source's dates without an offset; default: the shop's.
    words : dict
        Column -> {word in the source: what it means}, such as scores in words.
    attributes : dict
        Further column of orders, feedback or offers, for features of one's own -> `number` or
        `text`. It must be known with its row.
    time : str or None
        Source column of the time of day, where the date stands in a column of its own.
    without_order_id : {"row", "instant"} or None
        Where the source has no order ids: each row is an order, or each customer and instant.
    status : Status or None
    refund : Refund or None
    """

    file: Text | None = None
    files: rules.Files = ()
    table: Text | None = None
    columns: Dict[Text, rules.Source] = field(default_factory=dict)
    constants: Dict[Text, rules.Constant] = field(default_factory=dict)
    date_format: rules.Formats = ()
    drop: Text | None = None
    quantity: Text | None = None
    price: Text | None = None
    line_total: Text | None = None
    repeated: bool = False
    blank: rules.Names = ()
    zone: rules.Timezone | None = None
    words: Dict[Text, Dict[Text, rules.Constant]] = field(default_factory=dict)
    attributes: Dict[Text, rules.AttributeKind] = field(default_factory=dict)
    time: Text | None = None
    without_order_id: rules.WithoutId | None = None
    status: Status | None = None
    refund: Refund | None = None

    @property
    def is_lines(self) -> bool:
        """Whether the source holds invoice lines instead of orders."""
        return self.quantity is not None or self.line_total is not None

    @property
    def further(self) -> tuple[str, ...]:
        """Names in the source that are read beside the table's own columns."""
        names = [self.quantity, self.price, self.line_total, self.time]
        if self.status is not None:
            names.append(self.status.column)
        if self.refund is not None:
            names += [self.refund.amount, self.refund.at, self.refund.of]
        return tuple(name for name in names if name)

    def sources(self, column: str) -> tuple[str, ...]:
        """Names in the source that a column may be read from."""
        named = self.columns.get(column, column)
        return (named,) if isinstance(named, str) else named

    def source(self, column: str) -> str:
        """Name of a column in the source."""
        return " or ".join(self.sources(column))


@settings(HistoryError)
class Mapping:
    """The validated content of a `history.toml`.

    Attributes
    ----------
    timezone : str
        The shop's IANA time zone.
    currency : str or None
        The currency of every amount.
    shop : str or None
        The shop's name: models are of the shop of that name, whatever its export holds.
    format : str or None
        Name of the export's format, or "none"; default: recognised by its header.
    separator : str or None
        What parts the cells of text files; default: found by evidence.
    encoding : str or None
        The encoding of text files, by any name Python knows; default: found by evidence.
    skip_lines : int or None
        Lines above the column names of files; default: titles are found by evidence.
    decimal : str or None
        Decimal mark of numbers kept as text; default: what the cells of a column say.
    recording_lag_days : float
        How long after an order it may still be recorded; labels wait for it.
    fold_emails : bool
        Whether customer ids that are e-mail addresses are the same in capitals and without.
    rates : dict
        Currency -> month, as 2025-01 -> what one unit of it is worth in the shop's currency.
    scales : dict
        Feedback kind -> (lowest, highest) score; declared kinds add to the built-in ones.
    static : tuple of str
        Columns of `customers` that may become features though they have no time of their own.
    numbers : tuple of str
        Columns of `customers` that hold numbers though the source keeps them as text.
    categories : dict
        Text column of `customers` -> its values; value i is coded as i.
    tables : dict
        Table name -> TableMapping.
    """

    timezone: rules.Timezone = "UTC"
    currency: rules.Currency | None = None
    shop: Text | None = None
    format: rules.FormatName | None = None
    separator: rules.Separator | None = None
    encoding: rules.Encoding | None = None
    skip_lines: rules.Count | None = None
    decimal: rules.Decimal | None = None
    recording_lag_days: rules.Days = 0.0
    fold_emails: bool = True
    rates: Dict[Text, Dict[rules.Month, rules.Rate]] = field(default_factory=dict)
    scales: Dict[Text, rules.Scale] = field(default_factory=lambda: SCALES)
    static: rules.Names = ()
    numbers: rules.Names = ()
    categories: Dict[Text, rules.Names] = field(default_factory=dict)
    tables: Dict[str, TableMapping] = field(default_factory=dict)

    def of(self, table: str) -> TableMapping:
        """The mapping of one table."""
        return self.tables.get(table, TableMapping())

    @property
    def attributes(self) -> dict[str, Dict[str, rules.AttributeKind]]:
        """Table -> its declared columns -> what they hold; customers apart."""
        return {name: own.attributes for name, own in self.tables.items() if own.attributes}

    @classmethod
    def read(cls, path: Path | str) -> Mapping:
        """Read a `history.toml`.

        Raises
        ------
        HistoryError
            If the file is absent, is no TOML, or is wrong: all mistakes at once, by table and key.
        """
        return read(path, "mapping", cls.from_dict, HistoryError)

    @classmethod
    def from_dict(cls, content: Dict[str, Any]) -> Mapping:
        """Build from the parsed TOML document; every key is checked.

        Examples
        --------
        >>> mapping = Mapping.from_dict({"orders": {"columns": {"order_id": "invoice"}}})
        >>> mapping.of("orders").source("order_id")
        'invoice'
        """
        given = checked(FILE, content, HistoryError)
        tables = {name: given.pop(name) for name in TABLES if name in given}
        scales = tables.get("feedback", {}).pop("scales", {})
        customers = tables.get("customers", {})
        attributes = {name: customers.pop(name) for name in ATTRIBUTES if name in customers}
        return cls(
            **given,
            **attributes,
            scales={**SCALES, **scales},
            tables={name: _table_mapping(own) for name, own in tables.items()},
        )


def _table_mapping(given: dict[str, Any]) -> TableMapping:
    parts = {name: owner(**given.pop(name)) for name, owner in OF_ORDERS.items() if name in given}
    return TableMapping(**given.pop("lines", {}), **given, **parts)


LINES = create_model("Lines", __config__=STRICT, quantity=(Text, ...), price=(Text, ...))
ORDERS_ONLY = (
    "quantity",
    "price",
    "line_total",
    "repeated",
    "without_order_id",
    "status",
    "refund",
)
OF_ORDERS: dict[str, Any] = {"status": Status, "refund": Refund}


def _source(*without: str, **further: Any) -> Any:
    return table(TableMapping, *ORDERS_ONLY, *without, **further)


FILE = table(
    Mapping,
    "scales",
    "tables",
    *ATTRIBUTES,
    orders=table(
        TableMapping,
        *("quantity", "price", *OF_ORDERS),
        lines=LINES,
        **{name: table(owner) for name, owner in OF_ORDERS.items()},
    ),
    refunds=_source("attributes"),
    feedback=_source(scales=dict[Text, rules.Scale]),
    offers=_source(),
    customers=_source(
        "attributes",
        static=rules.Names,
        numbers=rules.Names,
        categories=dict[Text, rules.Names],
    ),
)
