"""Plans and uplift as a terminal shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from features.agreement import many
from holdfast.render import output
from holdfast.render.tables import add, table_of
from offers.catalogue.verdicts import VERDICTS
from offers.planning.advice import next_step, power_words
from offers.planning.power import CampaignPower
from training.uplift.policies import BEST_OFFER

if TYPE_CHECKING:
    from offers.planning.curves import BudgetCurve
    from offers.planning.plan import Plan
    from training.uplift.pipeline import UpliftTraining

# Customers of a plan on the screen.
SHOWN = 5
# Of the profit: a share below that is no reason to look for another choice.
WORTH_SAYING = 0.01
# Lines of the budget curve on the screen.
STEPS = 5


def print_uplift(training: UpliftTraining) -> None:
    """Print what the offers that were tried changed, for whom, and what that is worth."""
    model, learnt_from = training.scorer.model, training.assignments
    output.paragraph(
        f"Learnt from {many(len(learnt_from), 'assignment')}, orders within "
        f"{training.scorer.definition.horizon_days} days; learner {model.learner_}; propensities "
        f"{model.propensity_source_}"
    )
    for why, rows in learnt_from.left_out.items():
        output.line(f"left out, {many(rows, 'assignment')}: {why}", indent=2)
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
    output.line(f"Campaign {made.campaign.campaign_id}: what is intended", "bold")
    by_offer = made.by_offer()
    if not by_offer.empty:
        _print_intended(by_offer, made.currency)
    treated, money = made.treated, _unit(made.currency)
    kept = round(treated["expected_uplift"].sum())
    output.paragraph(
        f"Expected of the {many(len(treated), 'offer')} made: cost "
        f"{treated['expected_cost'].sum():,.0f} of a budget of {made.campaign.budget:,.0f}{money}; "
        f"profit {treated['expected_profit'].sum():,.0f}{money}; "
        f"{many(kept, 'more customer who orders', 'more customers who order')}"
    )
    output.paragraph(_promised(made))
    output.paragraph(power_words(CampaignPower.of(made.table)))
    if (better := made.assignment.allocation.gap) >= WORTH_SAYING:
        output.paragraph(f"Another choice could bring up to {better:.1%} more profit")
    for why, count in made.nothing().items():
        output.line(f"gets nothing, {many(count, 'customer')}: {why}", indent=2)
    for name, count in made.eligibility.by_customer().items():
        if count and name != "eligible":
            said = VERDICTS[str(name)]
            output.line(f"not eligible, {many(int(count), 'customer')}: {said}", indent=2)


def _print_intended(by_offer: pd.DataFrame, currency: str | None) -> None:
    money = _heading(currency)
    table = table_of(
        ["offer", "evidence"],
        ["offered", "held out", "explored", "uplift", f"cost{money}", f"profit{money}"],
    )
    for offer, row in by_offer.iterrows():
        counts = [f"{row[name]:,}" for name in ("offered", "held_out", "explored")]
        figures = [f"{100 * row['expected_uplift']:+.1f} points"]
        figures += [f"{row[name]:,.0f}" for name in ("expected_cost", "expected_profit")]
        add(table, [offer, row["evidence"], *counts, *figures])
    output.stdout().print(table)


def print_next_step(made: Plan) -> None:
    """Print what to do with a plan."""
    output.paragraph(f"What to do next: {next_step(made)}", "bold")


def _promised(made: Plan) -> str:
    """How sure a plan's profit is, in a sentence."""
    found = made.promise
    rests = (
        f"it rests on {many(found.observations, 'observation')} with an offer or without"
        if found.observations
        else "it rests on the priors of the offers file, on no observation"
    )
    money = _unit(made.currency)
    sure = (
        f"In 9 of 10 cases the profit is between {found.low:,.0f} and {found.high:,.0f}{money}; "
        f"{rests}"
    )
    return sure if found.low > 0 or not len(made.treated) else f"{sure}. It may well be a loss"


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
    if not curve.enough:
        output.line("No budget brings a profit with these offers, priors at their cautious rate")
        return
    money = _heading(currency)
    more = f"profit of one more {currency}" if currency else "profit of one more"
    table = table_of([], [f"spent{money}", "offers", f"profit{money}", more])
    for points in (curve.points.iloc[1 :: len(curve.points) // STEPS or 1], curve.beyond.iloc[-1:]):
        for row in points.to_dict("records"):
            figures = [f"{row[name]:,.0f}" for name in ("spend", "customers", "profit")]
            add(table, [*figures, f"{row['price']:+.2f}"])
    output.line("What a budget brings, priors at their cautious rate", "bold")
    output.stdout().print(table)
    output.line(f"From {curve.enough:,.0f}{_unit(currency)} on more money brings nothing, or loses")


def print_trade_off(found: pd.DataFrame, currency: str | None) -> None:
    """Print whom contacting by risk reaches, against contacting by expected profit."""
    money = _heading(currency)
    numbers = ["contacted", "churners reached", f"cost of the loyal{money}", f"profit{money}"]
    table = table_of(["first"], numbers)
    for row in found.to_dict("records"):
        figures = [f"{row['customers']:,}", f"{row['churners_reached']:.0%}"]
        figures += [f"{row[name]:,.0f}" for name in ("cost_of_loyal", "profit")]
        add(table, [str(row["order"]).replace("_", " "), *figures])
    output.line("Churners reached against loyal customers contacted needlessly", "bold")
    output.stdout().print(table)


def _heading(currency: str | None) -> str:
    """The currency in the heading of a column."""
    return f", {currency}" if currency else ""


def _unit(currency: str | None) -> str:
    """The currency behind an amount in a sentence."""
    return f" {currency}" if currency else ""
