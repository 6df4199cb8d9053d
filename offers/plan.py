"""The plan: one offer or none for every eligible customer, why, and what it should bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from offers.campaign import Campaign
from offers.catalogue import OfferCatalogue
from offers.intention import Intention, intend
from offers.problem import NONE
from offers.prospects import EXPERIMENT, Prospects
from training.definition import Definition
from training.evaluation import FloatArray

COLUMNS = (
    "campaign_id", "customer_id", "as_of", "horizon_days", "intended_offer", "arm", "explored",
    "propensity", "expected_uplift", "expected_cost", "expected_profit", "churn_risk",
    "clv_if_active", "reason", "evidence", "kind", "upfront_cost", "holdout", "margin_rate",
    "currency",
)  # fmt: skip
LEFT_ALONE = "left alone: the offers made such customers come less often"
NOTHING_PAYS = "no offer is expected to bring more than it costs"
OTHERS_FIRST = "the budget brings more elsewhere"


@dataclass(frozen=True)
class Choices:
    """What a plan chooses from.

    Attributes
    ----------
    prospects : Prospects
        Of the customers who are eligible for some offer.
    eligible : pandas.DataFrame of bool, shape (customers, offers)
    harmed : pandas.DataFrame of bool, shape (customers, offers)
        Where the evidence is that the offer does harm.
    reasons : pandas.DataFrame of str, shape (customers, offers)
        Why a customer should get the offer.
    """

    prospects: Prospects
    eligible: pd.DataFrame
    harmed: pd.DataFrame
    reasons: pd.DataFrame

    @property
    def allowed(self) -> pd.DataFrame:
        """Which offers may be made, shape (customers, offers)."""
        return self.eligible & ~self.harmed


@dataclass(frozen=True)
class Plan:
    """A plan and how it came about.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns `COLUMNS`, one row per eligible customer, most expected profit first.
    campaign : Campaign
    intention : Intention
    choices : Choices
    """

    table: pd.DataFrame
    campaign: Campaign
    intention: Intention
    choices: Choices


def plan(
    scores: pd.DataFrame,
    choices: Choices,
    catalogue: OfferCatalogue,
    campaign: Campaign,
    value: Definition,
) -> Plan:
    """Choose at most one offer for every eligible customer, for the most profit under a budget.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (customers, columns)
        Index `customer_id`, the customers of `choices` in the same order; columns of the scores.
    choices : Choices
    catalogue : OfferCatalogue
    campaign : Campaign
    value : Definition
        Of the CLV model: its margin and currency.
    """
    found = choices.prospects
    profit = found.cautious_profit.where(choices.allowed)
    intention = intend(profit, found.cost, catalogue.capacities, campaign)
    table = _table(scores, choices, catalogue, campaign, intention)
    table = table.assign(margin_rate=value.margin_rate, currency=value.currency)
    order = ["expected_profit", "customer_id"]
    table = table.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)
    return Plan(table[list(COLUMNS)], campaign, intention, choices)


def _table(
    scores: pd.DataFrame,
    choices: Choices,
    catalogue: OfferCatalogue,
    campaign: Campaign,
    intention: Intention,
) -> pd.DataFrame:
    found, offer = choices.prospects, intention.offer
    ids = np.array([*catalogue.ids, "none"], dtype=object)
    some = offer != NONE
    arms = np.select([~some, intention.held_out], ["none", "holdout"], "offer")
    evidence = np.array([*found.evidence.values(), None], dtype=object)
    kinds = np.array([*(o.kind for o in catalogue.offers), None], dtype=object)
    upfront = np.array([*(o.upfront_cost for o in catalogue.offers), 0.0])
    return pd.DataFrame(
        {
            "campaign_id": campaign.campaign_id,
            "customer_id": scores.index,
            "as_of": scores["as_of"].to_numpy(),
            "horizon_days": scores["horizon_days"].to_numpy(),
            "intended_offer": ids[offer],
            "arm": arms,
            "explored": intention.explored,
            "propensity": intention.propensity,
            "expected_uplift": of_intended(found.uplift, offer),
            "expected_cost": of_intended(found.cost, offer),
            "expected_profit": of_intended(found.profit, offer),
            "churn_risk": scores["churn_risk"].to_numpy(),
            "clv_if_active": scores["clv_if_active"].to_numpy(),
            "reason": _reasons(choices, offer),
            "evidence": evidence[offer],
            "kind": kinds[offer],
            "upfront_cost": upfront[offer],
            "holdout": campaign.holdout,
        }
    )


def of_intended(values: pd.DataFrame, offer: FloatArray | np.ndarray) -> FloatArray:
    """The value of everybody's intended offer, 0 where there is none; shape (customers,)."""
    picked = values.to_numpy()[np.arange(len(offer)), np.maximum(offer, 0)]
    return np.where(offer == NONE, 0.0, picked)


def _reasons(choices: Choices, offer: np.ndarray) -> np.ndarray:
    """Why the intended offer, or why none."""
    rows = np.arange(len(offer))
    why = choices.reasons.to_numpy(dtype=object)[rows, np.maximum(offer, 0)]
    allowed = choices.allowed.to_numpy()
    pays = (choices.prospects.cautious_profit.to_numpy() > 0) & allowed
    none = np.select(
        [~allowed.any(axis=1), ~pays.any(axis=1)], [LEFT_ALONE, NOTHING_PAYS], OTHERS_FIRST
    )
    return np.where(offer == NONE, none, why)


def totals(made: Plan) -> dict[str, float]:
    """What the offers of a plan should cost and bring, counting the treated only."""
    treated = made.table[made.table["arm"] == "offer"]
    return {
        "expected_cost": float(treated["expected_cost"].sum()),
        "expected_profit": float(treated["expected_profit"].sum()),
        "expected_kept": float(treated["expected_uplift"].sum()),
    }


def by_offer(made: Plan) -> pd.DataFrame:
    """One row per intended offer: customers by arm, expected uplift, cost and profit."""
    table = made.table[made.table["intended_offer"] != "none"]
    treated = table["arm"] == "offer"
    return (
        table.assign(
            offered=treated,
            held_out=~treated,
            by_experiment=table["evidence"] == EXPERIMENT,
            **{c: table[c].where(treated, 0.0) for c in ("expected_cost", "expected_profit")},
        )
        .groupby("intended_offer")
        .agg(
            offered=("offered", "sum"),
            held_out=("held_out", "sum"),
            explored=("explored", "sum"),
            expected_uplift=("expected_uplift", "mean"),
            expected_cost=("expected_cost", "sum"),
            expected_profit=("expected_profit", "sum"),
            evidence=("evidence", "first"),
        )
    )
