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

TABLES = ("orders", "feedback", "offers", "customers")
ATTRIBUTES = ("static", "numbers", "categories")
# Lowest and highest score, as these surveys are usually asked.
SCALES: Dict[str, tuple[float, float]] = MappingProxyType(
    {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "review": (1.0, 5.0), "ticket": (1.0, 5.0)}
)


@settings(HistoryError)
class TableMapping:
    """Where one table comes from.

    Attributes
    ----------
    file : str or None
        File name inside the history's folder; default: the table's name with the
        end of a format that is read.
    table : str or None
        Table name in a database, or schema.table; default: the table's name.
    columns : dict
        The table's column name -> the column name in the source.
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
    """

    file: Text | None = None
    table: Text | None = None
    columns: Dict[Text, Text] = field(default_factory=dict)
    constants: Dict[Text, rules.Constant] = field(default_factory=dict)
    date_format: rules.Formats = ()
    drop: Text | None = None
    quantity: Text | None = None
    price: Text | None = None

    @property
    def is_lines(self) -> bool:
        """Whether the source holds invoice lines instead of orders."""
        return self.quantity is not None

    def source(self, column: str) -> str:
        """Name of a column in the source."""
        return self.columns.get(column, column)


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
    separator : str or None
        What parts the cells of text files; default: found by evidence.
    encoding : str or None
        The encoding of text files, by any name Python knows; default: found by evidence.
    skip_lines : int or None
        Lines above the column names of files; default: titles are found by evidence.
    decimal : str
        Decimal mark of numbers kept as text.
    recording_lag_days : float
        How long after an order it may still be recorded; labels wait for it.
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
    currency: Text | None = None
    shop: Text | None = None
    separator: rules.Separator | None = None
    encoding: rules.Encoding | None = None
    skip_lines: rules.Count | None = None
    decimal: rules.Decimal = "."
    recording_lag_days: rules.Days = 0.0
    scales: Dict[Text, rules.Scale] = field(default_factory=lambda: SCALES)
    static: rules.Names = ()
    numbers: rules.Names = ()
    categories: Dict[Text, rules.Names] = field(default_factory=dict)
    tables: Dict[str, TableMapping] = field(default_factory=dict)

    def of(self, table: str) -> TableMapping:
        """The mapping of one table."""
        return self.tables.get(table, TableMapping())

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
            tables={
                name: TableMapping(**own.pop("lines", {}), **own) for name, own in tables.items()
            },
        )


LINES = create_model("Lines", __config__=STRICT, quantity=(Text, ...), price=(Text, ...))


def _source(**further: Any) -> Any:
    return table(TableMapping, "quantity", "price", **further)


FILE = table(
    Mapping,
    "scales",
    "tables",
    *ATTRIBUTES,
    orders=_source(lines=LINES),
    feedback=_source(scales=dict[Text, rules.Scale]),
    offers=_source(),
    customers=_source(
        static=rules.Names,
        numbers=rules.Names,
        categories=dict[Text, rules.Names],
    ),
)
