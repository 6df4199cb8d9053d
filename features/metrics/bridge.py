"""Bridge: from the revenue of the period before to that of this one, by whose it is.

The revenue before, and what came of new and returning customers and of those who spent more, less
what is missing of those who spent less and of those who did not order, is the revenue of now.
"""

from __future__ import annotations

import narwhals as nw

from features.feature import ratio, total
from features.metrics.metric import MetricFamily

_summed = MetricFamily("bridge", "customers", empty=0.0, needs_start=True)
_of_table = MetricFamily("bridge", "table")

_now, _before = nw.col("revenue"), nw.col("previous_revenue")
_came, _left = (_now > 0) & (_before <= 0), (_before > 0) & (_now <= 0)
_both = (_now > 0) & (_before > 0)
_previous = nw.col("previous_period_revenue")

METRICS = (
    _summed("previous_period_revenue", "currency", "of the period before", _before.sum()),
    _summed(
        "revenue_new",
        "currency",
        "of customers whose first order is of the period",
        total(_now, nw.col("is_new")),
    ),
    _summed(
        "revenue_returned",
        "currency",
        "of customers who had ordered, but not in the period before",
        total(_now, _came & ~nw.col("is_new")),
    ),
    _summed(
        "revenue_more",
        "currency",
        "spent more than in the period before, by customers of both",
        total(_now - _before, _both & (_now > _before)),
    ),
    _summed(
        "revenue_less",
        "currency",
        "spent less than in the period before, by customers of both",
        total(_before - _now, _both & (_now < _before)),
    ),
    _summed(
        "revenue_gone",
        "currency",
        "of the period before, of customers who did not order in this one",
        total(_before, _left),
    ),
    _of_table(
        "gross_revenue_retention",
        "share",
        "of the revenue before, what its customers spent again, at most as much as before each",
        ratio(_previous - nw.col("revenue_less") - nw.col("revenue_gone"), _previous),
    ),
    _of_table(
        "net_revenue_retention",
        "share",
        "of the revenue before, what its customers spent in this period",
        ratio(
            _previous + nw.col("revenue_more") - nw.col("revenue_less") - nw.col("revenue_gone"),
            _previous,
        ),
    ),
)
