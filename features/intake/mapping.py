"""How a shop's own files become the history's tables: the validated content of `history.toml`."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from features.clock import EPOCH_UNITS
from features.errors import HistoryError

TABLES = ("orders", "feedback", "offers", "customers")
Constant = str | int | float | bool
# Lowest and highest score, as these surveys are usually asked.
SCALES: Dict[str, tuple[float, float]] = MappingProxyType(
    {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "review": (1.0, 5.0), "ticket": (1.0, 5.0)}
)


@dataclass(frozen=True)
class TableMapping:
    """Where one table comes from.

    Attributes
    ----------
    file : str or None
        File name inside the history's folder; default: the table's name with .parquet or .csv.
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

    file: str | None = None
    table: str | None = None
    columns: Dict[str, str] = field(default_factory=dict)
    constants: Dict[str, Constant] = field(default_factory=dict)
    date_format: tuple[str, ...] = ()
    drop: str | None = None
    quantity: str | None = None
    price: str | None = None

    @property
    def is_lines(self) -> bool:
        """Whether the source holds invoice lines instead of orders."""
        return self.quantity is not None

    def source(self, column: str) -> str:
        """Name of a column in the source."""
        return self.columns.get(column, column)


@dataclass(frozen=True)
class Mapping:
    """The validated content of a `history.toml`.

    Attributes
    ----------
    timezone : str
        The shop's IANA time zone.
    currency : str or None
        The currency of every amount.
    separator, decimal : str
        Column separator of CSV files and decimal mark of numbers kept as text.
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

    timezone: str = "UTC"
    currency: str | None = None
    separator: str = ","
    decimal: str = "."
    recording_lag_days: float = 0.0
    scales: Dict[str, tuple[float, float]] = field(default_factory=lambda: SCALES)
    static: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: Dict[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Dict[str, TableMapping] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise HistoryError(
                f"timezone must be an IANA name such as Europe/Paris; got {self.timezone!r}."
            ) from None
        if self.decimal not in {".", ","}:
            raise HistoryError(f"decimal must be '.' or ','; got {self.decimal!r}.")
        if len(self.separator.encode()) != 1:
            raise HistoryError(f"separator must be one character; got {self.separator!r}.")
        if not 0 <= self.recording_lag_days < float("inf"):
            raise HistoryError(
                f"recording_lag_days must be a number of days >= 0; got {self.recording_lag_days}."
            )
        for kind, (low, high) in self.scales.items():
            if not -math.inf < low < high < math.inf:
                raise HistoryError(
                    f"scale of {kind!r} must be [lowest, highest]; got {[low, high]}."
                )

    def of(self, table: str) -> TableMapping:
        """The mapping of one table."""
        return self.tables.get(table, TableMapping())

    @classmethod
    def read(cls, path: Path | str) -> Mapping:
        """Read a `history.toml`.

        Raises
        ------
        HistoryError
            If the file is absent, is no TOML, or holds a key that means nothing here.
        """
        path = Path(path)
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise HistoryError(f"mapping {path} does not exist. Check the path.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise HistoryError(f"mapping {path} cannot be read: {error}.") from None
        try:
            return cls.from_dict(content)
        except HistoryError as error:
            raise HistoryError(f"mapping {path}: {error}") from None

    @classmethod
    def from_dict(cls, content: Dict[str, Any]) -> Mapping:
        """Build from the parsed TOML document; every key is checked.

        Examples
        --------
        >>> mapping = Mapping.from_dict({"orders": {"columns": {"order_id": "invoice"}}})
        >>> mapping.of("orders").source("order_id")
        'invoice'
        """
        settings = {
            "timezone",
            "currency",
            "separator",
            "decimal",
            "recording_lag_days",
        }
        _known(content, settings | set(TABLES), "the top level")
        tables = {name: dict(_section(content, name)) for name in TABLES if name in content}
        customers, feedback = tables.get("customers", {}), tables.get("feedback", {})
        static = _texts(customers.pop("static", ()), "customers.static")
        numbers = _texts(customers.pop("numbers", ()), "customers.numbers")
        categories = {
            column: _texts(values, f"customers.categories.{column}")
            for column, values in _section(customers, "categories").items()
        }
        customers.pop("categories", None)
        scales = {kind: _scale(kind, pair) for kind, pair in _section(feedback, "scales").items()}
        feedback.pop("scales", None)
        return cls(
            timezone=_text(content.get("timezone", "UTC"), "timezone"),
            currency=_text(content["currency"], "currency") if "currency" in content else None,
            separator=_text(content.get("separator", ","), "separator"),
            decimal=_text(content.get("decimal", "."), "decimal"),
            recording_lag_days=_number(
                content.get("recording_lag_days", 0.0), "recording_lag_days"
            ),
            scales={**SCALES, **scales},
            static=static,
            numbers=numbers,
            categories=categories,
            tables={name: _table(name, section) for name, section in tables.items()},
        )


def _table(name: str, section: dict[str, Any]) -> TableMapping:
    allowed = {f.name for f in fields(TableMapping)} - {"quantity", "price"} | {"lines"}
    _known(section, allowed - (set() if name == "orders" else {"lines"}), f"[{name}]")
    lines = _section(section, "lines")
    if "lines" in section:
        _known(lines, {"quantity", "price"}, "[orders.lines]")
        if set(lines) != {"quantity", "price"}:
            raise HistoryError("[orders.lines] must name the columns quantity and price.")
    return TableMapping(
        file=_optional_text(section, "file", name),
        table=_optional_text(section, "table", name),
        columns={
            k: _text(v, f"{name}.columns.{k}") for k, v in _section(section, "columns").items()
        },
        constants={
            k: _constant(v, f"{name}.constants.{k}")
            for k, v in _section(section, "constants").items()
        },
        date_format=_formats(section.get("date_format", ()), f"{name}.date_format"),
        drop=_optional_text(section, "drop", name),
        quantity=_optional_text(lines, "quantity", "orders.lines"),
        price=_optional_text(lines, "price", "orders.lines"),
    )


def _optional_text(section: Dict[str, Any], key: str, where: str) -> str | None:
    return _text(section[key], f"{where}.{key}") if key in section else None


def _constant(value: Any, name: str) -> Constant:
    if not isinstance(value, Constant):
        raise HistoryError(f"{name} must be text, a number, true or false; got {value!r}.")
    return value


def _formats(value: Any, name: str) -> tuple[str, ...]:
    formats = (_text(value, name),) if isinstance(value, str) else _texts(value, name)
    for format in formats:
        is_epoch = format in EPOCH_UNITS and len(formats) == 1
        if not is_epoch and "%" not in format:
            raise HistoryError(
                f"{name} must be strptime formats such as %d/%m/%Y %H:%M, or one of "
                f"{sorted(EPOCH_UNITS)}; got {format!r}."
            )
    return formats


def _known(section: Dict[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(section) - allowed)
    if unknown:
        raise HistoryError(
            f"{where} has unknown keys {unknown}; the keys there are {sorted(allowed)}."
        )


def _section(content: Dict[str, Any], name: str) -> Dict[str, Any]:
    section = content.get(name, {})
    if not isinstance(section, Dict):
        raise HistoryError(f"{name} must be a table; got {section!r}.")
    return section


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise HistoryError(f"{name} must be text; got {value!r}.")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise HistoryError(f"{name} must be a list of texts; got {value!r}.")
    return tuple(_text(item, name) for item in value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HistoryError(f"{name} must be a number; got {value!r}.")
    return float(value)


def _scale(kind: str, pair: Any) -> tuple[float, float]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise HistoryError(f"feedback.scales.{kind} must be [lowest, highest]; got {pair!r}.")
    return _number(pair[0], f"feedback.scales.{kind}"), _number(pair[1], f"feedback.scales.{kind}")
