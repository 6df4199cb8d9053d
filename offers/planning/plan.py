"""The plan: one offer or none for every eligible customer, why, and what it should bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.schema import NO_OFFER
from offers.allocation.problem import NONE, Choice
from offers.catalogue.catalogue import OfferCatalogue
from offers.catalogue.verdicts import Eligibility
from offers.planning.assignment import Assignment, intend
from offers.planning.campaign import Campaign
from offers.planning.curves import BudgetCurve, budget_curve, trade_off
from offers.planning.offer_reasons import offer_reasons
from offers.planning.plan_columns import COLUMNS
from offers.planning.promise import Promise
from offers.planning.prospects import Prospects
from training.evaluation import FloatArray
from training.scoring.definition import Definition
from training.uplift.doubt import Doubt

HARMED = "left alone: offers make customers like this one come less often"
NOTHING_PAYS = "no offer is expected to bring more than it costs"
OTHERS_FIRST = "the budget and the places bring more elsewhere"
# Shares of the eligible customers contacted, in the trade-off.
TRADED = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Customers:
    """The customers a plan is made for: those eligible for some offer.

    Attributes
    ----------
    scores : pandas.DataFrame
        Of `Scorer.score`, one row each.
    table : pandas.DataFrame
        The feature table at the same instant, of at least those customers.
    eligible : pandas.DataFrame of bool, shape (customers, offers)
        Index `customer_id`, in the order of the scores.
    """

    scores: pd.DataFrame
    table: pd.DataFrame
    eligible: pd.DataFrame


@dataclass(frozen=True)
class Choices:
    """What a plan chooses from, customers by offers.

    Attributes
    ----------
    prospects : Prospects
    allowed : pandas.DataFrame of bool
        Which offers may be made: the customer is eligible, and there is no evidence of harm.
    doubts : mapping of str to Doubt
        How sure the effects are of the offers that were tried.
    """

    prospects: Prospects
    allowed: pd.DataFrame
    doubts: Mapping[str, Doubt] = field(default_factory=dict)

    @property
    def profit(self) -> pd.DataFrame:
        """What offers are ranked by, NaN where they may not be made."""
        return self.prospects.cautious_profit.where(self.allowed)


@dataclass(frozen=True)
class Plan:
    """A plan and how it came about.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns `plan_table.COLUMNS`, one row per eligible customer, most expected profit first.
    campaign : Campaign
    churn_risk : pandas.Series, shape (customers,)
        Index `customer_id`, in the order of the choices.
    choices : Choices
    assignment : Assignment
    eligibility : Eligibility
        What came of all customers of the population.
    tried : tuple of str
        Ids of all offers in the history before the plan, in alphabetical order.
    """

    table: pd.DataFrame
    campaign: Campaign
    churn_risk: pd.Series
    choices: Choices
    assignment: Assignment
    eligibility: Eligibility
    tried: tuple[str, ...] = ()

    @property
    def currency(self) -> str | None:
        """The currency of all amounts, if it is known."""
        named = self.table["currency"].iloc[0]
        return None if pd.isna(named) else str(named)

    @property
    def treated(self) -> pd.DataFrame:
        """The rows of those who get their offer."""
        return self.table[self.table["arm"] == "offer"]

    @cached_property
    def promise(self) -> Promise:
        """What the offers made should bring together, and how sure that is."""
        intended = self.assignment
        treated = np.where(intended.held_out, NONE, intended.offer)
        found = self.choices
        return Promise.of(found.prospects, self.campaign.catalogue, treated, found.doubts)

    def by_offer(self) -> pd.DataFrame:
        """One row per intended offer: customers by arm, and what those who get it cost and bring.

        Columns offered, held_out, explored, expected_uplift (mean), expected_cost,
        expected_profit (totals), evidence.
        """
        intended = self.table[self.table["intended_offer"] != NO_OFFER]
        gets = intended["arm"] == "offer"
        money = {c: intended[c].where(gets, 0.0) for c in ("expected_cost", "expected_profit")}
        counted = intended.assign(offered=gets, held_out=~gets, **money)
        return counted.groupby("intended_offer").agg(
            offered=("offered", "sum"),
            held_out=("held_out", "sum"),
            explored=("explored", "sum"),
            expected_uplift=("expected_uplift", "mean"),
            expected_cost=("expected_cost", "sum"),
            expected_profit=("expected_profit", "sum"),
            evidence=("evidence", "first"),
        )

    def nothing(self) -> dict[str, int]:
        """Why eligible customers get nothing, and how many of them."""
        idle = self.table.loc[self.table["arm"] == "none", "reason"]
        return {str(reason): int(count) for reason, count in idle.value_counts().items()}

    def budget_curve(self) -> BudgetCurve:
        """What other budgets would bring, without exploring or holding anybody out."""
        found, most = self.choices, self.campaign.catalogue.capacities
        return budget_curve(found.profit, found.prospects.cost, most)

    def trade_off(self) -> pd.DataFrame:
        """Whom contacting customers by risk reaches, against contacting them by profit."""
        found = self.choices.prospects
        profit = found.profit.where(self.choices.allowed, -np.inf).to_numpy()
        best = profit.argmax(axis=1)
        rows = np.flatnonzero(np.isfinite(profit.max(axis=1)))
        gain, cost = profit[np.arange(len(best)), best], of_intended(found.cost, best)
        risk, worth = self.churn_risk.to_numpy(), found.clv_if_active.to_numpy()
        return trade_off(risk[rows], worth[rows], gain[rows], cost[rows], TRADED)


def plan_table(
    customers: Customers, choices: Choices, campaign: Campaign, worth: Definition
) -> tuple[pd.DataFrame, Assignment]:
    """Choose at most one offer for every customer, for the most profit under a budget.

    Parameters
    ----------
    customers : Customers
    choices : Choices
        Of the same customers in the same order.
    campaign : Campaign
    worth : Definition
        Of the CLV model: its margin and currency.

    Returns
    -------
    table : pandas.DataFrame
        Columns `plan_table.COLUMNS`.
    assignment : Assignment
        Rows as in `customers`.
    """
    assignment = intend(choices.profit, choices.prospects.cost, campaign)
    table = _rows(customers, choices, campaign.catalogue, assignment).assign(
        campaign_id=campaign.campaign_id, margin_rate=worth.margin_rate, currency=worth.currency
    )
    order = ["expected_profit", "customer_id"]
    table = table.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)
    return table[list(COLUMNS)], assignment


def _rows(
    customers: Customers, choices: Choices, catalogue: OfferCatalogue, assignment: Assignment
) -> pd.DataFrame:
    found, offer, scores = choices.prospects, assignment.offer, customers.scores
    intended = np.array([*catalogue.ids, NO_OFFER], dtype=object)[offer]
    known = ("customer_id", "as_of", "horizon_days", "churn_risk", "clv_if_active")
    return pd.DataFrame(
        {
            **{name: scores[name].to_numpy() for name in known},
            "intended_offer": intended,
            "arm": np.select([offer == NONE, assignment.held_out], ["none", "holdout"], "offer"),
            "explored": assignment.explored,
            "propensity": assignment.propensity,
            "expected_uplift": of_intended(found.uplift, offer),
            "expected_cost": of_intended(found.cost, offer),
            "expected_profit": of_intended(found.profit, offer),
            "reason": _reasons(customers, choices, catalogue, intended),
            "evidence": _by_offer(list(found.evidence.values()), offer),
            "kind": _by_offer([o.kind for o in catalogue], offer),
            "upfront_cost": np.array([*(o.upfront_cost for o in catalogue), 0.0])[offer],
        }
    )


def of_intended(values: pd.DataFrame, offer: Choice) -> FloatArray:
    """The value of everybody's intended offer, 0 where there is none; shape (customers,)."""
    picked = values.to_numpy()[np.arange(len(offer)), np.maximum(offer, 0)]
    return np.asarray(np.where(offer == NONE, 0.0, picked))


def _by_offer(texts: list[str], offer: Choice) -> NDArray[np.object_]:
    return np.array([*texts, None], dtype=object)[offer]


def _reasons(
    customers: Customers, choices: Choices, catalogue: OfferCatalogue, intended: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Why the intended offer, or why none."""
    said = offer_reasons(catalogue, customers.scores, customers.table, intended)
    may, pays = choices.allowed.to_numpy(), choices.profit.to_numpy() > 0
    why_none = np.select(
        [~may.any(axis=1), ~pays.any(axis=1)], [HARMED, NOTHING_PAYS], OTHERS_FIRST
    )
    return np.where(intended == NO_OFFER, why_none, said.to_numpy(dtype=object))
