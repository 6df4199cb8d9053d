"""What to say of a plan beside its figures: what is odd, what it can show, what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from features.agreement import many
from features.schema import NO_OFFER
from offers.planning.campaign import MOST_EXPLORED
from offers.planning.plan import Plan
from offers.planning.power import CampaignPower, customers_to_see, detectable_effect
from offers.planning.prospects import PRIOR

# Held out of a pilot: nothing tells more of so many customers.
HALF = 0.5
# With fewer there is no interval when the campaign is measured.
FEWEST_IN_ARM = 20
# An effect of less is 0.0 points.
SHOWN_EFFECT = 0.0005
# Less of a share is rounding.
HAIR = 1e-9


@dataclass(frozen=True)
class PilotTerms:
    """A pilot of the offers that nobody has tried: whom, for how much, and what it can show.

    Attributes
    ----------
    customers : int
        Who get a random offer or are held out of one, half of them each: enough to show what would
        pay or what the priors believe in, whichever is more, as far as there are customers.
    budget : float
        That `holdfast plan` needs for them, exploring as much as it may: half of it is theirs.
    detectable : float
        The least effect of one offer that it shows four times in five.
    pays_from : float
        The effect at which the mean offer brings what it costs.
    believed : float
        Mean uplift by the priors.
    """

    customers: int
    budget: float
    detectable: float
    pays_from: float
    believed: float

    @classmethod
    def of(cls, made: Plan) -> Self | None:
        """The pilot that a plan's customers allow; None if every offer was tried."""
        found, allowed = made.choices.prospects, made.choices.allowed
        untried = [o for o, evidence in found.evidence.items() if evidence == PRIOR]
        untried = [o for o in untried if allowed[o].any()]
        if not untried:
            return None
        rate, worth = float(1.0 - made.churn_risk.mean()), found.clv_if_active
        believed = [float(found.uplift[o][allowed[o]].mean()) for o in untried]
        pays = [_mean_ratio(found.cost[o][allowed[o]], worth[allowed[o]]) for o in untried]
        wanted = sum(_enough(max(two), rate) for two in zip(believed, pays, strict=True))
        most = MOST_EXPLORED * len(allowed)
        customers = int(max(min(wanted, most), 1))
        arm = customers * HALF / len(untried)
        cost = float(found.cost.where(allowed).mean(axis=1).sum())
        return cls(
            customers=customers,
            budget=float(math.ceil(HALF * cost * customers / most)),
            detectable=detectable_effect(arm, arm, rate),
            pays_from=float(np.mean(pays)),
            believed=float(np.mean(believed)),
        )


def _enough(effect: float, rate: float) -> int:
    fewest = 2 * FEWEST_IN_ARM
    return max(customers_to_see(effect, rate), fewest) if effect > 0 else fewest


def _mean_ratio(cost: pd.Series, worth: pd.Series) -> float:
    return float(cost.mean() / worth.mean()) if worth.mean() > 0 else 1.0


def notes(made: Plan) -> list[str]:
    """Say what a reader of a plan must know: offers unknown to the history, cuts, nobody chosen."""
    return [*_never_tried(made), *_exploration_cut(made), *_nobody(made)]


def _never_tried(made: Plan) -> Iterator[str]:
    new = [o for o in made.campaign.catalogue.ids if o not in made.tried]
    if new and made.tried:
        were = "was" if len(new) == 1 else "were"
        yield (
            f"{_list(new)} {were} never tried in the history, which has {_list(made.tried)}: what "
            "was never tried goes by its prior. If it is one of these under another id, write the "
            "id in the offers file as the history has it."
        )


def _exploration_cut(made: Plan) -> Iterator[str]:
    asked, got = made.campaign.explore, made.assignment.explored_share
    pilot = PilotTerms.of(made)
    if got < asked - HAIR and not (pilot and _is_pilot(made, pilot)):
        limited = bool(np.isfinite(made.campaign.catalogue.capacities).any())
        limit = "the budget or the capacity of an offer" if limited else "the budget"
        yield (
            f"exploration is cut by {limit}: {asked:.1%} of it reaches {got:.1%} of the customers, "
            f"where {asked:.1%} were to get a random offer. A larger --budget explores more."
        )


def _nobody(made: Plan) -> Iterator[str]:
    if made.treated.empty:
        reasons = {**made.nothing(), "held out": int((made.table["arm"] == "holdout").sum())}
        why = (f"{reason}, {many(count, 'customer')}" for reason, count in reasons.items() if count)
        yield f"nobody gets an offer: {'; '.join(why)}."


def power_words(power: CampaignPower) -> str:
    """Say how many are held out, what the campaign can show with them, and what it would take."""
    if not power.customers:
        return "Held out: nobody, for no offer is intended; this campaign can show nothing"
    whom = f"{power.held_out:,} of {many(power.customers, 'customer')} with an offer intended"
    if math.isinf(power.detectable):
        shows = "this campaign can show nothing"
    else:
        shows = f"this campaign can show effects from {_points(power.detectable)} upwards"
    return f"Held out: {whom}; {shows}{_to_see(power)}"


def _to_see(power: CampaignPower) -> str:
    if not power.expected >= SHOWN_EFFECT:
        return ""
    if power.detectable <= power.expected:
        return f", and {_points(power.expected)} are expected"
    wanted = power.hold_out
    if wanted is not None:
        share = math.ceil(100 * wanted / power.customers) / 100
        return (
            f"; hold out {wanted:,} (--holdout {share:g}) to see the {_points(power.expected)} "
            "that are expected"
        )
    least = customers_to_see(power.expected, power.rate)
    return (
        f"; the {_points(power.expected)} that are expected would take "
        f"{many(least, 'customer')}, half of them held out"
    )


def next_step(made: Plan) -> str:
    """Say in one line what to do next: a pilot of how many for how long, or what follows a plan."""
    first = made.table.iloc[0]
    days = int(first["horizon_days"])
    intended = made.table[made.table["intended_offer"] != NO_OFFER]
    pilot = PilotTerms.of(made)
    by_prior = bool((intended["evidence"] == PRIOR).all())
    if pilot is not None and by_prior and not _is_pilot(made, pilot):
        return _pilot_words(pilot, days)
    if made.treated.empty:
        return (
            "other offers or cheaper ones: by what is known none of these brings more than it costs"
        )
    ends = first["as_of"] + np.timedelta64(days, "D")
    return (
        "make the offers, add their rows (--log) to the offers of the history, and after "
        f"{ends:%Y-%m-%d} run holdfast measure, and holdfast uplift to learn from them"
    )


def _is_pilot(made: Plan, pilot: PilotTerms) -> bool:
    """Whether the plan is itself such a pilot, with somebody who gets an offer."""
    explored = made.assignment.explored_share * len(made.table)
    is_large = explored >= pilot.customers * (1 - HAIR)
    return is_large and made.campaign.holdout >= HALF and not made.treated.empty


def _pilot_words(pilot: PilotTerms, days: int) -> str:
    return (
        f"a pilot of {many(pilot.customers, 'customer')} for {days} days, half of them held out "
        f"(--explore {MOST_EXPLORED:g} --holdout {HALF:g} --budget {pilot.budget:.0f}), then "
        f"holdfast uplift. It can show effects from {_points(pilot.detectable)} upwards; they pay "
        f"from {_points(pilot.pays_from)}, and the priors believe in {_points(pilot.believed)}"
    )


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _list(ids: list[str] | tuple[str, ...]) -> str:
    return ", ".join(ids)
