"""What the checks look at: the tables, what was known of them, and sums over both."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
import polars as pl

from features.clock import as_instant
from features.history.history import History
from features.history.order_days import solid
from features.intake.canonical import CanonicalTable, settled_mapping
from features.intake.mapping import Mapping
from features.quality.row_counts import RowCounts, account, fates

Severity = Literal["error", "warning", "info"]
Frame = nw.LazyFrame[Any]


@dataclass(frozen=True)
class DataProblem:
    """One thing about the data that its owner should know.

    Attributes
    ----------
    kind : str
        A stable name, such as `zero_amount`.
    severity : {"error", "warning", "info"}
        error: forecasts will be wrong; warning: they will be worse, or rows are lost; info: good
        to know.
    table : str
    column : str or None
        As the source calls it; None if it is about the table as a whole.
    rows : int
        Rows of the table that are affected.
    example : str or None
    remedy : str
        What to do about it.
    message : str
        What is the matter, in one or two sentences.
    """

    kind: str
    severity: Severity
    table: str
    column: str | None
    rows: int
    example: str | None
    remedy: str
    message: str

    def __post_init__(self) -> None:
        if self.severity not in ("error", "warning", "info"):
            raise ValueError(f"severity must be error, warning or info; got {self.severity!r}.")


@dataclass(frozen=True)
class Totals:
    """Sums over the orders known before `as_of`."""

    orders: int
    refunds: int
    customers: int
    one_time: int
    gross: float
    refunded: float
    first_order: float | None
    last_order: float | None

    @property
    def absolute_amount(self) -> float:
        """Money that went either way."""
        return self.gross + self.refunded


@dataclass(frozen=True)
class CheckContext:
    """Everything the checks read.

    Attributes
    ----------
    intakes : dict
        Table name -> CanonicalTable.
    mapping : Mapping
    as_of : float or None
        As `day`; None: everything is known.
    past : History
        What was known before `as_of`.
    accounting : dict
        Table name -> Accounting.
    customers : narwhals.LazyFrame
        One row per customer of the past: customer_id, orders, refunds, ordered, refunded,
        first_order, last_order, first_known.
    days, solid_days : polars.DataFrame
        Orders with positive amount per day known before `as_of`; the same without stray days.
    totals : Totals
    """

    intakes: Dict[str, CanonicalTable]
    mapping: Mapping
    as_of: float | None
    past: History
    accounting: dict[str, RowCounts]
    customers: Frame
    days: pl.DataFrame
    solid_days: pl.DataFrame
    totals: Totals

    def source(self, table: str, column: str) -> str:
        """What the table's source calls a column."""
        return self.mapping.of(section(table)).source(column)

    def used(self, table: str) -> Frame:
        """The rows of a table that count at `as_of`."""
        return self.with_fate(table, "used")

    def with_fate(self, table: str, *fate: str) -> Frame:
        """The rows of a table that ended in one of the places of its accounting."""
        rows = fates(self.intakes[table], self.as_of)
        return rows.filter(nw.col("fate").is_in(fate))


def gather(
    intakes: Dict[str, CanonicalTable], mapping: Mapping, as_of: float | None
) -> CheckContext:
    """Cut the tables at `as_of` and sum up what several checks need."""
    mapping = settled_mapping(intakes, mapping)
    past = History.from_intakes(intakes, mapping)
    past = past if as_of is None else past.upto(as_of)
    customers = held(by_customer(past.orders))
    days = past.order_days
    return CheckContext(
        intakes=intakes,
        mapping=mapping,
        as_of=as_of,
        past=past,
        accounting={name: account(intake, as_of) for name, intake in intakes.items()},
        customers=customers,
        days=days,
        solid_days=solid(days),
        totals=_totals(customers),
    )


def section(table: str) -> str:
    """The mapping's section of a table; invoice lines are under orders."""
    return "orders" if table == "lines" else table


def sums(frame: Frame, **conditions: nw.Expr) -> dict[str, int]:
    """Count the `rows`, and those that fulfil each condition, in one pass."""
    counts = {name: c.cast(nw.Int64).sum() for name, c in conditions.items()}
    found = values(frame, rows=nw.len(), **counts)
    return {name: int(count or 0) for name, count in found.items()}


def values(frame: Frame, **aggregates: nw.Expr) -> dict[str, Any]:
    """Aggregate a frame to one row."""
    found: pl.DataFrame = frame.select(**aggregates).collect("polars").to_native()
    return found.row(0, named=True)


def first(frame: Frame, order: str, columns: Sequence[str], limit: int = 1) -> list[dict[str, Any]]:
    """The first rows by a column, or the last ones by a column named with a leading minus."""
    by, descending = order.removeprefix("-"), order.startswith("-")
    ties = [c for c in columns if c != by]
    top = frame.sort(by, *ties, descending=[descending, *(False for _ in ties)]).head(limit)
    found: pl.DataFrame = top.select(*columns).collect("polars").to_native()
    return found.rows(named=True)


def one_id(frame: Frame, column: str) -> str | None:
    """The first id of a frame, as the example of a problem."""
    found = values(frame, least=nw.col(column).min())["least"]
    return None if found is None else f"{column} = {found!r}"


def held(frame: Frame) -> Frame:
    """Keep a local frame in memory; leave another where it is."""
    if not frame.implementation.is_polars():
        return frame
    native: pl.LazyFrame = frame.to_native()
    return nw.from_native(native.collect().lazy())


def on_day(day: float) -> str:
    """A `day` as a date."""
    return as_instant(day).date().isoformat()


def by_customer(orders: Frame) -> Frame:
    """One row per customer, as `CheckContext.customers` has them."""
    amount, day = nw.col("amount"), nw.col("day")
    bought, refunded = amount > 0, amount < 0
    rows = orders.select(
        "customer_id",
        bought.cast(nw.Int64).alias("orders"),
        refunded.cast(nw.Int64).alias("refunds"),
        nw.when(bought).then(amount).otherwise(0.0).alias("ordered"),
        nw.when(refunded).then(-amount).otherwise(0.0).alias("refunded"),
        nw.when(bought).then(day).alias("order_day"),
        nw.when(bought).then(nw.col("known_day")).alias("order_known"),
    )
    return rows.group_by("customer_id").agg(
        nw.col("orders").sum(),
        nw.col("refunds").sum(),
        nw.col("ordered").sum(),
        nw.col("refunded").sum(),
        nw.col("order_day").min().alias("first_order"),
        nw.col("order_day").max().alias("last_order"),
        nw.col("order_known").min().alias("first_known"),
    )


def _totals(customers: Frame) -> Totals:
    once = nw.col("first_order").floor() == nw.col("last_order").floor()
    found = values(
        customers,
        orders=nw.col("orders").sum(),
        refunds=nw.col("refunds").sum(),
        customers=(nw.col("orders") > 0).cast(nw.Int64).sum(),
        one_time=once.cast(nw.Int64).sum(),
        gross=nw.col("ordered").sum(),
        refunded=nw.col("refunded").sum(),
        first_order=nw.col("first_order").min(),
        last_order=nw.col("last_order").max(),
    )
    counts = {
        name: int(found[name] or 0) for name in ("orders", "refunds", "customers", "one_time")
    }
    return Totals(
        **counts,
        gross=float(found["gross"] or 0.0),
        refunded=float(found["refunded"] or 0.0),
        first_order=found["first_order"],
        last_order=found["last_order"],
    )
