"""Purchases: orders, revenue and refunds, and how often customers come."""

from __future__ import annotations

import narwhals as nw

from features.feature import count, ratio
from features.metrics.metric import MetricFamily

_summed = MetricFamily("purchases", "customers", empty=0.0)
_of_refunds = MetricFamily("purchases", "refunds", empty=0.0)
_of_table = MetricFamily("purchases", "table")

_orders = nw.col("orders")

METRICS = (
    _summed("orders", "orders", "orders of a positive amount", _orders.sum()),
    _summed("buyers", "customers", "who ordered in the period", count(_orders > 0)),
    _summed("repeat_buyers", "customers", "who ordered more than once in it", count(_orders > 1)),
    _summed(
        "returning_buyers",
        "customers",
        "who ordered in the period, and had ordered before that order",
        count((_orders > 1) | ((_orders > 0) & ~nw.col("is_new"))),
    ),
    _summed("revenue", "currency", "sum of their amounts, gross", nw.col("revenue").sum()),
    _of_refunds("refunds", "currency", "given back in the period", -nw.col("amount").sum()),
    _of_table(
        "net_revenue",
        "currency",
        "revenue less what was given back",
        nw.col("revenue") - nw.col("refunds"),
    ),
    _of_table(
        "refund_rate",
        "share",
        "what was given back, of the revenue",
        ratio(nw.col("refunds"), nw.col("revenue")),
    ),
    _of_table("aov", "currency", "revenue per order", ratio(nw.col("revenue"), _orders)),
    _of_table(
        "purchase_frequency",
        "orders",
        "orders per customer who ordered",
        ratio(_orders, nw.col("buyers")),
    ),
    _of_table(
        "repeat_customer_rate",
        "share",
        "customers who ordered more than once in the period, of those who ordered",
        ratio(nw.col("repeat_buyers"), nw.col("buyers")),
    ),
    _of_table(
        "returning_customer_rate",
        "share",
        "customers who had ordered before, of those who ordered",
        ratio(nw.col("returning_buyers"), nw.col("buyers")),
    ),
    MetricFamily("purchases", "customers")(
        "days_between_purchases",
        "days",
        "mean interval between a customer's purchase days, of intervals that end in the period",
        ratio(nw.col("gap_days").sum(), nw.col("gaps").sum()),
    ),
)
