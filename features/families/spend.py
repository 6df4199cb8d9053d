"""Spend: how much the customer orders for. Amounts are gross; refunds are a family of their own."""

from __future__ import annotations

import narwhals as nw

from features.feature import Family, Feature, count, count_of, decay, ratio, total

_of_orders = Family("spend", "orders")
_of_table = Family("spend", "table")

_age, _age_h, _amount = nw.col("age"), nw.col("age_h"), nw.col("amount")
_discount = nw.col("discount_amount")
_aov = nw.col("aov")


def _currency(name: str, meaning: str, value: nw.Expr) -> Feature:
    return _of_orders(name, "currency", meaning, value)


def _aov_in(window: str) -> nw.Expr:
    return ratio(nw.col(f"spend_{window}"), nw.col(f"orders_{window}"))


FEATURES = (
    _currency("spend", "total of all orders", _amount.sum()),
    _currency("aov", "average order value", _amount.mean()),
    _currency("order_amount_std", "standard deviation of order values", _amount.std(ddof=1)),
    _currency("order_amount_max", "largest order", _amount.max()),
    _currency("order_amount_median", "median order value", _amount.median()),
    _currency(
        "first_day_spend", "spend on the first purchase day", total(_amount, nw.col("is_first_day"))
    ),
    _currency(
        "last_day_spend", "spend on the last purchase day", total(_amount, nw.col("is_last_day"))
    ),
    *(
        _currency(f"spend_{days}d", f"spend in the last {days} days", total(_amount, _age <= days))
        for days in (30, 90, 180, 365)
    ),
    _currency("spend_1h", "spend in the last horizon", total(_amount, _age_h <= 1)),
    _currency("spend_4h", "spend in the last 4 horizons", total(_amount, _age_h <= 4)),
    _of_table(
        "aov_90d_over_aov",
        "ratio",
        "average order value of the last 90 days over that of all time",
        ratio(_aov_in("90d"), _aov),
    ),
    _of_table(
        "aov_1h_over_aov",
        "ratio",
        "average order value of the last horizon over that of all time",
        ratio(_aov_in("1h"), _aov),
    ),
    _of_table(
        "last_day_spend_over_aov",
        "ratio",
        "spend on the last purchase day over the average order value",
        ratio(nw.col("last_day_spend"), _aov),
    ),
    *(
        _currency(
            f"spend_weighted_{days}d",
            f"spend, each order weighing half as much for every {days} days passed",
            (_amount * decay(_age, days)).sum(),
        )
        for days in (90, 270)
    ),
    _currency(
        "spend_weighted_1h",
        "spend, each order weighing half as much for every horizon passed",
        (_amount * decay(_age_h, 1.0)).sum(),
    ),
    _of_orders(
        "discounted_orders_share",
        "share",
        "share of orders bought at a discount, where discounts are known",
        ratio(count(_discount > 0), count_of(_discount)),
    ),
    _of_orders(
        "discount_share",
        "share",
        "discounts over the value of orders before them, where discounts are known",
        ratio(_discount.sum(), total(_amount + _discount, ~_discount.is_null())),
    ),
)
