"""The feature table: one row per customer, from what was known strictly before an instant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl

from features.catalogue import catalogue
from features.clock import Instant
from features.errors import ExtensionError, HistoryError
from features.feature import Feature, RowKind, only
from features.history.history import History, Past
from features.history.previous import with_previous
from features.intake.steps import KEPT, Steps
from features.own.named import resolved
from features.schema import NO_OFFER

Frame = nw.LazyFrame[Any]
# What is joined to what orders say.
JOINED: tuple[RowKind, ...] = ("days", "refunds", "feedback", "offers", "customers")


def feature_table(
    history: History,
    as_of: Instant,
    horizon_days: float,
    features: Iterable[Feature | str] = (),
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
    features : iterable of Feature or str, optional
        Of one's own: more columns. A text is `module:name`, or `table.column` of a declared number.

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
    ExtensionError
        If a feature of one's own is not there or cannot be computed.

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
    past = history.at(as_of)
    own = (*past.own, *resolved(features, past.mapping.attributes))
    return describe(past.with_features(own), horizon_days)


def describe(past: Past, horizon_days: float) -> pd.DataFrame:
    """The feature table of a history that was cut already, at the instant of its cut."""
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise HistoryError(f"horizon_days must be a number of days > 0; got {horizon_days}.")
    past = past.coded()
    features = features_of(past)
    try:
        return _computed(past, float(horizon_days), features)
    except Exception as error:  # Every engine has errors of its own.
        if culprit := _culprit(past, float(horizon_days)):
            raise ExtensionError(
                f"{culprit.source or 'a feature'}: {culprit.name} cannot be computed from "
                f"the rows {culprit.rows}: {str(error).partition(chr(10))[0]}. It must give one "
                "number for each customer, from the columns that docs/own-features.md lists."
            ) from error
        raise


def features_of(past: Past) -> tuple[Feature, ...]:
    """What customers of a history are described by, in column order."""
    return catalogue(past.mapping, past.profiles, past.own)


def aggregate(past: Past, horizon_days: float, features: Sequence[Feature]) -> Frame:
    """All that is counted over rows, one row per customer, on the engine and not yet collected."""
    frames = frames_of(past, horizon_days)
    table = _aggregated(frames["orders"], _of("orders", features))
    for rows in JOINED:
        if own := _of(rows, features):
            table = _joined(table, frames.get(rows), own)
    return table


def frames_of(past: Past, horizon_days: float) -> dict[RowKind, Frame]:
    """The rows that features are computed from, by their kind; of tables that there are."""
    day = past.day
    further = past.mapping.attributes
    columns = ("customer_id", "day", "amount", "discount_amount", *further.get("orders", ()))
    events = _at(_in_one_chunk(past.orders.select(*columns)), day, horizon_days)
    orders = ORDERS.of(events).drop("as_of_day")
    asked = past.profiles or _of("customers", past.own)
    frames: dict[RowKind, Frame | None] = {
        "orders": orders,
        "days": _day_rows(orders),
        "refunds": REFUNDS.of(events).drop("as_of_day", "horizon_days"),
        "feedback": _feedback_rows(past.feedback, day, further.get("feedback", ())),
        "offers": _offer_rows(past.offers, day),
        "customers": past.customers if asked else None,
    }
    return {rows: frame for rows, frame in frames.items() if frame is not None}


def _computed(past: Past, horizon_days: float, features: Sequence[Feature]) -> pd.DataFrame:
    """Collect, sort, add what is computed within a row; one block of floats, NaN where null."""
    table = _collected(aggregate(past, horizon_days, features)).sort("customer_id")
    # A column and no literal: the engine divides many rows by a literal as times its reciprocal.
    table = table.with_columns(pl.Series("horizon_days", [horizon_days] * table.height))
    within = _of("table", features)
    table = table.with_columns(f.polars_column for f in within if f not in past.own)
    for feature in (f for f in within if f in past.own):  # It may stand on those before it.
        table = table.with_columns(feature.polars_column)
    table = table.with_columns(_finite(feature.name) for feature in past.own)
    names = [feature.name for feature in features]
    values = table.select(pl.col(names).cast(pl.Float64).fill_null(math.nan)).to_numpy()
    index = pd.Index(table["customer_id"].to_pandas(), name="customer_id")
    return pd.DataFrame(values, index=index, columns=names)


def _collected(table: Frame) -> pl.DataFrame:
    """Locally by the engine that adds up a customer's rows alike, whoever else there is."""
    if table.implementation.is_polars():
        native: pl.LazyFrame = table.to_native()
        return native.collect(engine="in-memory")
    collected: pl.DataFrame = table.collect("polars").to_native()
    return collected


def _finite(name: str) -> pl.Expr:
    """A column of numbers, null where it is infinite: a ratio to nothing is unknown."""
    value = pl.col(name).cast(pl.Float64)
    return pl.when(~value.is_infinite()).then(value).alias(name)


def _culprit(past: Past, horizon_days: float) -> Feature | None:
    """The first feature of the shop's own that cannot be computed, those before it aside."""
    for place, feature in enumerate(past.own):
        alone = past.with_features(past.own[: place + 1])
        try:
            _computed(alone, horizon_days, features_of(alone))
        except Exception:  # As above.
            return feature
    return None


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
    empty = tuple((feature.name, feature.empty) for feature in features)
    if frame is None:
        return _unknown(empty).of(table)
    table = table.join(_aggregated(frame, features), on="customer_id", how="left")
    return _counts(empty).of(table)


@lru_cache(KEPT)
def _unknown(empty: tuple[tuple[str, float | None], ...]) -> Steps:
    """Features of rows that nobody has, with what each is then."""
    none = (nw.lit(value, dtype=nw.Float64).alias(name) for name, value in empty)
    return Steps((("with_columns", tuple(none)),))


@lru_cache(KEPT)
def _counts(empty: tuple[tuple[str, float | None], ...]) -> Steps:
    """What features are of customers who have no such rows, where that is known."""
    known = (nw.col(name).fill_null(value) for name, value in empty if value is not None)
    return Steps((("with_columns", tuple(known)),))


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


def _at(rows: Frame, day: float, horizon_days: float | None = None) -> Frame:
    """Rows with the instant that they are described at, and their age then."""
    instant = [nw.lit(day).alias("as_of_day")]
    if horizon_days is not None:
        instant.append(nw.lit(horizon_days).alias("horizon_days"))
    return AGED.of(rows.with_columns(*instant))


def _day_rows(orders: Frame) -> Frame:
    """One row per purchase day, with the interval to the day before and the one before that."""
    days = DAYS.of(with_previous(orders, "purchase_day", "previous_day", "purchase_day"))
    return with_previous(days, "gap", "previous_gap", "purchase_day")


def _feedback_rows(feedback: Frame | None, day: float, further: Iterable[str] = ()) -> Frame | None:
    if feedback is None:
        return None
    columns = ("customer_id", "day", "kind", "score", "satisfaction", "due_day", "resolved_day")
    return _in_order(FEEDBACK.of(_at(feedback.select(*columns, *further), day)))


def _offer_rows(offers: Frame | None, day: float) -> Frame | None:
    return None if offers is None else OFFERS.of(_at(offers, day)).drop("as_of_day")


_purchase_day, _gap, _scored = nw.col("purchase_day"), nw.col("gap"), nw.col("scored_age")
AGED = Steps((("with_columns", ((nw.col("as_of_day") - nw.col("day")).alias("age"),)),))
ORDERS = Steps(
    (
        ("filter", (nw.col("amount") > 0,)),
        (
            "with_columns",
            (
                (nw.col("age") * (1.0 / nw.col("horizon_days"))).alias("age_h"),
                nw.col("day").floor().cast(nw.Float64).alias("purchase_day"),
            ),
        ),
        (
            "with_columns",
            (
                (nw.col("as_of_day") - _purchase_day).alias("day_age"),
                (_purchase_day == _purchase_day.min().over("customer_id")).alias("is_first_day"),
                (_purchase_day == _purchase_day.max().over("customer_id")).alias("is_last_day"),
            ),
        ),
    )
)
REFUNDS = Steps((("filter", (nw.col("amount") < 0,)),))
DAYS = Steps(
    (
        ("with_columns", ((_purchase_day - nw.col("previous_day")).alias("gap"),)),
        ("filter", (_gap.is_null() | (_gap > 0),)),
    )
)
FEEDBACK = Steps(
    (
        (
            "with_columns",
            (only(nw.col("age"), ~nw.col("satisfaction").is_null()).alias("scored_age"),),
        ),
        (
            "with_columns",
            (
                (_scored == _scored.min().over("customer_id", "kind")).alias("is_last_of_kind"),
                (_scored - _scored.min().over("customer_id")).alias("days_before_last_score"),
            ),
        ),
    )
)
OFFERS = Steps((("with_columns", ((nw.col("offer_id") != NO_OFFER).alias("is_offer"),)),))
