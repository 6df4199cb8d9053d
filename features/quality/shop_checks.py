"""What is the matter with the shop as its orders show it: one function for each kind of problem."""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw

from features.agreement import many
from features.history.order_days import order_days, solid
from features.quality.context import (
    CheckContext,
    DataProblem,
    Frame,
    first,
    on_day,
    one_id,
    sums,
    values,
)
from features.quality.flow import Staleness, holes, thin_end

# Times the mean: no tail of ordinary orders reaches so far.
DOMINATING_TIMES = 100.0
# Share of all spend, from which on one order bends the totals that a shop looks at.
DOMINATING_ORDER = 0.003
# The same of a customer, who has several orders.
DOMINATING_CUSTOMER = 0.01
# Times an equal share of the orders, so that a small shop's best customer is no guest.
GUEST_TIMES = 20.0
# Of all orders: nobody orders every twentieth parcel.
GUEST_SHARE = 0.05
GUEST_NAMES = (
    "anonymous", "cash", "customer", "default", "dummy", "gast", "guest", "n/a", "na", "nan",
    "none", "null", "test", "unknown", "walk-in", "walkin",
)  # fmt: skip
# Of the customers: with fewer than one in ten who return, frequency tells little.
ONE_TIME_SHARE = 0.9
# Customers: of fewer the share means little.
ONE_TIME_CUSTOMERS = 100
# Of the customers: rare enough to be refunds of orders before the history begins.
REFUNDED_SHARE = 0.01
# In the currency: half a cent is rounding.
CENT = 0.005
# Of the rows: where most do not match, the ids are of another system.
STRANGERS_WARNING = 0.5


def no_orders(context: CheckContext) -> Iterator[DataProblem]:
    """Nothing to learn from or to forecast."""
    account = context.accounting["orders"]
    if context.totals.orders == 0:
        yield DataProblem(
            kind="no_orders",
            severity="error",
            table="orders",
            column=None,
            rows=account.rows_in,
            example=None,
            remedy="See the other problems; check as_of, and which columns hold date and amount.",
            message=f"Of {many(account.rows_in, 'row')} none is an order with a customer and a "
            "positive amount known before as_of.",
        )


def stray_dates(context: CheckContext) -> Iterator[DataProblem]:
    """A few orders dated a year or more away from all others."""
    usable = context.intakes["orders"].rows.filter(nw.col("problem").is_null())
    days = order_days(usable)
    kept = solid(days)
    strays = days.join(kept, on="day", how="anti").sort("day")
    if strays.is_empty():
        return
    rows = int(strays["orders"].sum())
    first_day, last_day = on_day(kept["day"][0]), on_day(kept["day"][-1])
    yield DataProblem(
        kind="stray_date",
        severity="warning",
        table="orders",
        column=context.source("orders", "ordered_at"),
        rows=rows,
        example=on_day(strays["day"][-1]),
        remedy="Correct the dates. Give as_of: what is dated after it does not count as known.",
        message=f"{many(rows, 'row is', 'rows are')} dated a year or more away from all others, "
        f"which lie between {first_day} and {last_day}.",
    )


def zero_amounts(context: CheckContext) -> Iterator[DataProblem]:
    """Orders of nothing: no purchases by definition."""
    rows = context.with_fate("orders", "used", "anonymous").filter(nw.col("amount") == 0)
    found = sums(rows, with_customer=~nw.col("customer_id").is_null())
    if found["rows"]:
        yield DataProblem(
            kind="zero_amount",
            severity="info",
            table="orders",
            column=context.source("orders", "amount"),
            rows=found["rows"],
            example=one_id(rows, "order_id"),
            remedy="Nothing, if these are samples or corrections; else fill in the amount.",
            message=f"{many(found['rows'], 'row has', 'rows have')} amount 0, "
            f"{found['with_customer']:,} with a customer. "
            "Nothing paid is no purchase and no refund.",
        )


def excess_refunds(context: CheckContext) -> Iterator[DataProblem]:
    """Customers who got back more than they ever paid."""
    excess = nw.col("refunded") > nw.col("ordered") + CENT
    found = context.customers.filter(excess)
    total = values(found, customers=nw.len(), refunds=nw.col("refunds").sum())
    customers = int(total["customers"])
    if customers == 0:
        return
    rare = customers <= REFUNDED_SHARE * context.totals.customers
    yield DataProblem(
        kind="refunds_exceed_orders",
        severity="info" if rare else "warning",
        table="orders",
        column=context.source("orders", "amount"),
        rows=int(total["refunds"]),
        example=one_id(found, "customer_id"),
        remedy="Check that refunds carry the customer of their order, and that the orders before "
        "the first day of the history are not needed.",
        message=f"{many(customers, 'customer')} got back more than they ever paid; their orders "
        "may be older than the history. Their value counts as 0, not less.",
    )


def dominating_orders(context: CheckContext) -> Iterator[DataProblem]:
    """Single orders or refunds so large that averages mean little."""
    rows = context.past.orders.with_columns(nw.col("amount").abs().alias("size"))
    total, count = context.totals.absolute_amount, context.totals.orders + context.totals.refunds
    least = _dominating(total, count, DOMINATING_ORDER)
    large = rows.filter(nw.col("size") >= least) if total else rows.head(0)
    found = sums(large)["rows"]
    if found == 0:
        return
    top = first(large, "-size", ["size", "order_id", "customer_id"])[0]
    yield DataProblem(
        kind="dominating_order",
        severity="warning",
        table="orders",
        column=context.source("orders", "amount"),
        rows=found,
        example=f"order {top['order_id']} of customer {top['customer_id']}: {top['size']:,.2f}",
        remedy="Check whether the amount is right and the customer a consumer; leave such orders "
        "out with drop under [orders] in history.toml if they will not come again.",
        message=f"{many(found, 'order or refund dominates', 'orders and refunds dominate')}: "
        f"the largest is {top['size']:,.2f}, {top['size'] / total:.1%} of all that was paid "
        f"and refunded and {top['size'] / (total / count):,.0f} times the average.",
    )


def dominating_customers(context: CheckContext) -> Iterator[DataProblem]:
    """Single customers whose amounts decide the totals."""
    rows = context.customers.with_columns((nw.col("ordered") + nw.col("refunded")).alias("size"))
    total = context.totals.absolute_amount
    average = total / max(context.totals.customers, 1)
    least = _dominating(total, context.totals.customers, DOMINATING_CUSTOMER)
    large = rows.filter(nw.col("size") >= least) if total else rows.head(0)
    found = values(large, customers=nw.len(), rows=(nw.col("orders") + nw.col("refunds")).sum())
    if not found["customers"]:
        return
    top = first(large, "-size", ["size", "customer_id"])[0]
    yield DataProblem(
        kind="dominating_customer",
        severity="warning",
        table="orders",
        column=context.source("orders", "customer_id"),
        rows=int(found["rows"]),
        example=f"customer {top['customer_id']}: {top['size']:,.2f}",
        remedy="Check whether these are resellers or accounts shared by many; forecast them apart, "
        "or leave them out with drop under [orders] in history.toml.",
        message=f"{many(found['customers'], 'customer dominates', 'customers dominate')}: "
        f"the largest makes {top['size'] / total:.1%} of all that was paid and refunded, "
        f"{top['size'] / average:,.0f} times the average. Value forecasts hang on them.",
    )


def guest_ids(context: CheckContext) -> Iterator[DataProblem]:
    """Customer ids that stand for everybody who has none."""
    totals = context.totals
    if totals.customers == 0:
        return
    share = nw.col("orders").cast(nw.Float64) / float(totals.orders or 1)
    busy = (share >= GUEST_SHARE) & (share >= GUEST_TIMES / totals.customers)
    named = nw.col("customer_id").str.to_lowercase().is_in(GUEST_NAMES)
    found = context.customers.filter(busy | named)
    for row in first(found, "-orders", ["orders", "customer_id"], limit=3):
        yield DataProblem(
            kind="guest_id",
            severity="warning",
            table="orders",
            column=context.source("orders", "customer_id"),
            rows=int(row["orders"]),
            example=f"customer_id = {row['customer_id']!r}",
            remedy="If it stands for guests, leave the customer empty there: the orders then count "
            "as anonymous.",
            message=f"{row['customer_id']!r} has {many(int(row['orders']), 'order')}, "
            f"{row['orders'] / max(totals.orders, 1):.1%} of all: it may stand for many people.",
        )


def one_time_buyers(context: CheckContext) -> Iterator[DataProblem]:
    """Hardly anybody ever came back."""
    totals = context.totals
    if totals.customers < ONE_TIME_CUSTOMERS:
        return
    share = totals.one_time / totals.customers
    if share > ONE_TIME_SHARE:
        yield DataProblem(
            kind="one_time_buyers",
            severity="warning",
            table="orders",
            column=context.source("orders", "customer_id"),
            rows=totals.one_time,
            example=None,
            remedy="Check that returning customers keep their customer_id. If they do: choose a "
            "longer horizon, and look at the second order rather than at churn.",
            message=f"{share:.1%} of {many(totals.customers, 'customer')} bought on one day only. "
            "Nearly everybody churns, so forecasts can rank customers, but rarely expect anyone.",
        )


def only_dates(context: CheckContext) -> Iterator[DataProblem]:
    """Orders without a time of day."""
    day = nw.col("day")
    found = sums(context.past.orders, timed=day > day.floor())
    if found["rows"] and not found["timed"]:
        yield DataProblem(
            kind="dates_only",
            severity="info",
            table="orders",
            column=context.source("orders", "ordered_at"),
            rows=found["rows"],
            example=None,
            remedy="Nothing.",
            message="All orders are at midnight: these are dates without a time. That is fine.",
        )


def silent_weeks(context: CheckContext) -> Iterator[DataProblem]:
    """A week or more without an order in a busy shop, and an end that dries up."""
    column = context.source("orders", "ordered_at")
    found = holes(context.solid_days)
    if found:
        worst = max(found, key=lambda hole: hole.expected_orders)
        yield DataProblem(
            kind="silent_weeks",
            severity="warning",
            table="orders",
            column=column,
            rows=0,
            example=f"{worst.days} days from {on_day(worst.first_day)}",
            remedy="Nothing, if the shop was closed; else look for the missing data.",
            message=f"In {many(len(found), 'period')} of a week or more there is no order, in the "
            f"worst for {worst.days} days from {on_day(worst.first_day)}, where some "
            f"{many(round(worst.expected_orders), 'order was', 'orders were')} to be expected.",
        )
    thin = thin_end(context.solid_days)
    if thin:
        yield DataProblem(
            kind="thin_end",
            severity="warning",
            table="orders",
            column=column,
            rows=thin.orders,
            example=f"{many(thin.orders, 'order')} from {on_day(thin.first_day)}",
            remedy=f"Give an as_of, and let label windows end, by {on_day(thin.first_day)}: if the "
            "data stops there and not the shop, everybody looks lost afterwards.",
            message=f"In the last {many(thin.days, 'day')}, from {on_day(thin.first_day)}, there "
            f"{'is' if thin.orders == 1 else 'are'} {many(thin.orders, 'order')} where "
            f"{thin.usual_week:,.0f} a week are usual.",
        )


def stale(
    context: CheckContext, staleness: Staleness | None, horizon: int
) -> Iterator[DataProblem]:
    """The last order long before `as_of`."""
    if staleness is None or not staleness.is_stale or context.totals.last_order is None:
        return
    since, last = staleness.days_since_last_order, on_day(context.totals.last_order)
    yield DataProblem(
        kind="stale",
        severity="error" if since >= horizon else "warning",
        table="orders",
        column=context.source("orders", "ordered_at"),
        rows=0,
        example=f"last order on {last}",
        remedy=f"Load the orders since {last}, or give an as_of soon after it.",
        message=f"The last order of any customer is {since:.0f} days before as_of; the shop is "
        f"usually silent for {staleness.usual_gap_days:.0f} at most. Everybody looks more lost "
        "than they are.",
    )


def strangers(context: CheckContext) -> Iterator[DataProblem]:
    """Feedback and offers of customers without orders; orders of customers not in the list."""
    buyers = context.customers.select("customer_id")
    for table in ("feedback", "offers"):
        if table in context.accounting:
            yield from _without_orders(context, table, buyers)
    listed = context.past.customers
    if listed is not None and context.totals.customers:
        missing = buyers.join(listed.select("customer_id"), on="customer_id", how="anti")
        yield from _unlisted(context, missing)


def _without_orders(context: CheckContext, table: str, buyers: Frame) -> Iterator[DataProblem]:
    rows = context.used(table).join(buyers, on="customer_id", how="anti")
    count, used = sums(rows)["rows"], context.accounting[table].used
    if count == 0:
        return
    yield DataProblem(
        kind="without_orders",
        severity="warning" if count > STRANGERS_WARNING * used else "info",
        table=table,
        column=context.source(table, "customer_id"),
        rows=count,
        example=one_id(rows, "customer_id"),
        remedy="Nothing, if they have not bought yet; else check that ids are written alike in "
        "both tables, leading zeros included.",
        message=f"Of {many(used, 'row')} {many(count, 'is', 'are')} of customers without any order "
        "and not used.",
    )


def _unlisted(context: CheckContext, missing: Frame) -> Iterator[DataProblem]:
    count = sums(missing)["rows"]
    if count == 0:
        return
    share = count / context.totals.customers
    yield DataProblem(
        kind="unlisted_customers",
        severity="warning" if share > STRANGERS_WARNING else "info",
        table="customers",
        column=context.source("customers", "customer_id"),
        rows=0,
        example=one_id(missing, "customer_id"),
        remedy="Add them, with their consent; or check that ids are written alike in both tables.",
        message=f"{many(count, 'customer with orders is', 'customers with orders are')} not in the "
        "customers table. Without recorded consent there are no offers for them.",
    )


def _dominating(total: float, count: int, share: float) -> float:
    return max(total * share, total / max(count, 1) * DOMINATING_TIMES)
