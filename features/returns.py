"""Returns: what the customer sent back or had cancelled."""

from __future__ import annotations

import narwhals as nw

from features.feature import Feature, ratio

FAMILY = "returns"
_amount = nw.col("refund_amount")

FEATURES = (
    Feature(
        "refunds",
        FAMILY,
        "refunds",
        "refunds so far",
        "orders",
        _amount.count().cast(nw.Float64),
    ),
    Feature(
        "refund_amount", FAMILY, "currency", "total refunded", "orders", _amount.sum()
    ),
    Feature(
        "refund_order_share",
        FAMILY,
        "share",
        "refunds over orders",
        "table",
        ratio(nw.col("refunds"), nw.col("orders")),
    ),
    Feature(
        "refund_amount_share",
        FAMILY,
        "share",
        "amount refunded over amount ordered",
        "table",
        ratio(nw.col("refund_amount"), nw.col("spend")),
    ),
)
