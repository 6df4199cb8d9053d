"""Rhythm: the customer's own interval between purchase days, and how overdue the next one is."""

from __future__ import annotations

import narwhals as nw

from features.feature import Family, Feature, count_of, only, ratio

_of_days = Family("rhythm", "days")
_of_table = Family("rhythm", "table")

_gap = nw.col("gap")
_orders_90d, _orders_180d = nw.col("orders_90d"), nw.col("orders_180d")

# Wheat & Morrison (1990): of two successive intervals the first takes the share M, which is
# Beta(k, k) where intervals are Gamma(k), so var M = 1 / (4 (2k + 1)). One pseudo-share of
# k = 1 (variance 1/12) is added, so that one or two intervals do not pretend to certainty.
_share = ratio(_gap, _gap + nw.col("previous_gap"))
_variance = (((_share - 0.5) * (_share - 0.5)).sum() + 1 / 12) / (count_of(_share) + 1.0)


def _days(name: str, meaning: str, value: nw.Expr) -> Feature:
    return _of_days(name, "days", meaning, value)


FEATURES = (
    _days("gap_mean", "mean interval between purchase days", _gap.mean()),
    _days("gap_median", "median interval between purchase days", _gap.median()),
    _days("gap_std", "standard deviation of the intervals", _gap.std(ddof=1)),
    _days("gap_max", "longest interval between purchase days", _gap.max()),
    _days(
        "gap_last", "latest interval between purchase days", only(_gap, nw.col("is_last_day")).max()
    ),
    _days(
        "gap_shrunk",
        "mean interval with one interval of a horizon added, so that it exists for everyone",
        (_gap.sum() + nw.col("horizon_days").max()) / (count_of(_gap) + 1.0),
    ),
    _of_table(
        "gap_cv",
        "ratio",
        "standard deviation of the intervals over their mean",
        ratio(nw.col("gap_std"), nw.col("gap_mean")),
    ),
    *(
        _of_table(
            f"overdue_{of}",
            "ratio",
            f"days since the last order over {meaning}",
            ratio(nw.col("days_since_last_order"), nw.col(f"gap_{of}")),
        )
        for of, meaning in {
            "mean": "the mean interval",
            "median": "the median interval",
            "max": "the longest interval",
            "shrunk": "gap_shrunk",
        }.items()
    ),
    _of_days(
        "regularity",
        "ratio",
        "Wheat-Morrison regularity: about 1 for purchases at random, more for a steady rhythm",
        (0.25 / _variance - 1.0) / 2.0,
    ),
    _of_table(
        "orders_trend_90d",
        "log ratio",
        "orders of the last 90 days against the 90 before, ln((a + 1) / (b + 1))",
        (_orders_90d + 1.0).log() - (_orders_180d - _orders_90d + 1.0).log(),
    ),
)
