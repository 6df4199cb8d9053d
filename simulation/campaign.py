"""A campaign to run in a simulated shop: rows of an offers table, refused where it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np
import polars as pl

from features.intake.dataframes import as_lazy
from features.schema import NO_OFFER
from simulation.effects import EFFECT_DAYS, OFFERS
from simulation.log import ShopLog
from simulation.pilot import PILOT, PILOT_AT
from simulation.purchases import ENDS_AT, EPOCH, with_refunds
from simulation.response import (
    ShopRun,
    draw_won,
    follow,
    potential_outcomes,
    redeem,
    with_assignment,
    with_coupons,
)
from simulation.source_tables import campaign_table, with_ids

EARLIEST = PILOT_AT + timedelta(days=EFFECT_DAYS)
LATEST = ENDS_AT - timedelta(days=EFFECT_DAYS)

TEXT, INSTANT, NUMBER = pl.String(), pl.Datetime("us"), pl.Float64()
SCHEMA: dict[str, pl.DataType] = {
    "customer_id": TEXT,
    "campaign_id": TEXT,
    "offered_at": INSTANT,
    "offer_id": TEXT,
    "intended_offer": TEXT,
    "propensity": NUMBER,
}


@dataclass(frozen=True)
class SimulatedCampaign:
    """Who is given which offer, all at one instant after the pilot's window.

    Attributes
    ----------
    rows : polars.DataFrame
        customer_id, campaign_id, offered_at, offer_id, intended_offer, propensity.
    """

    rows: pl.DataFrame

    def __post_init__(self) -> None:
        rows = self.rows
        _require(rows.height > 0, "rows", "at least one", 0, "Give the campaign's rows.")
        for column in ("customer_id", "campaign_id", "offered_at", "offer_id"):
            known = rows[column].null_count() == 0
            _require(known, column, "given in every row", None, "Fill it in.")
        ids = rows["campaign_id"].unique().sort().to_list()
        is_one = len(ids) == 1 and ids[0] != PILOT
        _require(is_one, "campaign_id", f"one name other than {PILOT!r}", ids, "Run one campaign.")
        instants = rows["offered_at"].unique().sort().to_list()
        when = f"one instant from {EARLIEST} to {LATEST}"
        is_one = len(instants) == 1 and EARLIEST <= instants[0] <= LATEST
        told = ", ".join(map(str, instants[:3]))
        _require(is_one, "offered_at", when, told, "The windows before and after it must close.")
        for column in ("offer_id", "intended_offer"):
            odd = sorted(set(rows[column].drop_nulls()) - {NO_OFFER, *OFFERS})
            rule = f"one of {(NO_OFFER, *OFFERS)}"
            _require(not odd, column, rule, odd, "The shop has effects of these only.")
        chance = rows["propensity"].drop_nulls()
        is_chance = bool(((chance > 0) & (chance <= 1)).all())
        _require(is_chance, "propensity", "above 0 and at most 1", chance.min(), "Null is unknown.")
        twice = rows.filter(rows["customer_id"].is_duplicated())["customer_id"].to_list()
        _require(not twice, "customer_id", "in one row only", twice[:1], "Give one offer each.")

    @classmethod
    def read(cls, frame: Any) -> Self:
        """Take the columns of an offers table from a pandas or Polars frame.

        `offered_at` is a wall clock time of the shop, or an instant of any time zone.
        """
        rows = as_lazy("campaign", frame)
        missing = sorted(set(SCHEMA) - set(rows.collect_schema().names()))
        _require(not missing, "campaign", f"a frame with {list(SCHEMA)}", f"none of {missing}", "")
        found = rows.select(list(SCHEMA)).collect("polars").to_polars()
        if getattr(found.schema["offered_at"], "time_zone", None):
            utc = pl.col("offered_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            found = found.with_columns(utc)
        return cls(found.cast(pl.Schema(SCHEMA)).sort("customer_id"))

    @property
    def offered_at(self) -> datetime:
        """The one instant, on the shop's clock."""
        instant: datetime = self.rows["offered_at"][0]
        return instant

    @property
    def day(self) -> float:
        """The instant in days since 1970."""
        return (self.offered_at - EPOCH) / timedelta(days=1)

    def assigned(self, population: pl.DataFrame) -> pl.DataFrame:
        """The rows by the number of the customer; `population` has customer and customer_id."""
        rows = self.rows.join(population, on="customer_id", how="left")
        strangers = rows.filter(pl.col("customer").is_null())["customer_id"].to_list()
        _require(
            not strangers,
            "customer_id",
            f"of a customer with an order known before {self.offered_at}",
            strangers[:3],
            "Draw the campaign from the population of this shop then.",
        )
        return rows.drop("customer_id")


def run_campaign(
    rng: np.random.Generator, traits: pl.DataFrame, log: ShopLog, plan: SimulatedCampaign
) -> ShopRun:
    """Let the history follow a campaign.

    All is drawn for the whole population, so that what a customer does under an
    offer is the same in every plan.
    """
    outcomes = potential_outcomes(rng, traits, log, plan.day)
    population = outcomes["customer"]
    assigned = plan.assigned(with_ids(population))
    outcomes = with_assignment(outcomes, assigned)
    if_won = draw_won(rng, traits, log, population.to_numpy(), plan.day)
    if_won = if_won._replace(orders=with_refunds(rng, if_won.orders))
    after = follow(log, outcomes, if_won, plan.day)
    offers = redeem(rng, after.orders, outcomes, plan.day)
    offers = offers.filter(pl.col("offer_id").is_not_null())
    after = after._replace(orders=with_coupons(after.orders, offers))
    told = campaign_table(offers, log.orders, after.orders, plan.day)
    return ShopRun(after, told, offers)


def _require(holds: bool, name: str, rule: str, got: object, advice: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {rule}; got {got}. {advice}".rstrip())
