"""The usability report: what the data holds, what is wrong with it, and what it is enough for."""

from __future__ import annotations

import math
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass
from typing import Any

from features.clock import Instant, as_day, as_instant
from features.intake.canonical import CanonicalTable
from features.intake.mapping import Mapping
from features.plain import plain
from features.quality import refund_checks as refunds
from features.quality import shop_checks as shop
from features.quality import source_checks as sources
from features.quality import table_checks as tables
from features.quality.context import CheckContext, DataProblem, Totals, gather, on_day
from features.quality.duplicate_checks import duplicates
from features.quality.flow import Staleness, staleness
from features.quality.readiness import Readiness, labelled, readiness
from features.quality.row_counts import RowCounts
from features.quality.suggestion import HorizonSuggestion, suggest_within

SEVERITIES = ("error", "warning", "info")
CHECKS = (
    shop.no_orders,
    sources.unlike_currencies,
    tables.unusable_rows,
    tables.unread_facts,
    tables.anonymous_rows,
    duplicates,
    tables.recorded_times,
    tables.one_value_columns,
    tables.currency,
    sources.statuses,
    refunds.refunds_not_read,
    refunds.refunds_without_date,
    refunds.refunds_told_twice,
    sources.rules_without_effect,
    sources.spellings,
    sources.ids_as_numbers,
    sources.cents,
    sources.mass_instants,
    shop.stray_dates,
    shop.zero_amounts,
    shop.excess_refunds,
    shop.dominating_orders,
    shop.dominating_customers,
    shop.guest_ids,
    shop.one_time_buyers,
    shop.silent_weeks,
    shop.strangers,
    shop.only_dates,
    tables.unused_columns,
)


@dataclass(frozen=True)
class Span:
    """From the first order with positive amount to the last; `days` counts both ends."""

    first_day: float
    last_day: float
    first_date: str
    last_date: str
    days: int


@dataclass(frozen=True)
class Sums:
    """What the orders that count amount to, in the history's currency.

    Attributes
    ----------
    customers, orders : int
        As in the report.
    gross : float
        Amounts of the orders before refunds.
    refunds : float
        Money given back, positive.
    """

    customers: int
    orders: int
    gross: float
    refunds: float


@dataclass(frozen=True)
class Report:
    """What the data holds, what is wrong with it, and what it is enough for.

    Attributes
    ----------
    as_of : str or None
        ISO instant of the cut; None: everything was looked at.
    format : str or None
        Name of the export that the orders were recognised as.
    problems : tuple of DataProblem
        Errors first, then warnings, then what is good to know.
    accounting : tuple of RowCounts
        One for each table; invoice lines have one, and the orders made of them.
    span : Span or None
        None if there are no orders.
    customers : int
        With at least one order.
    orders, refunds : int
        Orders with positive and with negative amount, of customers, known before `as_of`.
    totals : Sums
        Customers, orders and money.
    staleness : Staleness or None
        None if there is no `as_of` or no order.
    suggestion : HorizonSuggestion
    readiness : tuple of Readiness
        For rule, BTYD and GBDT forecasts at the suggested horizon.
    """

    as_of: str | None
    format: str | None
    problems: tuple[DataProblem, ...]
    accounting: tuple[RowCounts, ...]
    span: Span | None
    customers: int
    orders: int
    refunds: int
    totals: Sums
    staleness: Staleness | None
    suggestion: HorizonSuggestion
    readiness: tuple[Readiness, ...]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain dictionaries and lists, ready for JSON."""
        document: dict[str, Any] = asdict(self)
        if self.staleness is not None:
            document["staleness"]["is_stale"] = self.staleness.is_stale
        written: dict[str, Any] = plain(document)
        return written


def check(
    intakes: Dict[str, CanonicalTable],
    mapping: Mapping,
    as_of: Instant | None = None,
    unread: Dict[str, str | None] | None = None,
) -> Report:
    """Report what a history holds and what is wrong with it.

    Parameters
    ----------
    intakes : dict
        Table name -> CanonicalTable, as from `take_in`. What needs the source's own cells (when
        rows were recorded, examples of cells) is looked at where the source is in files, databases
        or memory.
    mapping : Mapping
    as_of : str, date, datetime or float, optional
        Only what was known before it counts; None: everything.
    unread : mapping of str to str or None, optional
        Files beside the history's that are not read, and the formats they look like.

    Examples
    --------
    >>> import polars as pl
    >>> from features.intake.canonical import take_in
    >>> orders = pl.DataFrame({
    ...     "order_id": ["1", "2", "3"], "customer_id": ["a", "a", None],
    ...     "ordered_at": ["2024-01-05", "2024-02-01", "2024-03-01"], "amount": [20.0, 0.0, 35.0]})
    >>> euros = Mapping(currency="EUR")
    >>> report = check(take_in({"orders": orders}, euros), euros)
    >>> report.accounting[0].used, report.accounting[0].anonymous
    (2, 1)
    >>> [problem.kind for problem in report.problems]
    ['anonymous', 'zero_amount', 'dates_only']
    """
    day = None if as_of is None else as_day(as_of, mapping.timezone)
    context = gather(intakes, mapping, day)
    suggestion = suggest_within(context.past)
    silence = _staleness(context)
    horizon = suggestion.horizon_days
    found = [
        *(problem for look in CHECKS for problem in look(context)),
        *shop.stale(context, silence, horizon),
        *sources.unread_files(unread or {}),
    ]
    return Report(
        as_of=None if day is None else as_instant(day).isoformat(),
        format=intakes["orders"].format,
        problems=tuple(sorted(found, key=lambda p: SEVERITIES.index(p.severity))),
        accounting=tuple(context.accounting.values()),
        span=_span(context),
        customers=context.totals.customers,
        orders=context.totals.orders,
        refunds=context.totals.refunds,
        totals=_sums(context.totals),
        staleness=silence,
        suggestion=suggestion,
        readiness=readiness(labelled(context, horizon)),
    )


def _sums(totals: Totals) -> Sums:
    gross, refunds = (round(value, 2) for value in (totals.gross, totals.refunded))
    return Sums(totals.customers, totals.orders, gross, refunds)


def _span(context: CheckContext) -> Span | None:
    first, last = context.totals.first_order, context.totals.last_order
    if first is None or last is None:
        return None
    days = math.floor(last) - math.floor(first) + 1
    return Span(first, last, on_day(first), on_day(last), days)


def _staleness(context: CheckContext) -> Staleness | None:
    last = context.totals.last_order
    if context.as_of is None or last is None:
        return None
    return staleness(context.days, last, context.as_of)
