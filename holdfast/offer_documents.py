"""The JSON documents of the commands that deal with offers; docs/cli.md tells every key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from features.clock import as_instant
from offers.verdicts import VERDICTS

if TYPE_CHECKING:
    from offers.curves import BudgetCurve
    from offers.experiment import Measurement
    from offers.plan import Plan


def plan_document(made: Plan, curve: BudgetCurve) -> dict[str, Any]:
    """What a plan chose, expects and left out; one row per eligible customer is in the file."""
    table, campaign, best = made.table, made.campaign, made.intention.allocation
    first, treated = table.iloc[0], made.treated
    return {
        "campaign_id": campaign.campaign_id,
        "as_of": first["as_of"].isoformat(),
        "horizon_days": first["horizon_days"],
        "currency": first["currency"],
        "budget": campaign.budget,
        "holdout": campaign.holdout,
        "explore": campaign.explore,
        "explored_share": made.intention.explored_share,
        "eligible": len(table),
        "offered": len(treated),
        "held_out": int((table["arm"] == "holdout").sum()),
        "expected_cost": treated["expected_cost"].sum(),
        "expected_profit": treated["expected_profit"].sum(),
        "expected_kept": treated["expected_uplift"].sum(),
        "optimality_gap": best.gap,
        "price": best.price,
        "offers": _rows(made.by_offer().reset_index(names="offer")),
        "budget_curve": {
            "points": _rows(pd.concat([curve.points, curve.beyond])),
            "enough": curve.enough,
        },
        "trade_off": _rows(made.trade_off()),
        "not_eligible": [
            {"reason": name, "customers": int(count), "meaning": VERDICTS[str(name)]}
            for name, count in made.eligibility.by_customer().items()
            if count and name != "eligible"
        ],
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def measured_document(result: Measurement) -> dict[str, Any]:
    """What a campaign brought: `holdfast measure --json`."""
    window = result.window
    effects = result.effects.groupby("intended_offer", sort=False)
    by_offer = {str(o): rows.drop(columns="intended_offer") for o, rows in effects}
    return {
        "campaign_id": result.campaign_id,
        "currency": result.currency,
        "starts": as_instant(window.start),
        "ends": as_instant(window.end),
        "horizon_days": window.horizon_days,
        "interim": window.is_interim,
        "offers": [
            {**row, "effects": _rows(by_offer[row["intended_offer"]])}
            for row in _rows(result.groups)
        ],
        "departures": result.departures,
        "warnings": list(result.notes),
    }
