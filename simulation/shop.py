"""A simulated shop with known truth, to test forecasts and offers against what really governs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from simulation.campaign import SimulatedCampaign, run_campaign
from simulation.log import draw_log
from simulation.pilot import PILOT_AT, run_pilot
from simulation.purchases import (
    END_DAY,
    ENDS_AT,
    draw_traits,
    season_clock,
    season_day,
)
from simulation.source_tables import (
    customers_table,
    feedback_table,
    in_time,
    offers_table,
    orders_table,
    priced,
    spells_table,
    truth_table,
    with_refund_rows,
)

# In days: a year has every season.
SHORTEST_DAYS = 365
LONGEST_DAYS = int(END_DAY)
MOST_GROWTH = 1000
# Random numbers of their own, so that a campaign changes nothing before it.
CAMPAIGN_STREAM = 1

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
        Of the pilot and of a campaign: customer_id, campaign_id, offered_at, offer_id (``none``
        for control rows), intended_offer, propensity (the probability of this row's offer_id),
        cost (null while it is not incurred), redeemed_at (the next order within 90 days),
        refused_at.
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
    campaign : polars.DataFrame or None
        The truth of the campaign that was run, one row for each of its rows: customer_id,
        campaign_id, offered_at, offer_id, intended_offer, propensity, cost; p_none, p_given,
        p_intended (true probability of an order in the 90 days without an offer, under offer_id,
        under intended_offer); outcome_none, outcome_given (whether there is one); spend_none,
        spend_given (spend of the 90 days net of refunds, never below 0). What is `none` is of the
        same shop without the campaign.
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
    campaign: pl.DataFrame | None = None

    def write(self, folder: str | Path) -> None:
        """Write the four tables, truth.parquet and history.toml into `folder`, making it."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in ("orders", "feedback", "offers", "customers", "truth"):
            getattr(self, name).write_parquet(target / f"{name}.parquet")
        (target / "history.toml").write_text(HISTORY_TOML, encoding="utf-8")


def simulate(
    customers: int = 5000,
    days: int = 1095,
    seed: int = 0,
    campaign: Any = None,
    growth: float = 1.0,
) -> SimulatedShop:
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
    campaign : pandas or Polars frame, optional
        Rows of an offers table: customer_id (of the population then), campaign_id, offered_at (one
        instant from 2025-09-29 to 2025-10-03, so that neither its 90 days nor the pilot's are cut),
        offer_id and intended_offer (`discount_10`, `service_recovery`, `points` or `none`),
        propensity (of offer_id; null where it is unknown).

    growth : float
        How many times as many customers join a day at the end as at the start, growing evenly, 1
        to 1000. From 20 on most orders fall into the last third of the span.

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
        If an argument is not a number in its range, or the campaign cannot be run.

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
    if not 1 <= growth <= MOST_GROWTH:
        raise ValueError(f"growth must be from 1 to {MOST_GROWTH}; got {growth!r}. Use 1 for none.")
    plan = None if campaign is None else SimulatedCampaign.read(campaign)
    rng = np.random.default_rng(seed)
    traits = draw_traits(rng, customers)
    opening, closing = season_clock(END_DAY - days), season_clock(END_DAY)
    joined = rng.uniform(opening, closing, customers)
    if growth > 1:
        share = (joined - opening) / (closing - opening)
        joined = opening + (closing - opening) * np.log1p(share * (growth - 1)) / np.log(growth)
    first = season_day(joined)
    log = draw_log(rng, traits, np.arange(customers), first)
    log, pilot, offers = run_pilot(rng, traits, log)
    tables = [offers_table(offers)]
    told = None
    if plan is not None:
        # A generator of its own leaves all that the other one drew as it is.
        own = np.random.default_rng([seed, CAMPAIGN_STREAM])
        log, told, offers = run_campaign(own, traits, log, plan)
        tables.append(offers_table(offers))
    orders = priced(in_time(log.orders))
    return SimulatedShop(
        orders=orders_table(with_refund_rows(orders)),
        feedback=feedback_table(log.feedback, orders),
        offers=pl.concat(tables),
        customers=customers_table(traits, orders),
        truth=truth_table(traits, orders, pilot),
        spells=spells_table(orders),
        starts_at=ENDS_AT - timedelta(days=days),
        pilot_at=PILOT_AT,
        ends_at=ENDS_AT,
        campaign=told,
    )


def _check(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} must be a whole number from {least} to {most}; got {value!r}. "
            f"Give {name} in that range."
        )
