"""The simulated shop's tables: what a source would hold of it, and the truth."""

from __future__ import annotations

import polars as pl

from features.schema import NO_OFFER
from simulation.effects import OFFERS
from simulation.purchases import END_DAY, ENDS_AT
from simulation.response import DISCOUNT, in_effect


def _identifier(prefix: str, number: str, name: str) -> pl.Expr:
    return pl.format(prefix + "{}", pl.col(number).cast(pl.String).str.zfill(8)).alias(name)


_CUSTOMER_ID = _identifier("c", "customer", "customer_id")
_ORDER_ID = _identifier("o", "number", "order_id")
_FEEDBACK_ID = _identifier("f", "position", "feedback_id")
_OBSERVED = ("past_orders", "discount_share", "gap_variation", "last_satisfaction", "regular")


def with_ids(customers: pl.Series) -> pl.DataFrame:
    """Give customer numbers their ids: customer, customer_id."""
    return customers.to_frame().with_columns(_CUSTOMER_ID)


def in_time(orders: pl.DataFrame) -> pl.DataFrame:
    """Sort orders as they are numbered."""
    return orders.sort("day", "customer", "key")


def priced(orders: pl.DataFrame) -> pl.DataFrame:
    """Give orders in time their numbers, and their prices after discounts and coupons."""
    pays = 1.0 - pl.col("discount_share")
    paid = pl.col("price") * pl.when("coupon").then((1.0 - DISCOUNT) * pays).otherwise(pays)
    return (
        orders.with_row_index("number", offset=1)
        .with_columns(amount=paid.round(2))
        .with_columns(discount_amount=(pl.col("price").round(2) - pl.col("amount")).round(2))
    )


def with_refund_rows(orders: pl.DataFrame) -> pl.DataFrame:
    """Add to priced orders a row of its own, with a negative amount, for each refund."""
    refunds = orders.filter(pl.col("refund_share").is_not_null()).with_columns(
        day=pl.col("refund_day"),
        known_day=pl.col("refund_day"),
        amount=-(pl.col("amount") * pl.col("refund_share")).round(2),
        discount_amount=pl.lit(0.0),
    )
    return pl.concat([orders, refunds])


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
    """Show one campaign's rows, control rows included."""
    return offers.sort("customer").select(
        _CUSTOMER_ID,
        "campaign_id",
        "offered_at",
        "offer_id",
        "intended_offer",
        "propensity",
        "cost",
        _timestamp("redeemed_day", "redeemed_at"),
        _timestamp("refused_day", "refused_at"),
    )


def campaign_table(
    offers: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, day: float
) -> pl.DataFrame:
    """Show the truth of a campaign of `day` beside the orders `before` it was run and `after`."""
    p_given, p_intended = pl.col("p_none"), pl.col("p_none")
    for offer in OFFERS:
        chance = pl.col(f"p_{offer}")
        p_given = pl.when(pl.col("offer_id") == offer).then(chance).otherwise(p_given)
        p_intended = pl.when(pl.col("intended_offer") == offer).then(chance).otherwise(p_intended)
    return (
        offers.with_columns(p_given=p_given, p_intended=p_intended)
        .join(_spend(before, "spend_none", day), on="customer", how="left")
        .join(_spend(after, "spend_given", day), on="customer", how="left")
        .sort("customer")
        .select(
            _CUSTOMER_ID,
            *("campaign_id", "offered_at", "offer_id", "intended_offer", "propensity", "cost"),
            *("p_none", "p_given", "p_intended", "outcome_none", "outcome_given"),
            pl.col("spend_none", "spend_given").fill_null(0.0),
        )
    )


def _spend(orders: pl.DataFrame, name: str, day: float) -> pl.DataFrame:
    """Spend of the 90 days net of refunds, by customer."""
    rows = with_refund_rows(priced(in_time(orders))).filter(in_effect(day))
    spend = pl.col("amount").sum().clip(lower_bound=0.0)
    return rows.sort("number", "day").group_by("customer").agg(spend.alias(name))


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
    of_offers = (f"{part}_{o}" for o in OFFERS for part in ("p", "effect", "outcome"))
    answers = pilot.select(
        "customer",
        *_OBSERVED,
        *(f"p_{NO_OFFER}", f"outcome_{NO_OFFER}"),
        *of_offers,
        pl.col("offer_id").alias("pilot_offer"),
    )
    left = pl.when(pl.col("dropout_day") < END_DAY).then("dropout_day")
    return (
        traits.drop("channel", "acquisition_cost", "marketing_consent")
        .join(last.select("customer", dropout_day=left), on="customer")
        .join(answers, on="customer", how="left")
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
