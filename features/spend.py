"""Spend: how much the customer orders for. Amounts are gross; refunds are a family of their own."""

from __future__ import annotations

import narwhals as nw

from features.feature import Feature, count, decay, ratio, total

FAMILY = "spend"
_age, _age_h, _amount = (
    nw.col("order_age"),
    nw.col("order_age_h"),
    nw.col("order_amount"),
)
_discount = nw.col("order_discount")
_lifetime_aov = ratio(nw.col("spend"), nw.col("orders"))


def _currency(name: str, meaning: str, value: nw.Expr) -> Feature:
    return Feature(name, FAMILY, "currency", meaning, "orders", value)


FEATURES = (
    _currency("spend", "total of all orders", _amount.sum()),
    _currency("aov", "average order value", _amount.mean()),
    _currency(
        "order_amount_std", "standard deviation of order values", _amount.std(ddof=1)
    ),
    _currency("order_amount_max", "largest order", _amount.max()),
    _currency("order_amount_median", "median order value", _amount.median()),
    Feature(
        "first_day_spend",
        FAMILY,
        "currency",
        "spend on the first purchase day",
        "days",
        total(nw.col("day_spend"), nw.col("gap").is_null()),
    ),
    Feature(
        "last_day_spend",
        FAMILY,
        "currency",
        "spend on the last purchase day",
        "days",
        total(nw.col("day_spend"), nw.col("is_last")),
    ),
    *(
        _currency(
            f"spend_{days}d",
            f"spend in the last {days} days",
            total(_amount, _age <= days),
        )
        for days in (30, 90, 180, 365)
    ),
    _currency("spend_1h", "spend in the last horizon", total(_amount, _age_h <= 1)),
    _currency("spend_4h", "spend in the last 4 horizons", total(_amount, _age_h <= 4)),
    Feature(
        "aov_90d_over_aov",
        FAMILY,
        "ratio",
        "order value of the last 90 days over that of all time",
        "table",
        ratio(ratio(nw.col("spend_90d"), nw.col("orders_90d")), _lifetime_aov),
    ),
    Feature(
        "aov_1h_over_aov",
        FAMILY,
        "ratio",
        "order value of the last horizon over that of all time",
        "table",
        ratio(ratio(nw.col("spend_1h"), nw.col("orders_1h")), _lifetime_aov),
    ),
    Feature(
        "last_day_spend_over_aov",
        FAMILY,
        "ratio",
        "spend on the last purchase day over the average order value",
        "table",
        ratio(nw.col("last_day_spend"), _lifetime_aov),
    ),
    *(
        _currency(
            f"spend_weighted_{days}d",
            f"spend, each order weighing half as much every {days} days",
            (_amount * decay(_age, days)).sum(),
        )
        for days in (90, 270)
    ),
    _currency(
        "spend_weighted_1h",
        "spend, each order weighing half as much every horizon",
        (_amount * decay(_age_h, 1.0)).sum(),
    ),
    Feature(
        "discounted_orders_share",
        FAMILY,
        "share",
        "share of orders bought at a discount, where discounts are known",
        "orders",
        ratio(count(_discount > 0), _discount.count().cast(nw.Float64)),
    ),
    Feature(
        "discount_share",
        FAMILY,
        "share",
        "discounts over the value of orders before them, where discounts are known",
        "orders",
        ratio(_discount.sum(), total(_amount + _discount, ~_discount.is_null())),
    ),
)
