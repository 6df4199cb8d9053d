"""A simulated shop with known truth, to test forecasts and offers against what really governs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl

from features.simulate.feedback import draw_feedback
from features.simulate.pilot import EFFECT_DAYS, PILOT_AT, PILOT_DAY, draw_pilot, redeem
from features.simulate.purchases import (
    END_DAY,
    ENDS_AT,
    EPOCH,
    Floats,
    Ints,
    chance_of_order,
    draw_orders,
    draw_refunds,
    draw_traits,
    season_clock,
    season_day,
    with_baskets,
)
from features.simulate.tables import (
    customers_table,
    feedback_table,
    offers_table,
    orders_table,
    priced,
    spells_table,
    truth_table,
)

SHORTEST_DAYS = 365
LONGEST_DAYS = int(END_DAY)

HISTORY_TOML = """\
timezone = "UTC"
currency = "EUR"

[customers]
static = ["channel"]
"""


@dataclass(frozen=True)
class SimulatedShop:
    """A shop's history as a source would hold it, and the truth behind it.

    Attributes
    ----------
    orders : polars.DataFrame
        order_id, customer_id, ordered_at, recorded_at, amount, discount_amount. Refunds are rows
        of their own with a negative amount and the order_id of their order.
    feedback : polars.DataFrame
        feedback_id, customer_id, kind, created_at, recorded_at, score, order_id, due_at,
        resolved_at (null while open).
    offers : polars.DataFrame
        The pilot: customer_id, campaign_id, offered_at, offer_id (``none`` for control rows),
        intended_offer, propensity (the probability of this row's offer_id), cost (null while it
        is not incurred), redeemed_at (the next order within 90 days), refused_at.
    customers : polars.DataFrame
        customer_id, recorded_at (of the first order), marketing_consent, channel,
        acquisition_cost.
    truth : polars.DataFrame
        One row per customer, sorted by customer_id; see `simulate`.
    spells : polars.DataFrame
        One row per order: customer_id, day, leaving_rate_now (hazard until the next order, on the
        season's clock), dropout_day (null unless it comes before the next order). Days since 1970.
    starts_at, pilot_at, ends_at : datetime
        First instant, instant of the pilot, first instant after the history (wall clock, UTC).
    """

    orders: pl.DataFrame
    feedback: pl.DataFrame
    offers: pl.DataFrame
    customers: pl.DataFrame
    truth: pl.DataFrame
    spells: pl.DataFrame
    starts_at: datetime
    pilot_at: datetime
    ends_at: datetime

    def write(self, folder: str | Path) -> None:
        """Write the four tables, truth.parquet and history.toml into `folder`, making it."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in ("orders", "feedback", "offers", "customers", "truth"):
            getattr(self, name).write_parquet(target / f"{name}.parquet")
        (target / "history.toml").write_text(HISTORY_TOML, encoding="utf-8")


def simulate(customers: int = 5000, days: int = 1095, seed: int = 0) -> SimulatedShop:
    """Simulate a shop: the same arguments give the same frames, bit for bit.

    Customers join all through the history. While in the shop a customer orders with Erlang gaps
    (`gap_shape` 1 is Poisson, 8 is nearly a rhythm) at a gamma distributed `rate`, and leaves
    with an exponential hazard that is five times as high after a bad experience. Both run on the
    season's clock, whose speed varies by 30 % over the year. The history ends before 2026-01-01
    and holds only what was recorded by then.

    The pilot, at 2025-07-01, draws a fifth of the population among those who consent. Its truth
    is exact: `p_none` is the closed-form probability of an order in the next 90 days given the
    customer's latent state; each offer's probability is `p_none` plus the published effect,
    clipped to [0, 1], and `effect_*` is the difference after clipping; one uniform number per
    customer decides all potential outcomes. The history without offers is simulated first.
    Where the outcome under the offer given differs from it, the history is made to follow: an
    order is put at a random time in the 90 days and a spell begins there, or the customer leaves
    at the pilot.

    Parameters
    ----------
    customers : int
        Number of customers, at least 1.
    days : int
        Length of the history in days, 365 to 20454.
    seed : int
        Seed, at least 0.

    Returns
    -------
    SimulatedShop
        Its `truth` has, per customer: rate (orders per day), gap_shape, leaving_rate,
        mean_experience, spend_log_mean, spend_log_sd, discount_rate, dropout_day (days since
        1970, null for those still in the shop at the end); and at the pilot, null outside the
        population: past_orders, discount_share, gap_variation, regular, last_satisfaction,
        pilot_offer (null outside the pilot), p_none and p_*, effect_*, outcome_none and
        outcome_* for each offer.

    Raises
    ------
    ValueError
        If an argument is not a whole number in its range.

    Examples
    --------
    >>> shop = simulate(customers=300, seed=7)
    >>> shop.truth.height, shop.pilot_at.isoformat()
    (300, '2025-07-01T00:00:00')
    >>> shop.offers["offer_id"].unique().sort().to_list()
    ['discount_10', 'none', 'points', 'service_recovery']
    """
    _check("customers", customers, 1, 50_000_000)
    _check("days", days, SHORTEST_DAYS, LONGEST_DAYS)
    _check("seed", seed, 0, 2**63 - 1)
    rng = np.random.default_rng(seed)
    traits = draw_traits(rng, customers)
    opening, closing = season_clock(END_DAY - days), season_clock(END_DAY)
    first = season_day(rng.uniform(opening, closing, customers))
    log = _draw_log(rng, traits, np.arange(customers), first)
    pilot = draw_pilot(rng, traits, log.orders, log.feedback)
    log = _follow_pilot(rng, traits, log, pilot)
    offers = redeem(rng, log.orders, pilot)
    orders = priced(log.orders, offers)
    rows = pl.concat([orders, draw_refunds(rng, orders)])
    return SimulatedShop(
        orders=orders_table(rows),
        feedback=feedback_table(log.feedback, orders),
        offers=offers_table(offers),
        customers=customers_table(traits, orders),
        truth=truth_table(traits, orders, pilot),
        spells=spells_table(orders),
        starts_at=ENDS_AT - timedelta(days=days),
        pilot_at=PILOT_AT,
        ends_at=ENDS_AT,
    )


def oracle_churn_risk(
    shop: SimulatedShop, as_of: str | date | datetime, horizon_days: float
) -> pd.Series[float]:
    """Give the true probability of no order in [as_of, as_of + horizon_days).

    The oracle knows each customer's rate, gap shape and hazard of leaving, whether the last
    experience was bad, the true time of the last order (recorded or not), whether the customer
    has left by `as_of`, and the season. It knows neither chance events from `as_of` on nor the
    pilot: where the window overlaps the 90 days after the pilot, the risk of a customer who got
    an offer is off by about that offer's effect. Elsewhere no forecast can rank better on average.

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
    >>> risk = oracle_churn_risk(simulate(customers=300, seed=7), "2025-07-01", 90)
    >>> bool(risk.dropna().between(0, 1).all())
    True
    """
    instant = pd.Timestamp(as_of)
    if instant.tz is not None:
        instant = instant.tz_convert("UTC").tz_localize(None)
    if not shop.starts_at < instant <= shop.ends_at:
        raise ValueError(
            f"as_of must be after {shop.starts_at} and at most {shop.ends_at}; got {as_of}. "
            "Choose an instant within the simulated history."
        )
    if not horizon_days > 0:
        raise ValueError(
            f"horizon_days must be above 0; got {horizon_days}. Give a number of days."
        )
    day = float((instant - pd.Timestamp(EPOCH)) / pd.Timedelta(days=1))
    traits = shop.truth.with_row_index("customer")
    last = (
        shop.spells.filter(pl.col("day") < day)
        .unique("customer_id", keep="last", maintain_order=True)
        .join(traits.select("customer_id", "customer"), on="customer_id", maintain_order="left")
    )
    risk = 1.0 - chance_of_order(traits, last, day, float(horizon_days))
    known = pd.Series(risk, index=last["customer_id"].to_list(), name="oracle_churn_risk")
    return known.reindex(pd.Index(traits["customer_id"].to_list(), name="customer_id"))


class _Log(NamedTuple):
    """Orders with their latent columns, and the feedback on them by the order's `key`."""

    orders: pl.DataFrame
    feedback: pl.DataFrame


def _draw_log(
    rng: np.random.Generator,
    traits: pl.DataFrame,
    customer: Ints,
    first: Floats,
    first_key: int = 0,
) -> _Log:
    orders = draw_orders(rng, traits, customer, first, END_DAY)
    orders = with_baskets(rng, traits, orders).with_row_index("key", offset=first_key)
    return _Log(orders, draw_feedback(rng, orders))


def _follow_pilot(
    rng: np.random.Generator, traits: pl.DataFrame, log: _Log, pilot: pl.DataFrame
) -> _Log:
    """Rewrite what follows the pilot for the customers whose outcome the offer changed."""
    swayed = pilot.filter(pl.col("outcome_given") != pl.col("outcome_none"))
    won = swayed.filter("outcome_given")["customer"].to_numpy()
    lost = swayed.filter(~pl.col("outcome_given"))["customer"]
    rewritten = pl.col("customer").is_in(swayed["customer"].implode())
    kept = log.orders.filter((pl.col("day") < PILOT_DAY) | ~rewritten)
    leaves = pl.col("customer").is_in(lost.implode()) & (
        pl.col("day") == pl.col("day").max().over("customer")
    )
    kept = kept.with_columns(
        dropout_day=pl.when(leaves).then(PILOT_DAY).otherwise(pl.col("dropout_day"))
    )
    moment = PILOT_DAY + EFFECT_DAYS * rng.random(won.size)
    added = _draw_log(rng, traits, won, moment, first_key=log.orders.height)
    heard = log.feedback.join(kept, on="key", how="semi", maintain_order="left")
    return _Log(pl.concat([kept, added.orders]), pl.concat([heard, added.feedback]))


def _check(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} must be a whole number from {least} to {most}; got {value!r}. "
            f"Give {name} in that range."
        )
