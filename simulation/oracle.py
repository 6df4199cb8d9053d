"""What nobody in a real shop can know: each customer's true risk and what offers would change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import pandas as pd
import polars as pl

from simulation.effects import OFFERS, chances, observe, published_effects
from simulation.purchases import EPOCH, chance_of_order
from simulation.shop import SimulatedShop


def oracle_churn_risk(
    shop: SimulatedShop, as_of: str | date | datetime, horizon_days: float
) -> pd.Series[float]:
    """Give the true probability of no order in [as_of, as_of + horizon_days).

    The oracle knows each customer's rate, gap shape and hazard of leaving, whether the last
    experience was bad, the true time of the last order (recorded or not), whether the customer
    has left by `as_of`, and the season. It knows neither chance events from `as_of` on nor offers:
    where the window overlaps the 90 days after the pilot or a campaign, the risk of a customer who
    got an offer is off by about that offer's effect. Elsewhere no forecast can rank better on
    average.

    Parameters
    ----------
    shop : SimulatedShop
        The shop, with its spells.
    as_of : str, date or datetime
        Instant of prediction, within the history.
    horizon_days : float
        Length of the window in days, above 0.

    Returns
    -------
    pandas.Series
        Float64 risk indexed by customer_id, one row per customer of `shop.truth`; NaN for those
        who had not ordered before `as_of`, and 1 for those who had left.

    Raises
    ------
    ValueError
        If `as_of` is outside the history or `horizon_days` is not positive.

    Examples
    --------
    >>> from simulation import simulate
    >>> risk = oracle_churn_risk(simulate(customers=300, seed=7), "2025-07-01", 90)
    >>> bool(risk.dropna().between(0, 1).all())
    True
    """
    day = _day(shop, as_of)
    if not horizon_days > 0:
        raise ValueError(
            f"horizon_days must be above 0; got {horizon_days}. Give a number of days."
        )
    traits = _traits(shop)
    last = _last_orders(shop, traits, day)
    risk = 1.0 - chance_of_order(traits, last, day, float(horizon_days))
    known = pd.Series(risk, index=last["customer_id"].to_list(), name="oracle_churn_risk")
    return known.reindex(pd.Index(traits["customer_id"].to_list(), name="customer_id"))


def true_effects(
    shop: SimulatedShop,
    as_of: str | date | datetime,
    customer_ids: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Give what each offer made at `as_of` would truly change, as an oracle needs to choose.

    It follows the published rules, worked out from what is known before `as_of`; see `simulate`.
    It knows of no offer whose 90 days are not over by then.

    Parameters
    ----------
    shop : SimulatedShop
    as_of : str, date or datetime
        Instant of the offers.
    customer_ids : iterable of str, optional
        Who to tell of, each once; default: the population, customers with an order known before
        `as_of`.

    Returns
    -------
    pandas.DataFrame, float64
        Index customer_id, in the order asked for; `p_none`, the probability of an order in the 90
        days from `as_of` without an offer; `effect_<offer>`, what the offer adds to it; and
        `rule_<offer>`, what it would add by the rule if that were possible. The rules are of what
        the shop knows; `p_none` and `effect_` also know who has left already.

    Raises
    ------
    ValueError
        If `as_of` is outside the history, or a customer outside the population.

    Examples
    --------
    >>> from simulation import simulate
    >>> truth = true_effects(simulate(customers=300, seed=7), "2025-10-01")
    >>> list(truth.columns[:4])
    ['p_none', 'effect_discount_10', 'effect_service_recovery', 'effect_points']
    """
    day = _day(shop, as_of)
    traits = _traits(shop)
    numbers = traits.select("customer_id", "customer")
    observed = observe(_purchases(shop, numbers), _answers(shop, numbers), day)
    last = _last_orders(shop, traits, day).join(observed, on="customer", how="semi")
    found = chances(traits, observed, last.sort("customer"), day)
    rules = published_effects(found).select(pl.all().name.prefix("rule_"))
    known = pl.concat([found, rules], how="horizontal").join(
        numbers, on="customer", maintain_order="left"
    )
    columns = [f"{kind}_{offer}" for kind in ("effect", "rule") for offer in OFFERS]
    known = known.select("customer_id", "p_none", *columns)
    truth = known.to_pandas().set_index("customer_id")
    if customer_ids is None:
        return truth
    asked = pd.Index(list(customer_ids), name="customer_id")
    strangers = asked[~asked.isin(truth.index)]
    if len(strangers):
        raise ValueError(
            f"customer_ids must be of customers with an order known before {as_of}; got "
            f"{list(strangers[:3])}. Ask for the population only."
        )
    return truth.loc[asked]


def _day(shop: SimulatedShop, as_of: str | date | datetime) -> float:
    instant = pd.Timestamp(as_of)
    if instant.tz is not None:
        instant = instant.tz_convert("UTC").tz_localize(None)
    if not shop.starts_at < instant <= shop.ends_at:
        raise ValueError(
            f"as_of must be after {shop.starts_at} and at most {shop.ends_at}; got {as_of}. "
            "Choose an instant within the simulated history."
        )
    return float((instant - pd.Timestamp(EPOCH)) / pd.Timedelta(days=1))


def _traits(shop: SimulatedShop) -> pl.DataFrame:
    return shop.truth.with_row_index("customer")


def _last_orders(shop: SimulatedShop, traits: pl.DataFrame, day: float) -> pl.DataFrame:
    """Each customer's last order before `day`, recorded or not."""
    return (
        shop.spells.filter(pl.col("day") < day)
        .unique("customer_id", keep="last", maintain_order=True)
        .join(traits.select("customer_id", "customer"), on="customer_id", maintain_order="left")
    )


def _purchases(shop: SimulatedShop, numbers: pl.DataFrame) -> pl.DataFrame:
    """The orders as `observe` takes them; the table does not part a coupon from a discount."""
    bought = shop.orders.filter(pl.col("amount") > 0).join(numbers, on="customer_id")
    return bought.select(
        "customer",
        day=_days("ordered_at"),
        known_day=_days("recorded_at"),
        discount_share=pl.col("discount_amount"),
        coupon=pl.lit(False),
    )


def _answers(shop: SimulatedShop, numbers: pl.DataFrame) -> pl.DataFrame:
    """The feedback as `observe` takes it; order ids are in time, as the keys of orders are."""
    return shop.feedback.join(numbers, on="customer_id").select(
        "customer",
        "kind",
        "score",
        key="order_id",
        day=_days("created_at"),
        known_day=_days("recorded_at"),
    )


def _days(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("us") / 86_400_000_000
