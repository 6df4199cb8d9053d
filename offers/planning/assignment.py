"""Intentions: who is meant to get which offer, by choice or at random, and who is held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from offers.allocation.allocation import Allocation, allocate
from offers.allocation.dual import TINY
from offers.allocation.problem import NONE, Choice
from offers.planning.campaign import Campaign
from offers.planning.randomisation import draw
from training.evaluation import FloatArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Exploration:
    """Which customers get a random offer.

    Attributes
    ----------
    share : float
        Probability of being explored, the same for every customer.
    offer : numpy.ndarray of int, shape (customers,)
        Column of the random offer, -1 where a customer is not explored.
    chance : numpy.ndarray, shape (customers, offers)
        Probability that the random offer is this one, were the customer explored.
    """

    share: float
    offer: Choice
    chance: FloatArray


@dataclass(frozen=True)
class Assignment:
    """What is meant for every customer, and how probable it was.

    Attributes
    ----------
    offer : numpy.ndarray of int, shape (customers,)
        Column of the intended offer, -1 for none.
    explored, held_out : numpy.ndarray of bool, shape (customers,)
    propensity : numpy.ndarray, shape (customers,)
        Probability of what the customer gets: of the offer, or of none.
    allocation : Allocation
        What is best for everybody, exploration aside.
    explored_share : float
    """

    offer: Choice
    explored: Flags
    held_out: Flags
    propensity: FloatArray
    allocation: Allocation
    explored_share: float


def intend(profit: pd.DataFrame, cost: pd.DataFrame, campaign: Campaign) -> Assignment:
    """Explore some customers, choose for the others, and hold a share of both out.

    The random offers are drawn first and paid from the budget. The allocation then runs over
    everybody, so that it is known also for the explored what they would have got. Propensities are
    those of the draws, the allocation given; that places or money left would be others with other
    draws is left out. The budget counts the expected cost of the treated.

    Parameters
    ----------
    profit : pandas.DataFrame, shape (customers, offers)
        Index `customer_id`; NaN where an offer may not be made.
    cost : pandas.DataFrame, shape (customers, offers)
    campaign : Campaign
        Its catalogue has the offers in the order of the columns.
    """
    capacity = campaign.catalogue.capacities
    allowed = profit.notna().to_numpy() & (capacity >= 1)
    random = _explore(profit.index, allowed, cost.to_numpy(), campaign)
    is_explored = random.offer != NONE
    rows = np.flatnonzero(is_explored)
    spent = float(cost.to_numpy()[rows, random.offer[rows]].sum())
    places = capacity - np.bincount(random.offer[rows], minlength=len(capacity))
    treated = 1.0 - campaign.holdout
    left = max(campaign.budget / treated - spent, 0.0) / (1.0 - random.share)
    best = allocate(profit, cost, left, places)
    chosen = _within(campaign.budget / treated - spent, best.offer, ~is_explored, profit, cost)
    offer = np.where(is_explored, random.offer, chosen)
    held_out = (offer != NONE) & (draw_for(campaign, "holdout", profit.index) < campaign.holdout)
    return Assignment(
        offer=offer,
        explored=is_explored,
        held_out=held_out,
        propensity=_propensity(offer, held_out, chosen, random, treated),
        allocation=best,
        explored_share=random.share,
    )


def _within(
    money: float, offer: Choice, counted: Flags, profit: pd.DataFrame, cost: pd.DataFrame
) -> Choice:
    """The choice without what brings least for its cost, so far as those counted exceed the money.

    The allocation runs over the explored too, whose share of it is known only on average.
    """
    rows = np.flatnonzero((offer != NONE) & counted)
    price, gain = (values.to_numpy()[rows, offer[rows]] for values in (cost, profit))
    worst = np.argsort(gain / np.maximum(price, TINY), kind="stable")
    excess = price.sum() - max(money, 0.0)
    if excess <= TINY * max(money, 1.0):
        return offer
    dropped = rows[worst[: int(np.searchsorted(np.cumsum(price[worst]), excess)) + 1]]
    kept = offer.copy()
    kept[dropped] = NONE
    return kept


def draw_for(campaign: Campaign, purpose: str, customers: pd.Index) -> FloatArray:
    """The draws of a campaign's customers, shape (customers,)."""
    return draw(campaign.campaign_id, purpose, customers)


def _explore(
    customers: pd.Index, allowed: Flags, cost: FloatArray, campaign: Campaign
) -> Exploration:
    """Draw who gets a random offer, and which; the last drawn lose theirs if places run out."""
    choices = allowed.sum(axis=1)
    chance = allowed / np.maximum(choices, 1)[:, None]
    share = campaign.explore * _affordable(chance, cost, campaign)
    luck = draw_for(campaign, "explore", customers)
    nth = np.floor(draw_for(campaign, "offer", customers) * choices).astype(np.int64)
    offer = (allowed.cumsum(axis=1) > nth[:, None]).argmax(axis=1)
    offer[(luck >= share) | (choices == 0)] = NONE
    for column, places in enumerate(campaign.catalogue.capacities):
        takers = np.flatnonzero(offer == column)
        if len(takers) > places:
            offer[takers[np.argsort(luck[takers], kind="stable")[int(places) :]]] = NONE
    return Exploration(share, offer, chance)


def _affordable(chance: FloatArray, cost: FloatArray, campaign: Campaign) -> float:
    """How much of the exploration its share of the budget and of the places pays for, up to 1."""
    treated = 1.0 - campaign.holdout
    money = treated * float(np.where(chance > 0, chance * cost, 0.0).sum())
    uses, capacity = chance.sum(axis=0), campaign.catalogue.capacities
    shares = [1.0, campaign.budget / money if money > 0 else 1.0]
    shares += [most / use for most, use in zip(capacity, uses, strict=True) if use > 0]
    return float(min(shares))


def _propensity(
    offer: Choice, held_out: Flags, best: Choice, random: Exploration, treated: float
) -> FloatArray:
    rows = np.arange(len(offer))
    chosen = (1.0 - random.share) * (best == offer)
    drawn = random.share * random.chance[rows, np.maximum(offer, 0)]
    of_offer = treated * (chosen + drawn)
    any_offer = (1.0 - random.share) * (best != NONE) + random.share * random.chance.sum(axis=1)
    of_none = 1.0 - treated * any_offer
    return np.asarray(np.where((offer != NONE) & ~held_out, of_offer, of_none))
