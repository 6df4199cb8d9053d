"""Plans and uplift as a terminal shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from holdfast.render import output
from holdfast.render.model_tables import add, table_of
from offers.catalogue.verdicts import VERDICTS
from training.uplift.policies import BEST_OFFER

if TYPE_CHECKING:
    from offers.planning.curves import BudgetCurve
    from offers.planning.plan import Plan
    from training.uplift.pipeline import UpliftTraining

# Customers of a plan on the screen.
SHOWN = 5
# Lines of the budget curve on the screen.
STEPS = 5


def print_uplift(training: UpliftTraining) -> None:
    """Print what the offers that were tried changed, for whom, and what that is worth."""
    model, learnt_from = training.scorer.model, training.assignments
    output.paragraph(
        f"Learnt from {len(learnt_from):,} assignments, orders within "
        f"{training.scorer.definition.horizon_days} days; learner {model.learner_}; propensities "
        f"{model.propensity_source_}"
    )
    for why, rows in learnt_from.left_out.items():
        output.line(f"left out, {rows:,} assignments: {why}", indent=2)
    if untested := [offer for offer, tested in model.tested_.items() if not tested]:
        output.line(f"too little evidence, so the prior holds: {', '.join(untested)}")
    _print_effects(model.effects_)
    policies = training.policies
    several = policies[policies["offer"] == BEST_OFFER]
    _print_policies(policies if several.empty else several)
    version = training.version
    output.line(f"{version.name} version {version.version} is champion")


def _print_effects(effects: pd.DataFrame) -> None:
    table = table_of(["offer"], ["group", "customers", "predicted", "effect", "95% interval"])
    table.add_column("")
    for row in effects.to_dict("records"):
        points = {name: f"{100 * row[name]:+.1f}" for name in ("predicted", "effect")}
        interval = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}"
        said = "helps" if row["low"] > 0 else "harms: left alone" if row["high"] < 0 else ""
        counts = [str(row["group"]), f"{row['customers']:,}"]
        add(table, [row["offer"], *counts, *points.values(), interval, said])
    output.line("Effects by group of predicted uplift, points of P(any order)", "bold")
    output.stdout().print(table)


def _print_policies(policies: pd.DataFrame) -> None:
    table = table_of(["offer", "policy"], ["share", "ordering", "uplift is ahead", "95% interval"])
    for row in policies.to_dict("records"):
        ahead = f"{100 * row['uplift_ahead']:+.1f}"
        interval = f"{100 * row['ahead_low']:+.1f} to {100 * row['ahead_high']:+.1f}"
        of_itself = row["policy"] == "uplift"
        figures = [f"{row['share']:.0%}", f"{row['value']:.1%}"]
        figures += ["", ""] if of_itself else [ahead, interval]
        add(table, [row["offer"], str(row["policy"]).replace("_", " "), *figures])
    output.line("Whom to offer: customers who order, out of fold, in percent", "bold")
    output.stdout().print(table)


def print_plan(made: Plan) -> None:
    """Print what a plan chose, what it should cost and bring, and who is left out."""
    first, treated = made.table.iloc[0], made.treated
    money = f", {first['currency']}" if first["currency"] else ""
    table = table_of(
        ["offer", "evidence"],
        ["offered", "held out", "explored", "uplift", f"cost{money}", f"profit{money}"],
    )
    for offer, row in made.by_offer().iterrows():
        counts = [f"{row[name]:,}" for name in ("offered", "held_out", "explored")]
        figures = [f"{100 * row['expected_uplift']:+.1f} points"]
        figures += [f"{row[name]:,.0f}" for name in ("expected_cost", "expected_profit")]
        add(table, [offer, row["evidence"], *counts, *figures])
    nothing = (made.table["arm"] == "none").sum()
    output.line(f"Campaign {made.campaign.campaign_id}: what is intended", "bold")
    output.stdout().print(table)
    output.paragraph(
        f"Expected of the {len(treated):,} offers made: cost {treated['expected_cost'].sum():,.0f} "
        f"of a budget of {made.campaign.budget:,.0f}{money}; profit "
        f"{treated['expected_profit'].sum():,.0f}; {treated['expected_uplift'].sum():,.0f} more "
        "customers who order"
    )
    best = made.assignment.allocation
    output.paragraph(
        f"{nothing:,} eligible customers get nothing; one more unit of the budget would bring "
        f"{best.price:.2f}; no choice brings over {best.gap:.2%} more"
    )
    for name, count in made.eligibility.by_customer().items():
        if count and name != "eligible":
            output.line(f"not eligible, {count:,} customers: {VERDICTS[str(name)]}", indent=2)


def print_examples(made: Plan) -> None:
    """Print the first customers of a plan."""
    table = table_of(["customer", "offer"], ["risk", "uplift", "profit"])
    table.add_column("why")
    for _, row in made.treated.head(SHOWN).iterrows():
        figures = [f"{row['churn_risk']:.0%}", f"{100 * row['expected_uplift']:+.1f} points"]
        figures.append(f"{row['expected_profit']:,.2f}")
        add(table, [row["customer_id"], row["intended_offer"], *figures, row["reason"]])
    output.stdout().print(table)


def print_budget(curve: BudgetCurve, currency: str | None) -> None:
    """Print what other budgets would bring."""
    money = f", {currency}" if currency else ""
    table = table_of([], [f"spent{money}", "offers", f"profit{money}", "of one more"])
    for points in (curve.points.iloc[1 :: len(curve.points) // STEPS or 1], curve.beyond.iloc[-1:]):
        for row in points.to_dict("records"):
            figures = [f"{row[name]:,.0f}" for name in ("spend", "customers", "profit")]
            add(table, [*figures, f"{row['price']:+.2f}"])
    output.line("What a budget brings, priors at their cautious rate", "bold")
    output.stdout().print(table)
    output.line(f"From {curve.enough:,.0f}{money} on more money brings nothing, or loses")


def print_trade_off(found: pd.DataFrame, currency: str | None) -> None:
    """Print whom contacting by risk reaches, against contacting by expected profit."""
    money = f", {currency}" if currency else ""
    numbers = ["contacted", "churners reached", f"cost of the loyal{money}", f"profit{money}"]
    table = table_of(["first"], numbers)
    for row in found.to_dict("records"):
        figures = [f"{row['customers']:,}", f"{row['churners_reached']:.0%}"]
        figures += [f"{row[name]:,.0f}" for name in ("cost_of_loyal", "profit")]
        add(table, [str(row["order"]).replace("_", " "), *figures])
    output.line("Churners reached against loyal customers contacted needlessly", "bold")
    output.stdout().print(table)
