"""The demo's campaign: learn from the pilot, plan under a budget, run it in the shop, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.agreement import many
from features.schema import NO_OFFER
from holdfast import files
from holdfast.commands import demo_shop
from holdfast.render import output

if TYPE_CHECKING:
    from features.history.history import History
    from offers.planning.plan import Plan
    from training.registry.tracking import Tracker

DISCOUNT_OFFER = "discount_10"
# In euros: for about a tenth of the shop's customers.
BUDGET, CAMPAIGN = 1500.0, "autumn"
OFFERS, PLAN = demo_shop.PLACE / "offers.toml", demo_shop.PLACE / "plan.csv"
CURVE = demo_shop.PLACE / "budget_curve.png"
CATALOGUE = """\
# What the shop tried in its pilot. docs/offers.md explains every key.

[offers.discount_10]
kind = "discount"
cost_share = 0.1

[offers.service_recovery]
kind = "service_recovery"
fixed_cost = 8
addresses = ["negative_feedback"]

[offers.points]
kind = "points"
fixed_cost = 2
"""


def run_campaign(shop: Path, tracker: Tracker) -> None:
    """Show what follows from scores: offers that are worth making, and whether they were."""
    from features.history.history import History

    history = History.open(shop)
    demo_shop.heading("5. Learn what offers change, from the pilot")
    _learn(history, tracker)
    demo_shop.heading("6. Plan a campaign under a budget")
    made = _plan(history, tracker)
    demo_shop.heading("7. Run it in the simulated shop, and measure")
    _measure(shop, made)


def _learn(history: History, tracker: Tracker) -> None:
    from holdfast.render.offer_tables import print_uplift
    from training.uplift.pipeline import train_uplift

    days, _ = demo_shop.CONFIG.horizons
    with output.progress() as tell:
        training = train_uplift(history, demo_shop.AS_OF, days, tracker, tell)
    print_uplift(training)


def _plan(history: History, tracker: Tracker) -> Plan:
    from holdfast.render.offer_tables import print_budget, print_examples, print_plan
    from offers.catalogue.catalogue import OfferCatalogue
    from offers.planning.advice import notes
    from offers.planning.campaign import Campaign
    from offers.planning.figures import budget_figure
    from offers.planning.models import models_for
    from offers.planning.planning import plan_campaign

    OFFERS.write_text(CATALOGUE, encoding="utf-8")
    with output.progress() as tell:
        models, _ = models_for(tracker, history)
        terms = Campaign(CAMPAIGN, OfferCatalogue.read(OFFERS), BUDGET)
        made = plan_campaign(history, demo_shop.AS_OF, models, terms, tell)
        curve = made.budget_curve()
    files.write_table(made.table, PLAN)
    output.warnings(notes(made))
    print_plan(made)
    print_examples(made)
    print_budget(curve, made.currency)
    figure = budget_figure(curve, made.currency or "shop currency")
    figure.with_subtitle(
        "simulated shop",
        f"{many(len(made.table), 'customer')} at {demo_shop.AS_OF}",
        "offers " + ", ".join(sorted(made.treated["intended_offer"].unique())),
    ).savefig(CURVE)
    output.line(f"The plan is in {PLAN}, the budget curve in {CURVE}")
    return made


def _measure(shop: Path, made: Plan) -> None:
    from features.history.history import History
    from holdfast.render.measured_tables import print_measured, print_verdict
    from offers.measurement.experiment import measure, offer_rows
    from simulation import simulate

    size = (demo_shop.CUSTOMERS, demo_shop.DAYS, demo_shop.SEED)
    with output.progress() as tell:
        tell("running the campaign")
        run = simulate(*size, campaign=offer_rows(made.table))
        run.write(shop)
        tell("measuring")
        table = files.read_table("--plan", PLAN)
        result = measure(History.open(shop), table, demo_shop.END)
    print_verdict(result)
    output.warnings(list(result.notes))
    print_measured(result)
    if run.campaign is not None:
        output.paragraph(true_words(run.campaign.to_pandas(), made))


def true_words(campaign: pd.DataFrame, made: Plan) -> str:
    """What the offers made changed in truth, in points and in money.

    The points are those of the true chances. The money is of what these customers did with their
    offer less what the same customers would have done without, by the plan's own margin.

    Parameters
    ----------
    campaign : pandas.DataFrame
        `SimulatedShop.campaign`.
    made : Plan
    """
    treated = campaign[campaign["offer_id"] != NO_OFFER]
    points = 100 * float((treated["p_given"] - treated["p_none"]).mean())
    margin = float(made.table["margin_rate"].iloc[0])
    cost = treated["cost"].fillna(0.0)
    # A discount has lowered the spend already.
    in_spend = cost.where(treated["offer_id"] == DISCOUNT_OFFER, 0.0)
    more = float((treated["spend_given"] - treated["spend_none"] + in_spend).sum())
    money = f" {made.currency}" if made.currency else ""
    profit = margin * more - float(cost.sum())
    return (
        f"The truth, which only a simulated shop knows: {points:+.1f} points of retention on "
        f"average over the customers treated, and {profit:+,.0f}{money} of profit: "
        f"{margin * more:,.0f} of margin on what they bought more, less {cost.sum():,.0f} of cost. "
        f"The plan expected {made.treated['expected_profit'].sum():,.0f}"
    )
