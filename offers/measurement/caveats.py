"""What a reader of a campaign's results must know before believing them, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from features.agreement import many
from offers.measurement.comparison import FEWEST
from offers.measurement.window import Window
from offers.planning.plan_table import TOTAL

# Of one customer or offer, and of several.
DEPARTURES = {
    "planned_not_made": (
        "planned offer was not made, as the history says; the customer counts as treated, which is "
        "how they were drawn",
        "planned offers were not made, as the history says; these customers count as treated, "
        "which is how they were drawn",
    ),
    "made_to_held_out": (
        "customer held out got an offer all the same and counts as held out; the differences come "
        "out too small",
        "customers held out got an offer all the same and count as held out; the differences come "
        "out too small",
    ),
    "made_otherwise": (
        "customer got an offer of the campaign that the plan does not have",
        "customers got an offer of the campaign that the plan does not have",
    ),
    "unknown_customers": (
        "customer of the plan has no order before it in the history and is left out",
        "customers of the plan have no order before it in the history and are left out",
    ),
}


def caveats(window: Window, groups: pd.DataFrame, departures: dict[str, int]) -> Iterator[str]:
    """Say what limits the results, the gravest first.

    Parameters
    ----------
    groups : pandas.DataFrame
        As in `Measurement`.
    departures : dict of str to int
        As in `Measurement`.
    """
    mismatched = groups.loc[groups["mismatch"], "intended_offer"]
    if len(mismatched):
        yield (
            f"Sample ratio mismatch: {_list(mismatched)}. Customers went missing in one arm more "
            "than in the other, so no difference can be trusted. Find out why first."
        )
    if window.is_interim:
        yield (
            f"Interim: {window.days:.1f} of {window.horizon_days} days. Costs are those of the "
            "whole window where they are expected ones, and an interval holds for one look only: "
            "do not stop a campaign by it."
        )
    few = groups[groups[["treated", "held_out"]].min(axis=1) < FEWEST]["intended_offer"]
    if len(few):
        yield (
            f"Too few for an interval: {_list(few)}. It takes {FEWEST} customers treated and "
            f"{FEWEST} held out; the total counts such offers together, or without them."
        )
    expected = groups.loc[~groups["cost_recorded"], "intended_offer"]
    if len(expected):
        yield f"Costs are the plan's expected ones, none are recorded: {_list(expected)}."
    for name, (singular, plural) in DEPARTURES.items():
        if count := departures[name]:
            yield f"{many(count, singular, plural)}."


def _list(offers: pd.Series) -> str:
    named = [str(offer) for offer in offers if offer != TOTAL]
    return ", ".join(named or [TOTAL])
