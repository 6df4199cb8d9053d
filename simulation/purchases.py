"""Who the simulated customers are, when they buy, when they leave and what is in the basket."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaincc

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1)
ENDS_AT = datetime(2026, 1, 1)
END_DAY = (ENDS_AT - EPOCH) / timedelta(days=1)

# The busiest day has 1.3 times the usual rate, the quietest 0.7.
SEASON_AMPLITUDE = 0.3
# In days, leap years included, so that the peak stays in its week.
YEAR = 365.25
# 1 December 2025, in days since 1970: the busiest day of every year.
SEASON_PEAK = 20423.0

# A bad experience multiplies the hazard of leaving until the next order.
BAD_EXPERIENCE = -0.5
BAD_EXPERIENCE_HAZARD = 5.0

CHANNELS = ("search", "social", "referral")
# Of the customers.
CHANNEL_SHARE = (0.5, 0.3, 0.2)
# Orders a day while they stay: one in about 65 days.
CHANNEL_RATE = np.array([1.0, 0.8, 1.3]) / 65.0
# In the currency, to win a customer.
CHANNEL_COST = np.array([12.0, 8.0, 4.0])


def whole_seconds(day: Floats) -> Floats:
    """Round days down to whole seconds, so that no time crosses a midnight when it is stored."""
    return np.floor(day * 86400.0) / 86400.0


def season_clock(day: Floats | float) -> Floats:
    """Time as the season runs it: the integral of 1 + 0.3 cos(2 pi (day - peak) / year)."""
    turn = 2.0 * np.pi / YEAR
    return np.asarray(day + SEASON_AMPLITUDE / turn * np.sin(turn * (day - SEASON_PEAK)))


def season_day(clock: Floats) -> Floats:
    """Undo `season_clock` by Newton's method, which is exact to rounding after eight steps."""
    day = clock.copy()
    for _ in range(8):
        speed = 1.0 + SEASON_AMPLITUDE * np.cos(2.0 * np.pi / YEAR * (day - SEASON_PEAK))
        day -= (season_clock(day) - clock) / speed
    return day


def draw_traits(rng: np.random.Generator, customers: int) -> pl.DataFrame:
    """Draw what makes each customer: one row per customer, in the order of their numbers."""
    channel = rng.choice(len(CHANNELS), customers, p=CHANNEL_SHARE)
    discount_kind = rng.choice(3, customers, p=[0.4, 0.3, 0.3])
    sometimes, mostly = rng.beta(2.0, 8.0, customers), rng.beta(8.0, 3.0, customers)
    return pl.DataFrame(
        {
            "customer": np.arange(customers),
            "channel": np.array(CHANNELS)[channel],
            "acquisition_cost": np.round(
                CHANNEL_COST[channel] * rng.lognormal(0.0, 0.2, customers), 2
            ),
            "marketing_consent": rng.random(customers) < 0.8,
            "rate": rng.gamma(1.2, CHANNEL_RATE[channel] / 1.2),
            "gap_shape": rng.choice([1.0, 2.0, 4.0, 8.0], customers, p=[0.4, 0.25, 0.2, 0.15]),
            "leaving_rate": rng.gamma(0.4, 1 / (0.4 * 250.0), customers),
            "mean_experience": rng.normal(0.7, 0.4, customers),
            "spend_log_mean": rng.normal(3.72, 0.45, customers),
            "spend_log_sd": rng.uniform(0.2, 0.5, customers),
            "discount_rate": np.choose(discount_kind, [np.zeros(customers), sometimes, mostly]),
        }
    )


def trait(traits: pl.DataFrame, name: str, customer: NDArray[Any]) -> Floats:
    """Look up one trait for an array of customer numbers."""
    return np.asarray(traits[name].to_numpy()[customer], dtype=np.float64)


def draw_orders(
    rng: np.random.Generator,
    traits: pl.DataFrame,
    customer: Ints,
    first: Floats,
    end: float,
) -> pl.DataFrame:
    """Draw every order from each customer's `first` (a day) to `end`, one row per order.

    The loop is over the order's number; each turn serves all customers who are still buying.
    `dropout_day` is null where the next order, before `end` or after it, came first.
    """
    found = []
    clock, closing = season_clock(first), float(season_clock(end))
    while customer.size:
        mean = trait(traits, "mean_experience", customer)
        experience = mean + rng.standard_normal(customer.size)
        hazard = trait(traits, "leaving_rate", customer)
        hazard = hazard * np.where(experience < BAD_EXPERIENCE, BAD_EXPERIENCE_HAZARD, 1.0)
        shape = trait(traits, "gap_shape", customer)
        gap = rng.standard_gamma(shape) / (shape * trait(traits, "rate", customer))
        stay = rng.standard_exponential(customer.size) / hazard
        dropout = np.where(stay < gap, clock + stay, np.nan)
        found.append((customer, clock, experience, hazard, dropout))
        clock = clock + gap
        goes_on = (stay >= gap) & (clock < closing)
        customer, clock = customer[goes_on], clock[goes_on]
    if not found:
        found.append((customer, clock, clock, clock, clock))
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    frame = pl.DataFrame(
        {
            "customer": columns[0].astype(np.int64),
            "day": whole_seconds(season_day(columns[1])),
            "experience": columns[2],
            "leaving_rate_now": columns[3],
            "dropout_day": season_day(columns[4]),
        }
    )
    return frame.with_columns(pl.col("dropout_day").fill_nan(None))


def with_baskets(
    rng: np.random.Generator, traits: pl.DataFrame, orders: pl.DataFrame
) -> pl.DataFrame:
    """Add to each order its price, the share of it discounted and when it was recorded.

    No order has a `coupon` yet, which an offer gives.
    """
    customer, day = orders["customer"].to_numpy(), orders["day"].to_numpy()
    size = orders.height
    noise = trait(traits, "spend_log_sd", customer) * rng.standard_normal(size)
    price = np.exp(trait(traits, "spend_log_mean", customer) + noise)
    discounted = rng.random(size) < trait(traits, "discount_rate", customer)
    depth = rng.choice([0.10, 0.15, 0.20], size)
    late = rng.random(size) < 0.03
    late_day = whole_seconds(day + rng.uniform(1.0, 12.0, size))
    return orders.with_columns(
        pl.Series("price", np.maximum(price, 1.0)),
        pl.Series("discount_share", np.where(discounted, depth, 0.0)),
        pl.Series("known_day", np.where(late, late_day, day)),
        coupon=pl.lit(False),
    )


def with_refunds(rng: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    """Add to each order which share of it is refunded when, null for most.

    One in 16 is refunded, likelier after a bad experience.
    """
    size = orders.height
    bad = orders["experience"].to_numpy() < BAD_EXPERIENCE
    refunded = pl.Series(rng.random(size) < np.where(bad, 0.20, 0.04))
    share = np.where(rng.random(size) < 0.6, 1.0, rng.uniform(0.2, 0.8, size))
    day = whole_seconds(orders["known_day"].to_numpy() + 1.0 + rng.exponential(9.0, size))
    return orders.with_columns(
        refund_share=pl.when(refunded).then(pl.Series(share)),
        refund_day=pl.when(refunded).then(pl.Series(day)),
    )


def chance_of_order(
    traits: pl.DataFrame, last: pl.DataFrame, as_of: float, horizon_days: float
) -> Floats:
    """P(an order in [as_of, as_of + horizon_days)) given the whole latent state at `as_of`.

    `last` holds each customer's last order before `as_of` (columns of `draw_orders`). On the
    season's clock the gap is Erlang(k, k rate) and leaving exponential(h). With e elapsed
    without either, a ahead, Q the regularised upper incomplete gamma function, c = k rate + h:
    exp(h e) (k rate / c)^k (Q(k, c e) - Q(k, c (e + a))) / Q(k, k rate e). Zero for those who left.
    """
    customer = last["customer"].to_numpy()
    shape = trait(traits, "gap_shape", customer)
    speed = shape * trait(traits, "rate", customer)
    hazard = last["leaving_rate_now"].to_numpy()
    both = speed + hazard
    elapsed = season_clock(as_of) - season_clock(last["day"].to_numpy())
    ahead = season_clock(as_of + horizon_days) - season_clock(as_of)
    here = (last["dropout_day"].is_null() | (last["dropout_day"] >= as_of)).to_numpy()
    elapsed = np.where(here, elapsed, 0.0)
    ordered = gammaincc(shape, both * elapsed) - gammaincc(shape, both * (elapsed + ahead))
    waited = gammaincc(shape, speed * elapsed)
    chance = np.exp(hazard * elapsed) * (speed / both) ** shape * ordered / waited
    return np.where(here, np.clip(chance, 0.0, 1.0), 0.0)
