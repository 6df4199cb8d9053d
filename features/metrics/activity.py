"""Activity: who is a customer at the start and at the end, and who came, came back and was lost.

Nobody of a shop without contracts ever says that they left. A customer is active at an instant if
they ordered within the horizon before it, and lost once they are not any more.
"""

from __future__ import annotations

import narwhals as nw

from features.feature import count, ratio
from features.metrics.metric import MetricFamily

_counted = MetricFamily("activity", "customers", empty=0.0)
_from_start = MetricFamily("activity", "customers", empty=0.0, needs_start=True)
_of_table = MetricFamily("activity", "table")

_at_start, _at_end = nw.col("is_at_start"), nw.col("is_at_end")

METRICS = (
    _from_start(
        "customers_at_start",
        "customers",
        "active at the start: ordered within the horizon before it",
        count(_at_start),
    ),
    _counted(
        "new_customers", "customers", "whose first order is of the period", count(nw.col("is_new"))
    ),
    _from_start(
        "reactivated_customers",
        "customers",
        "who ordered in the period and before it, and were not active at its start",
        count(nw.col("is_reactivated")),
    ),
    _from_start(
        "retained_customers",
        "customers",
        "active at the start and at the end",
        count(_at_start & _at_end),
    ),
    _from_start(
        "lost_customers",
        "customers",
        "active at the start, or come since, and not active at the end",
        count(nw.col("is_lost")),
    ),
    _counted(
        "customers_at_end",
        "customers",
        "active at the end; at the start, and new, and reactivated, less the lost",
        count(_at_end),
    ),
    _of_table(
        "customer_retention_rate",
        "share",
        "customers at the end who are neither new nor reactivated, of those at the start",
        ratio(
            nw.col("customers_at_end") - nw.col("new_customers") - nw.col("reactivated_customers"),
            nw.col("customers_at_start"),
        ),
    ),
    _of_table(
        "churn_rate",
        "share",
        "lost customers, of those at the start",
        ratio(nw.col("lost_customers"), nw.col("customers_at_start")),
    ),
)
