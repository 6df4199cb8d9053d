"""How a reason reads: a phrase about every row of a feature table, missing where there is none.

What speaks for a customer is no reason for risk, whatever a model adds up: many orders, more of
them than before, offers redeemed. Where such a number raises the risk it does so together with the
silence since, and `training.scoring.reasons` has the rhythm tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from features.agreement import many
from features.feature import Feature

# The mean spend of a purchase day in the shop, beside the features of the table.
USUAL_SPEND = "usual_spend"
# Orders that are few in themselves.
FEW_ORDERS = 2
# Of a horizon without an order: less is no silence of somebody who bought on one day.
QUIET = 0.25
# What phrases go by, besides what a shop adds itself.
READ = frozenset(
    {
        "aov", "days_since_first_order", "days_since_last_feedback", "days_since_last_order",
        "discounted_orders_share", "gap_median", "horizon_days", "offers_365d", "offers_redeemed",
        "orders", "orders_1h", "orders_2h", "orders_season_1y", "purchase_days", "refunds",
        "satisfaction_last", "spend_1h", "spend_4h", "ticket_count", "tickets_open", USUAL_SPEND,
    }
)  # fmt: skip
Text = Any  # a pandas Series of the nullable text type, which the stubs do not know
Row = Mapping[str, float]
# NaN may be told as if it were a number: `said` then takes it for nothing to say.
Phrase = Callable[[Row], str | None]


def said(phrase: Phrase, row: Row) -> str | None:
    """A phrase about a customer, None where there is none or a number in it is not known."""
    try:
        return phrase(row)
    except ValueError:  # NaN is no whole number.
        return None


def rows_of(table: pd.DataFrame, further: Iterable[str] = ()) -> list[dict[str, float]]:
    """What phrases read of every row of a feature table, and further columns."""
    wanted = READ.union(further)
    columns = [column for column in table.columns if column in wanted]
    return [dict(zip(columns, row, strict=True)) for row in table[columns].to_numpy().tolist()]


def said_of_all(phrase: Phrase, table: pd.DataFrame) -> Text:
    """A phrase about every row of a feature table, missing where there is none."""
    found = [said(phrase, row) for row in rows_of(table)]
    return pd.Series(found, index=table.index, dtype="string")


def _number(value: float) -> str:
    return f"{round(value):,}"


def _counted(value: float, noun: str) -> str:
    count = round(value)
    return many(count, noun) if count else f"no {noun}s"


def _rhythm(c: Row) -> str | None:
    """Silent for longer than the customer's own rhythm, or of a slow one."""
    since, usual = max(c["days_since_last_order"], 1.0), max(c["gap_median"], 1.0)
    if usual != usual:  # NaN: bought on one day.
        is_quiet = since >= QUIET * c["horizon_days"]
        return f"no order for {_counted(since, 'day')}" if is_quiet else None
    if since > usual:
        return f"used to order every {_counted(usual, 'day')}, none for {_number(since)}"
    is_slow = usual >= c["horizon_days"] / 2
    return f"orders only about every {_counted(usual, 'day')}" if is_slow else None


def _age(c: Row) -> str | None:
    """New, or with few orders for the time."""
    age, horizon = max(c["days_since_first_order"], 1.0), c["horizon_days"]
    if age < horizon:
        return f"first order only {_counted(age, 'day')} ago"
    if c["purchase_days"] * horizon < age:
        return f"{_counted(c['orders'], 'order')} in {_counted(age, 'day')}"
    return None


def _orders(c: Row) -> str | None:
    if not c["orders"] <= FEW_ORDERS:
        return None
    return f"only {_counted(c['orders'], 'order')} so far" if c["orders"] > 1 else "only one order"


def _recent_orders(c: Row) -> str | None:
    """None lately, or fewer than before."""
    days, lately, before = c["horizon_days"], c["orders_1h"], c["orders_2h"] - c["orders_1h"]
    if not (c["days_since_first_order"] > days and (lately < before or lately == 0)):
        return None
    fewer = f"{_counted(lately, 'order')} in the last {_number(days)} days"
    return f"{fewer}, {_number(before) if round(before) else 'none'} in the {_number(days)} before"


def _season(c: Row) -> str | None:
    """None at this time of the year a year ago."""
    if c["days_since_first_order"] >= 365 and c["orders_season_1y"] == 0:
        return "no orders in the coming season a year ago"
    return None


def _spend(c: Row) -> str | None:
    """Less an order than the customers of the shop."""
    if c["aov"] < c[USUAL_SPEND]:
        return f"spends {_number(c['aov'])} an order, less than most"
    return None


def _recent_spend(c: Row) -> str | None:
    """Nothing lately, or less than before."""
    lately, before = c["spend_1h"], (c["spend_4h"] - c["spend_1h"]) / 3
    horizon = _number(c["horizon_days"])
    if not lately > 0:
        return f"nothing spent in the last {horizon} days"
    if lately < before:
        less = f"{_number(lately)} spent in the last {horizon} days"
        return f"{less}, {_number(before)} in each {horizon} before"
    return None


def _returns(c: Row) -> str | None:
    if c["refunds"] > 0:
        return f"{_counted(c['refunds'], 'refund')} on {_counted(c['orders'], 'order')}"
    return None


def _discounts(c: Row) -> str | None:
    share = c["discounted_orders_share"]
    return f"{_number(100 * share)} % of orders bought at a discount" if share > 0 else None


def _feedback(c: Row) -> str | None:
    last = c["satisfaction_last"]
    if not last <= 0:
        return None
    ago = _counted(max(c["days_since_last_feedback"], 1.0), "day")
    return f"last feedback {'negative' if last < 0 else 'neutral'}, {ago} ago"


def _tickets(c: Row) -> str | None:
    if not c["ticket_count"] > 0:
        return None
    still = f", {_number(c['tickets_open'])} open" if c["tickets_open"] > 0 else ""
    return f"{_counted(c['ticket_count'], 'support ticket')}{still}"


def _offers(c: Row) -> str | None:
    if c["offers_365d"] > 0 and c["offers_redeemed"] == 0:
        return f"{_counted(c['offers_365d'], 'offer')} in the last year, none redeemed so far"
    return None


def of_profile(column: str, values: Sequence[str]) -> Phrase:
    """The phrase of a customer attribute: the value behind the code, or the number itself."""
    codes = {float(code): value for code, value in enumerate(values)}
    name = column.removeprefix("profile_")

    def say(c: Row) -> str | None:
        value = c[column]
        if value != value:
            return None
        shown = codes.get(value) if codes else f"{value:g}"
        return None if shown is None else f"{name} is {shown}"

    return say


def of_own(feature: Feature) -> Phrase:
    """The phrase of a feature of the shop's own: what it means, and its value with the unit."""
    form = "{:.0%}" if feature.unit == "share" else "{:,.4g}"
    unit = "" if feature.unit in ("", "share") else f" {feature.unit}"

    def say(c: Row) -> str | None:
        value = c[feature.name]
        return f"{feature.meaning}: {form.format(value)}{unit}" if value == value else None

    return say


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "rhythm": _rhythm,
        "age": _age,
        "orders": _orders,
        "recent orders": _recent_orders,
        "season": _season,
        "spend": _spend,
        "recent spend": _recent_spend,
        "returns": _returns,
        "discounts": _discounts,
        "feedback": _feedback,
        "tickets": _tickets,
        "offers": _offers,
    }
)
