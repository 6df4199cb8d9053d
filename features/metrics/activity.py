"""Activity: who is a customer at the start and at the end, and who came, came back and was lost.

Nobody of a shop without contracts ever says that they left. A customer is live at an instant if
their last order is less than a horizon ago, and lapsed otherwise, as in `stage` of the scores.
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
        "live at the start: their last order was less than a horizon ago",
        count(_at_start),
    ),
    _counted(
        "new_customers", "customers", "whose first order is of the period", count(nw.col("is_new"))
    ),
    _from_start(
        "reactivated_customers",
        "customers",
        "who ordered in the period and before it, and had lapsed at its start",
        count(nw.col("is_reactivated")),
    ),
    _from_start(
        "retained_customers",
        "customers",
        "live at the start and at the end",
        count(_at_start & _at_end),
    ),
    _from_start(
        "lost_customers",
        "customers",
        "live at the start, and lapsed at the end",
        count(nw.col("is_lost")),
    ),
    _from_start(
        "passing_customers",
        "customers",
        "new or reactivated, and lapsed again at the end of a period longer than the horizon",
        count(nw.col("is_passing")),
    ),
    _counted(
        "customers_at_end",
        "customers",
        "live at the end: at the start, new and reactivated, less lost and passing",
        count(_at_end),
    ),
    _of_table(
        "customer_retention_rate",
        "share",
        "retained customers, of those at the start: at the end less whoever came since",
        ratio(nw.col("retained_customers"), nw.col("customers_at_start")),
    ),
    _of_table(
        "churn_rate",
        "share",
        "lost customers, of those at the start",
        ratio(nw.col("lost_customers"), nw.col("customers_at_start")),
    ),
)
