"""Returns: what the customer sent back or had cancelled."""

from __future__ import annotations

import narwhals as nw

from features.feature import Family, count_of, ratio

_counted = Family("returns", "refunds", empty=0.0)
_of_table = Family("returns", "table")

_amount = -nw.col("amount")

FEATURES = (
    _counted("refunds", "refunds", "refunds so far", count_of(_amount)),
    _counted("refund_amount", "currency", "total refunded", _amount.sum()),
    _of_table(
        "refund_order_share",
        "share",
        "refunds over orders",
        ratio(nw.col("refunds"), nw.col("orders")),
    ),
    _of_table(
        "refund_amount_share",
        "share",
        "amount refunded over amount ordered",
        ratio(nw.col("refund_amount"), nw.col("spend")),
    ),
)
