"""The feature table: one row per customer, from what was known strictly before an instant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from features.catalogue import catalogue
from features.clock import Instant, as_day
from features.errors import HistoryError
from features.feature import Feature, Rows, only
from features.history import History


def feature_table(
    history: History, as_of: Instant, horizon_days: float
) -> pd.DataFrame:
    """Describe every customer by what was known strictly before `as_of`.

    Parameters
    ----------
    history : History
        On Polars, DuckDB or PySpark; the same expressions run on each.
    as_of : str, date, datetime or float
        The instant of prediction.
    horizon_days : float
        Length H of the label window; the model's windows are multiples of it.

    Returns
    -------
    pandas.DataFrame, shape (customers, features)
        Index `customer_id`, sorted; one float64 column for each feature of the catalogue, NaN
        where unknown. The population: customers with a positive order known before `as_of`.

    Raises
    ------
    HistoryError
        If `horizon_days` is not positive, or a text attribute has too many values to be coded.

    Examples
    --------
    >>> import pandas as pd
    >>> from features.history import History
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2"], "customer_id": ["a", "a"],
    ...     "ordered_at": ["2024-01-05", "2024-03-01"], "amount": [20.0, 35.0]}))
    >>> feature_table(history, "2024-03-31", 90)[["orders", "days_since_last_order", "aov"]]
                 orders  days_since_last_order   aov
    customer_id
    a               2.0                   30.0  27.5
    """
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise HistoryError(
            f"horizon_days must be a number of days > 0; got {horizon_days}."
        )
    past = history.upto(as_of).coded()
    features = catalogue(past.mapping, past.profiles)
    table = lazy_table(
        past, as_day(as_of, past.mapping.timezone), horizon_days, features
    )
    frame = _to_pandas(table).sort_values("customer_id").set_index("customer_id")
    return frame.astype("float64")


def lazy_table(
    past: History, day: float, horizon_days: float, features: Sequence[Feature]
) -> nw.LazyFrame[Any]:
    """The same table, not yet computed, on the history's own engine."""
    orders = _order_rows(past, day, horizon_days)
    table = _aggregate(orders, "orders", features).filter(nw.col("orders") > 0)
    table = table.join(
        _aggregate(_day_rows(orders, day), "days", features),
        on="customer_id",
        how="left",
    )
    optional: dict[Rows, nw.LazyFrame[Any] | None] = {
        "feedback": _feedback_rows(past, day),
        "offers": _offer_rows(past, day),
        "customers": past.customers,
    }
    for rows, frame in optional.items():
        own = [f for f in features if f.rows == rows]
        if own:
            table = _join_optional(table, frame, own)
    table = table.with_columns(nw.lit(float(horizon_days)).alias("horizon_days"))
    table = table.with_columns(
        *(f.value.alias(f.name) for f in features if f.rows == "table")
    )
    return table.select("customer_id", *(f.name for f in features))


def _join_optional(
    table: nw.LazyFrame[Any],
    frame: nw.LazyFrame[Any] | None,
    features: Sequence[Feature],
) -> nw.LazyFrame[Any]:
    """Add the features of a table that may be absent, or silent on a customer."""
    if frame is None:
        return table.with_columns(
            *(nw.lit(f.empty, dtype=nw.Float64).alias(f.name) for f in features)
        )
    table = table.join(
        _aggregate(frame, features[0].rows, features), on="customer_id", how="left"
    )
    return table.with_columns(
        nw.col(f.name) if f.empty is None else nw.col(f.name).fill_null(f.empty)
        for f in features
    )


def _aggregate(
    frame: nw.LazyFrame[Any], rows: Rows, features: Sequence[Feature]
) -> nw.LazyFrame[Any]:
    values = [f.value.alias(f.name) for f in features if f.rows == rows]
    return frame.group_by("customer_id").agg(*values)


def _order_rows(past: History, day: float, horizon_days: float) -> nw.LazyFrame[Any]:
    amount, age = nw.col("amount"), nw.col("age")
    return past.orders.select(
        "customer_id",
        "amount",
        "discount_amount",
        "day",
        (day - nw.col("day")).alias("age"),
    ).with_columns(
        nw.lit(float(horizon_days)).alias("horizon_days"),
        only(age, amount > 0).alias("order_age"),
        only(age / float(horizon_days), amount > 0).alias("order_age_h"),
        only(amount, amount > 0).alias("order_amount"),
        only(nw.col("discount_amount"), amount > 0).alias("order_discount"),
        only(age, amount < 0).alias("refund_age"),
        only(-amount, amount < 0).alias("refund_amount"),
    )


def _day_rows(orders: nw.LazyFrame[Any], day: float) -> nw.LazyFrame[Any]:
    """One row per purchase day, with the interval to the day before and the one before that."""
    purchase_day = nw.col("day").floor().cast(nw.Float64)
    days = (
        orders.filter(nw.col("amount") > 0)
        .with_columns(purchase_day.alias("purchase_day"))
        .group_by("customer_id", "purchase_day")
        .agg(nw.col("amount").sum().alias("day_spend"), nw.col("horizon_days").max())
    )
    before = (
        nw.col("purchase_day").shift(1).over("customer_id", order_by="purchase_day")
    )
    days = days.with_columns((nw.col("purchase_day") - before).alias("gap"))
    return days.with_columns(
        nw.col("gap")
        .shift(1)
        .over("customer_id", order_by="purchase_day")
        .alias("previous_gap"),
        (
            nw.col("purchase_day") == nw.col("purchase_day").max().over("customer_id")
        ).alias("is_last"),
        (day - nw.col("purchase_day")).alias("day_age"),
    )


def _feedback_rows(past: History, day: float) -> nw.LazyFrame[Any] | None:
    if past.feedback is None:
        return None
    rows = past.feedback.with_columns(
        (day - nw.col("day")).alias("age"), nw.lit(float(day)).alias("as_of_day")
    )
    scored = only(nw.col("age"), ~nw.col("satisfaction").is_null())
    rows = rows.with_columns(scored.alias("scored_age"))
    return rows.with_columns(
        (
            nw.col("scored_age")
            == nw.col("scored_age").min().over("customer_id", "kind")
        ).alias("is_last_of_kind"),
        (nw.col("scored_age") == nw.col("scored_age").min().over("customer_id")).alias(
            "is_last_scored"
        ),
    )


def _offer_rows(past: History, day: float) -> nw.LazyFrame[Any] | None:
    if past.offers is None:
        return None
    return past.offers.with_columns(
        (day - nw.col("day")).alias("age"),
        (nw.col("offer_id") != "none").alias("is_offer"),
    )


def _to_pandas(table: nw.LazyFrame[Any]) -> pd.DataFrame:
    if table.implementation.is_polars():
        native: pl.LazyFrame = table.to_native()
        return native.collect().to_pandas()
    return pd.DataFrame(table.collect("polars").to_pandas())
