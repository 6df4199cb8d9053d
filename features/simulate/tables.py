"""The simulated shop's tables: what a source would hold of it, and the truth."""

from __future__ import annotations

import polars as pl

from features.simulate.pilot import DISCOUNT, DISCOUNT_OFFER, PILOT_AT, PROPENSITY
from features.simulate.purchases import END_DAY, ENDS_AT


def _identifier(prefix: str, number: str, name: str) -> pl.Expr:
    return pl.format(prefix + "{}", pl.col(number).cast(pl.String).str.zfill(8)).alias(name)


_CUSTOMER_ID = _identifier("c", "customer", "customer_id")
_ORDER_ID = _identifier("o", "number", "order_id")
_FEEDBACK_ID = _identifier("f", "position", "feedback_id")


def priced(orders: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """Give the orders their numbers, in time, and their prices, after the pilot's discount."""
    with_coupon = offers.filter(pl.col("pilot_offer") == DISCOUNT_OFFER)["key"].drop_nulls()
    pays = 1.0 - pl.col("discount_share")
    coupon = pl.col("key").is_in(with_coupon.implode())
    paid = pl.col("price") * pl.when(coupon).then((1.0 - DISCOUNT) * pays).otherwise(pays)
    return (
        orders.sort("day", "customer", "key")
        .with_row_index("number", offset=1)
        .with_columns(amount=paid.round(2))
        .with_columns(discount_amount=(pl.col("price").round(2) - pl.col("amount")).round(2))
    )


def orders_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Show orders and refunds recorded by the end, in time."""
    return (
        rows.filter(pl.col("known_day") < END_DAY)
        .sort("day", "number", "amount")
        .select(
            _ORDER_ID,
            _CUSTOMER_ID,
            _timestamp("day", "ordered_at"),
            _timestamp("known_day", "recorded_at"),
            "amount",
            "discount_amount",
        )
    )


def feedback_table(feedback: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Show answers and tickets recorded by the end; what is resolved later is open."""
    return (
        feedback.filter(pl.col("known_day") < END_DAY)
        .join(orders.select("key", "number"), on="key")
        .sort("day", "customer", "kind", "key")
        .with_row_index("position", offset=1)
        .select(
            _FEEDBACK_ID,
            _CUSTOMER_ID,
            "kind",
            _timestamp("day", "created_at"),
            _timestamp("known_day", "recorded_at"),
            "score",
            _ORDER_ID,
            _timestamp("due_day", "due_at"),
            _timestamp("resolved_day", "resolved_at"),
        )
        .with_columns(resolved_at=pl.when(pl.col("resolved_at") < ENDS_AT).then("resolved_at"))
    )


def offers_table(offers: pl.DataFrame) -> pl.DataFrame:
    """Show the pilot's rows, control rows included."""
    return offers.sort("customer").select(
        _CUSTOMER_ID,
        pl.lit("pilot").alias("campaign_id"),
        pl.lit(PILOT_AT).alias("offered_at"),
        pl.col("pilot_offer").alias("offer_id"),
        "intended_offer",
        pl.col("pilot_offer").replace_strict(PROPENSITY, default=None).alias("propensity"),
        "cost",
        _timestamp("redeemed_day", "redeemed_at"),
        _timestamp("refused_day", "refused_at"),
    )


def customers_table(traits: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Show customers, known from their first order on."""
    joined = orders.group_by("customer").agg(joined_day=pl.col("day").min())
    return (
        traits.join(joined, on="customer")
        .sort("customer")
        .select(
            _CUSTOMER_ID,
            _timestamp("joined_day", "recorded_at"),
            "marketing_consent",
            "channel",
            "acquisition_cost",
        )
    )


def truth_table(traits: pl.DataFrame, orders: pl.DataFrame, pilot: pl.DataFrame) -> pl.DataFrame:
    """Put together what governs each customer and the pilot's truth."""
    last = orders.sort("day", "key").unique("customer", keep="last")
    left = pl.when(pl.col("dropout_day") < END_DAY).then("dropout_day")
    return (
        traits.drop("channel", "acquisition_cost", "marketing_consent")
        .join(last.select("customer", dropout_day=left), on="customer")
        .join(pilot.drop("intended_offer", "outcome_given"), on="customer", how="left")
        .sort("customer")
        .select(_CUSTOMER_ID, pl.exclude("customer"))
    )


def spells_table(orders: pl.DataFrame) -> pl.DataFrame:
    """Show the latent state from each order to the next."""
    following = pl.col("day").shift(-1).over("customer").fill_null(float("inf"))
    return (
        orders.sort("customer", "day", "key")
        .with_columns(dropout_day=pl.when(pl.col("dropout_day") < following).then("dropout_day"))
        .select(_CUSTOMER_ID, "day", "leaving_rate_now", "dropout_day")
    )


def _timestamp(day: str, name: str) -> pl.Expr:
    microseconds = (pl.col(day) * 86400.0).round().cast(pl.Int64) * 1_000_000
    return microseconds.cast(pl.Datetime("us")).alias(name)
