"""The order-derived columns as one would write them for one shop, in Polars and in pandas."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

DAYS = {f"{days}d": float(days) for days in (7, 14, 30, 60, 90, 180, 365)}
HORIZONS = {"025h": 0.25, "05h": 0.5, "1h": 1.0, "2h": 2.0, "4h": 4.0}
MICROSECONDS = 86_400e6


def windows(horizon: float) -> dict[str, float]:
    """Window or half-life -> its length in days."""
    return DAYS | {"270d": 270.0} | {name: x * horizon for name, x in HORIZONS.items()}


COUNTED = (*DAYS, *HORIZONS)
SPENT = ("30d", "90d", "180d", "365d", "1h", "4h")
HALVING = ("30d", "90d", "270d", "025h", "1h", "4h")
SPENT_HALVING = ("90d", "270d", "1h")
SEASONS = {"1y": 365.0, "2y": 730.0, "3y": 1095.0}


def by_polars(orders: pl.DataFrame, as_of: datetime, horizon: float) -> pl.DataFrame:
    """One row per customer, sorted; only what one shop with orders alone needs."""
    age, amount, discount = pl.col("age"), pl.col("amount"), pl.col("discount_amount")
    past = (
        orders.lazy()
        .filter(pl.col("ordered_at") < as_of)
        .select(
            "customer_id",
            "amount",
            "discount_amount",
            age=(as_of - pl.col("ordered_at")).dt.total_microseconds() / MICROSECONDS,
            date=pl.col("ordered_at").dt.date(),
        )
    )
    bought = past.filter(amount > 0)
    length = windows(horizon)
    weight = {name: (age * (-math.log(2) / length[name])).exp() for name in HALVING}
    counted = bought.group_by("customer_id").agg(
        age.min().alias("days_since_last_order"),
        age.max().alias("days_since_first_order"),
        pl.len().alias("orders"),
        *((age <= length[name]).sum().alias(f"orders_{name}") for name in COUNTED),
        *(weight[name].sum().alias(f"orders_weighted_{name}") for name in HALVING),
        *(
            age.is_between(start - horizon, start, closed="right").sum().alias(f"orders_season_{y}")
            for y, start in SEASONS.items()
        ),
        amount.sum().alias("spend"),
        amount.mean().alias("aov"),
        amount.std().alias("order_amount_std"),
        amount.max().alias("order_amount_max"),
        *((amount * (age <= length[name])).sum().alias(f"spend_{name}") for name in SPENT),
        *((amount * weight[name]).sum().alias(f"spend_weighted_{name}") for name in SPENT_HALVING),
        (discount > 0).mean().alias("discounted_orders_share"),
        (discount.sum() / (amount + discount).sum()).alias("discount_share"),
    )
    # A median keeps the whole aggregation off the streaming engine, so it stands alone.
    medians = bought.group_by("customer_id").agg(amount.median().alias("order_amount_median"))
    refunds = (
        past.filter(amount < 0)
        .group_by("customer_id")
        .agg(
            age.min().alias("days_since_last_refund"),
            pl.len().alias("refunds"),
            (-amount).sum().alias("refund_amount"),
        )
    )
    return (
        counted.join(medians, on="customer_id")
        .join(_days_by_polars(bought, as_of, horizon), on="customer_id")
        .join(refunds, on="customer_id", how="left")
        .with_columns(pl.col("refunds", "refund_amount").fill_null(0))
        .with_columns(**_derived(pl.col, horizon), horizon_days=pl.lit(horizon))
        .sort("customer_id")
        .collect()
    )


def _days_by_polars(bought: pl.LazyFrame, as_of: datetime, horizon: float) -> pl.LazyFrame:
    customer, date, gap = pl.col("customer_id"), pl.col("date"), pl.col("gap")
    same = customer == customer.shift(1)
    share = gap / (gap + gap.shift(1))
    squares = ((pl.col("share") - 0.5) ** 2).sum() + 1 / 12
    days_ago = (as_of - date).dt.total_microseconds() / MICROSECONDS
    return (
        bought.group_by("customer_id", "date")
        .agg(pl.col("amount").sum())
        .sort("customer_id", "date")
        .with_columns(gap=pl.when(same).then(date.diff().dt.total_days().cast(pl.Float64)))
        .with_columns(share=pl.when(same).then(share))
        .group_by("customer_id")
        .agg(
            pl.len().alias("purchase_days"),
            days_ago.max().alias("T"),
            (days_ago.max() - days_ago.min()).alias("recency"),
            pl.col("amount").first().alias("first_day_spend"),
            pl.col("amount").last().alias("last_day_spend"),
            gap.mean().alias("gap_mean"),
            gap.median().alias("gap_median"),
            gap.std().alias("gap_std"),
            gap.max().alias("gap_max"),
            gap.last().alias("gap_last"),
            ((gap.sum() + horizon) / pl.len()).alias("gap_shrunk"),
            ((0.25 / (squares / (pl.col("share").count() + 1)) - 1) / 2).alias("regularity"),
        )
    )


def by_pandas(orders: pd.DataFrame, as_of: datetime, horizon: float) -> pd.DataFrame:
    """The same as pandas is usually written: filter, group, aggregate, one column after another."""
    past = orders[orders["ordered_at"] < as_of]
    past = past.assign(
        age=(as_of - past["ordered_at"]).dt.total_seconds() / 86_400,
        date=past["ordered_at"].dt.normalize(),
    )
    bought = past[past["amount"] > 0]
    age, customer = bought["age"], bought["customer_id"]
    length = windows(horizon)
    table = bought.groupby("customer_id").agg(
        days_since_last_order=("age", "min"),
        days_since_first_order=("age", "max"),
        orders=("age", "size"),
        spend=("amount", "sum"),
        aov=("amount", "mean"),
        order_amount_std=("amount", "std"),
        order_amount_max=("amount", "max"),
        order_amount_median=("amount", "median"),
        discounts=("discount_amount", "sum"),
    )
    lately = {
        f"orders_{name}": bought[age <= length[name]].groupby("customer_id").size()
        for name in COUNTED
    }
    for name, start in SEASONS.items():
        season = bought[age.between(start - horizon, start, inclusive="right")]
        lately[f"orders_season_{name}"] = season.groupby("customer_id").size()
    for name in SPENT:
        recent = bought[age <= length[name]]
        lately[f"spend_{name}"] = recent.groupby("customer_id")["amount"].sum()
    refunds = past[past["amount"] < 0].groupby("customer_id")
    lately |= {"refunds": refunds.size(), "refund_amount": -refunds["amount"].sum()}
    table = table.assign(**lately).fillna(dict.fromkeys(lately, 0))
    table["days_since_last_refund"] = refunds["age"].min()
    for name in HALVING:
        weight = np.exp(age * (-math.log(2) / length[name]))
        table[f"orders_weighted_{name}"] = weight.groupby(customer).sum()
        if name in SPENT_HALVING:
            weighted = bought["amount"] * weight
            table[f"spend_weighted_{name}"] = weighted.groupby(customer).sum()
    table["discounted_orders_share"] = (bought["discount_amount"] > 0).groupby(customer).mean()
    table["discount_share"] = table["discounts"] / (table["spend"] + table.pop("discounts"))
    table = table.join(_days_by_pandas(bought, as_of, horizon))
    return table.assign(**_derived(table.__getitem__, horizon), horizon_days=horizon)


def _days_by_pandas(bought: pd.DataFrame, as_of: datetime, horizon: float) -> pd.DataFrame:
    days = bought.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    by_customer = days.groupby("customer_id")
    days["gap"] = by_customer["date"].diff().dt.days
    days["square"] = (days["gap"] / (days["gap"] + by_customer["gap"].shift()) - 0.5) ** 2
    table = by_customer.agg(
        purchase_days=("date", "size"),
        first_date=("date", "min"),
        last_date=("date", "max"),
        first_day_spend=("amount", "first"),
        last_day_spend=("amount", "last"),
        gap_mean=("gap", "mean"),
        gap_median=("gap", "median"),
        gap_std=("gap", "std"),
        gap_max=("gap", "max"),
        gap_last=("gap", "last"),
        gap_sum=("gap", "sum"),
        squares=("square", "sum"),
        pairs=("square", "count"),
    )
    table["T"] = (as_of - table["first_date"]).dt.total_seconds() / 86_400
    table["recency"] = (table.pop("last_date") - table.pop("first_date")).dt.days
    table["gap_shrunk"] = (table.pop("gap_sum") + horizon) / table["purchase_days"]
    variance = (table.pop("squares") + 1 / 12) / (table.pop("pairs") + 1)
    table["regularity"] = (0.25 / variance - 1) / 2
    return table


def _derived(column: Callable[[str], Any], horizon: float) -> Mapping[str, Any]:
    """Ratios between columns; the same arithmetic in both libraries."""
    since, aov = column("days_since_last_order"), column("aov")
    lately = column("orders_90d")
    trend = (lately + 1.0) / (column("orders_180d") - lately + 1.0)
    return {
        "recency_over_horizon": since / horizon,
        "age_over_horizon": column("days_since_first_order") / horizon,
        "recency_over_age": since / column("days_since_first_order"),
        "frequency": column("purchase_days") - 1.0,
        **{
            f"orders_share_{name}": column(f"orders_{name}") / column("orders") for name in HORIZONS
        },
        "aov_90d_over_aov": column("spend_90d") / lately / aov,
        "aov_1h_over_aov": column("spend_1h") / column("orders_1h") / aov,
        "last_day_spend_over_aov": column("last_day_spend") / aov,
        "gap_cv": column("gap_std") / column("gap_mean"),
        **{
            f"overdue_{of}": since / column(f"gap_{of}")
            for of in ("mean", "median", "max", "shrunk")
        },
        "orders_trend_90d": trend.log() if isinstance(trend, pl.Expr) else np.log(trend),
        "refund_order_share": column("refunds") / column("orders"),
        "refund_amount_share": column("refund_amount") / column("spend"),
    }
