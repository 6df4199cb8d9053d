"""The feature table: one row per customer, from what was known strictly before an instant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from features.catalogue import catalogue
from features.clock import Instant
from features.errors import HistoryError
from features.feature import Feature, RowKind, only
from features.history.history import History, Past
from features.schema import NO_OFFER

Frame = nw.LazyFrame[Any]


def feature_table(history: History, as_of: Instant, horizon_days: float) -> pd.DataFrame:
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
        If `horizon_days` is not positive, a text attribute has too many values to be coded, or the
        history was cut before `as_of`.

    Examples
    --------
    >>> import pandas as pd
    >>> from features.history.history import History
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1", "2"], "customer_id": ["a", "a"],
    ...     "ordered_at": ["2024-01-05", "2024-03-01"], "amount": [20.0, 35.0]}))
    >>> feature_table(history, "2024-03-31", 90)[["orders", "days_since_last_order", "aov"]]
                 orders  days_since_last_order   aov
    customer_id
    a               2.0                   30.0  27.5
    """
    return describe(history.at(as_of), horizon_days)


def describe(past: Past, horizon_days: float) -> pd.DataFrame:
    """The feature table of a history that was cut already, at the instant of its cut."""
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise HistoryError(f"horizon_days must be a number of days > 0; got {horizon_days}.")
    past = past.coded()
    features = catalogue(past.mapping, past.profiles)
    aggregates = aggregate(past, float(horizon_days), features)
    return _finished(aggregates, float(horizon_days), features)


def aggregate(past: Past, horizon_days: float, features: Sequence[Feature]) -> Frame:
    """All that is counted over rows, one row per customer, on the engine and not yet collected."""
    day = past.day
    events = past.orders.select("customer_id", "day", "amount", "discount_amount")
    events = _with_age(_in_one_chunk(events), day)
    orders = _order_rows(events.filter(nw.col("amount") > 0), day, horizon_days)
    table = _aggregated(orders, _of("orders", features))
    frames: dict[RowKind, Frame | None] = {
        "days": _day_rows(orders),
        "refunds": events.filter(nw.col("amount") < 0),
        "feedback": _feedback_rows(past.feedback, day),
        "offers": _offer_rows(past.offers, day),
        "customers": past.customers if past.profiles else None,
    }
    for rows, frame in frames.items():
        if own := _of(rows, features):
            table = _joined(table, frame, own)
    return table


def _finished(aggregates: Frame, horizon_days: float, features: Sequence[Feature]) -> pd.DataFrame:
    """Collect, sort, add what is computed within a row; one block of floats, NaN where null."""
    table: pl.DataFrame = aggregates.collect("polars").to_native()
    table = table.sort("customer_id").with_columns(pl.lit(horizon_days).alias("horizon_days"))
    table = table.with_columns(feature.polars_column for feature in _of("table", features))
    names = [feature.name for feature in features]
    values = table.select(pl.col(names).cast(pl.Float64).fill_null(math.nan)).to_numpy()
    index = pd.Index(table["customer_id"].to_pandas(), name="customer_id")
    return pd.DataFrame(values, index=index, columns=names)


def _of(rows: RowKind, features: Sequence[Feature]) -> list[Feature]:
    return [feature for feature in features if feature.rows == rows]


def _aggregated(frame: Frame, features: Sequence[Feature]) -> Frame:
    if frame.implementation.is_polars():
        native: pl.LazyFrame = frame.to_native()
        grouped = native.group_by("customer_id")
        return nw.from_native(grouped.agg(feature.polars_column for feature in features))
    return frame.group_by("customer_id").agg(*(feature.column for feature in features))


def _joined(table: Frame, frame: Frame | None, features: Sequence[Feature]) -> Frame:
    """Add the features of a frame that may be absent, or silent on a customer."""
    if frame is None:
        unknown = (nw.lit(f.empty, dtype=nw.Float64).alias(f.name) for f in features)
        return table.with_columns(*unknown)
    table = table.join(_aggregated(frame, features), on="customer_id", how="left")
    counts = [nw.col(f.name).fill_null(f.empty) for f in features if f.empty is not None]
    return table.with_columns(*counts) if counts else table


def _in_order(rows: Frame) -> Frame:
    """Local rows sorted, as those of orders are from the start."""
    if not rows.implementation.is_polars():
        return rows
    native: pl.LazyFrame = rows.to_native()
    return _in_one_chunk(nw.from_native(native.sort(pl.all())))


def _in_one_chunk(rows: Frame) -> Frame:
    """Sorted local rows in one chunk: the engine adds up chunk by chunk, to the last bit alike."""
    if not rows.implementation.is_polars():
        return rows
    native: pl.LazyFrame = rows.to_native()
    held = native.collect().rechunk().with_columns(pl.col("customer_id").set_sorted())
    return nw.from_native(held.lazy())


def _with_age(rows: Frame, day: float) -> Frame:
    return rows.with_columns((day - nw.col("day")).alias("age"))


def _order_rows(orders: Frame, day: float, horizon_days: float) -> Frame:
    purchase_day = nw.col("purchase_day")
    orders = orders.with_columns(
        (nw.col("age") / horizon_days).alias("age_h"),
        nw.col("day").floor().cast(nw.Float64).alias("purchase_day"),
        nw.lit(horizon_days).alias("horizon_days"),
    )
    return orders.with_columns(
        (day - purchase_day).alias("day_age"),
        (purchase_day == purchase_day.min().over("customer_id")).alias("is_first_day"),
        (purchase_day == purchase_day.max().over("customer_id")).alias("is_last_day"),
    )


def _day_rows(orders: Frame) -> Frame:
    """One row per purchase day, with the interval to the day before and the one before that."""
    rows = _with_previous(orders, "purchase_day", "previous_day")
    rows = rows.with_columns((nw.col("purchase_day") - nw.col("previous_day")).alias("gap"))
    days = rows.filter(nw.col("gap").is_null() | (nw.col("gap") > 0))
    return _with_previous(days, "gap", "previous_gap")


def _with_previous(rows: Frame, column: str, name: str) -> Frame:
    """Add the value in the customer's row before; local rows are in order, so a shift will do."""
    if rows.implementation.is_polars():
        native: pl.LazyFrame = rows.to_native()
        same = pl.col("customer_id") == pl.col("customer_id").shift(1)
        before = pl.when(same).then(pl.col(column).shift(1))
        return nw.from_native(native.with_columns(before.alias(name)))
    shifted = nw.col(column).shift(1).over("customer_id", order_by="purchase_day")
    return rows.with_columns(shifted.alias(name))


def _feedback_rows(feedback: Frame | None, day: float) -> Frame | None:
    if feedback is None:
        return None
    rows = feedback.select(
        "customer_id", "day", "kind", "score", "satisfaction", "due_day", "resolved_day"
    )
    rows = _with_age(rows, day).with_columns(nw.lit(day).alias("as_of_day"))
    scored, is_scored = nw.col("scored_age"), ~nw.col("satisfaction").is_null()
    rows = rows.with_columns(only(nw.col("age"), is_scored).alias("scored_age"))
    rows = rows.with_columns(
        (scored == scored.min().over("customer_id", "kind")).alias("is_last_of_kind"),
        (scored - scored.min().over("customer_id")).alias("days_before_last_score"),
    )
    return _in_order(rows)


def _offer_rows(offers: Frame | None, day: float) -> Frame | None:
    if offers is None:
        return None
    is_offer = nw.col("offer_id") != NO_OFFER
    return _with_age(offers, day).with_columns(is_offer.alias("is_offer"))
