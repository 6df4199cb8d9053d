"""The JSON documents of the commands that deal with offers; docs/cli.md tells every key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from features.clock import as_instant
from offers.catalogue.verdicts import VERDICTS
from offers.planning.advice import next_step
from offers.planning.power import CampaignPower

if TYPE_CHECKING:
    from offers.planning.curves import BudgetCurve
    from offers.planning.plan import Plan
    from training.uplift.pipeline import UpliftTraining


def uplift_document(training: UpliftTraining) -> dict[str, Any]:
    """What was learnt from the offers that were logged: `holdfast uplift --json`."""
    model, learnt_from = training.scorer.model, training.assignments
    terms = training.scorer.definition
    return {
        "run_id": training.run_id,
        "name": training.version.name,
        "version": training.version.version,
        "as_of": as_instant(terms.trained_as_of),
        "horizon_days": terms.horizon_days,
        "assignments": len(learnt_from),
        "left_out": [{"reason": why, "rows": n} for why, n in learnt_from.left_out.items()],
        "learner": model.learner_,
        "propensity_source": model.propensity_source_,
        "offers": [
            {"offer": offer, "evidence": "experiment" if tested else "prior"}
            for offer, tested in model.tested_.items()
        ],
        "overlap": _rows(model.overlap_.reset_index()),
        "learners": _rows(model.candidates_),
        "effects": _rows(model.effects_),
        "metrics": _rows(training.metrics),
        "policies": _rows(training.policies),
    }


def plan_document(made: Plan, curve: BudgetCurve) -> dict[str, Any]:
    """What a plan chose, expects and left out; one row per eligible customer is in the file."""
    table, campaign, best = made.table, made.campaign, made.assignment.allocation
    first, treated = table.iloc[0], made.treated
    power = CampaignPower.of(table)
    return {
        "campaign_id": campaign.campaign_id,
        "as_of": first["as_of"].isoformat(),
        "horizon_days": first["horizon_days"],
        "currency": first["currency"],
        "budget": campaign.budget,
        "holdout": campaign.holdout,
        "explore": campaign.explore,
        "explored_share": made.assignment.explored_share,
        "eligible": len(table),
        "offered": len(treated),
        "held_out": int((table["arm"] == "holdout").sum()),
        "expected_cost": treated["expected_cost"].sum(),
        "expected_profit": treated["expected_profit"].sum(),
        "expected_profit_low": made.promise.low,
        "expected_profit_high": made.promise.high,
        "observations": made.promise.observations,
        "expected_kept": treated["expected_uplift"].sum(),
        "optimality_gap": best.gap,
        "price": best.price,
        "power": {
            "rate": power.rate,
            "detectable": power.detectable,
            "expected": power.expected,
            "hold_out": power.hold_out,
        },
        "next_step": next_step(made),
        "offers": _rows(made.by_offer().reset_index(names="offer")),
        "budget_curve": {
            "points": _rows(pd.concat([curve.points, curve.beyond])),
            "enough": curve.enough,
        },
        "trade_off": _rows(made.trade_off()),
        "nothing": [{"reason": why, "customers": n} for why, n in made.nothing().items()],
        "not_eligible": [
            {"reason": name, "customers": int(count), "meaning": VERDICTS[str(name)]}
            for name, count in made.eligibility.by_customer().items()
            if count and name != "eligible"
        ],
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
