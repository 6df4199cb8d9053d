"""Rhythm: the customer's own interval between purchase days, and how overdue the next one is."""

from __future__ import annotations

import narwhals as nw

from features.feature import Feature, only, ratio

FAMILY = "rhythm"
_gap = nw.col("gap")
_since = nw.col("days_since_last_order")

_split = ratio(_gap, _gap + nw.col("previous_gap"))
_spread = (((_split - 0.5) * (_split - 0.5)).sum() + 1 / 12) / (
    _split.count().cast(nw.Float64) + 1.0
)


def _days(name: str, meaning: str, value: nw.Expr) -> Feature:
    return Feature(name, FAMILY, "days", meaning, "days", value)


FEATURES = (
    _days("gap_mean", "mean interval between purchase days", _gap.mean()),
    _days("gap_median", "median interval between purchase days", _gap.median()),
    _days("gap_std", "standard deviation of the intervals", _gap.std(ddof=1)),
    _days("gap_max", "longest interval between purchase days", _gap.max()),
    _days("gap_last", "latest completed interval", only(_gap, nw.col("is_last")).max()),
    _days(
        "gap_shrunk",
        "mean interval with one interval of a horizon added, so that it exists for everyone",
        (_gap.sum() + nw.col("horizon_days").max()) / nw.len().cast(nw.Float64),
    ),
    Feature(
        "gap_cv",
        FAMILY,
        "ratio",
        "deviation of the intervals over their mean",
        "table",
        ratio(nw.col("gap_std"), nw.col("gap_mean")),
    ),
    *(
        Feature(
            f"overdue_{of}",
            FAMILY,
            "ratio",
            f"days since the last order over the customer's {of} interval",
            "table",
            ratio(_since, nw.col(f"gap_{of}")),
        )
        for of in ("mean", "median", "max", "shrunk")
    ),
    Feature(
        "regularity",
        FAMILY,
        "ratio",
        "Wheat-Morrison regularity: about 1 for purchases at random, more for a steady rhythm",
        "days",
        (0.25 / _spread - 1.0) / 2.0,
    ),
    Feature(
        "orders_trend_90d",
        FAMILY,
        "log ratio",
        "orders of the last 90 days against the 90 before, ln((a + 1) / (b + 1))",
        "table",
        (nw.col("orders_90d") + 1.0).log()
        - (nw.col("orders_180d") - nw.col("orders_90d") + 1.0).log(),
    ),
)
