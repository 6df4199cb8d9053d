"""A measured campaign as a terminal shows it: the verdict, who ordered, what it brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from holdfast.render import output
from holdfast.render.tables import add, table_of
from offers.planning.plan_table import TOTAL

if TYPE_CHECKING:
    from offers.measurement.experiment import Measurement

TOO_FEW = "too few to say"
# Factor and decimal places.
SHOWN_AS = {
    "retention": (100.0, 1),
    "net_spend": (1.0, 2),
    "cost": (1.0, 0),
    "incremental_profit": (1.0, 0),
    "return_on_spend": (1.0, 2),
}
MONEY = ("net_spend", "cost", "incremental_profit", "return_on_spend")


def print_verdict(result: Measurement) -> None:
    """Print whether a campaign paid: before anything else, warnings included."""
    output.paragraph(f"Verdict: {result.verdict}", "bold")


def print_measured(result: Measurement) -> None:
    """Print by offer and in total what a campaign brought."""
    window = result.window
    interim = f"interim, {window.days:.0f} of " if window.is_interim else ""
    money = f", in {result.currency}" if result.currency else ""
    output.line(
        f"Campaign {result.campaign_id}: {interim}{window.horizon_days} days against the holdout"
        f"{money}, with 95% intervals",
        "bold",
    )
    effects = result.effects.set_index("figure").groupby("intended_offer")
    by_offer = {str(offer): rows for offer, rows in effects}
    _print_orders(result.groups, by_offer)
    _print_money(result.groups, by_offer)
    _print_adjustment(by_offer[TOTAL])


def _print_orders(groups: pd.DataFrame, by_offer: dict[str, pd.DataFrame]) -> None:
    numbers = ["treated", "held out", "ordered, treated", "ordered, held out", "difference, points"]
    table = table_of(["offer"], [*numbers, "95% interval"])
    for row in groups.to_dict("records"):
        offer = str(row["intended_offer"])
        effect = _figure(by_offer[offer], "retention")
        counts = [f"{row['treated']:,}", f"{row['held_out']:,}"]
        rates = [_rate(row["retention_treated"]), _rate(row["retention_held_out"])]
        shown = [_estimate("retention", effect) or TOO_FEW, _interval("retention", effect)]
        add(table, [offer, *counts, *rates, *shown], _style(offer))
    output.stdout().print(table)


def _print_money(groups: pd.DataFrame, by_offer: dict[str, pd.DataFrame]) -> None:
    numbers = ["spend, treated", "spend, held out", "difference", "cost", "profit"]
    table = table_of(["offer"], [*numbers, "return on spend"])
    for row in groups.to_dict("records"):
        offer = str(row["intended_offer"])
        effects = [(figure, _figure(by_offer[offer], figure)) for figure in MONEY]
        spend = [_amount(row["net_spend_treated"]), _amount(row["net_spend_held_out"])]
        difference, cost, profit, back = (_estimate(*cell) for cell in effects)
        figures = [difference or TOO_FEW, cost, profit or TOO_FEW, back]
        add(table, [offer, *spend, *figures], _style(offer))
        if any(intervals := [_interval(*cell) for cell in effects]):
            add(table, ["", "", "", *intervals], "dim")
    output.stdout().print(table)


def _print_adjustment(total: pd.DataFrame) -> None:
    saved = total["variance_saved"]
    if pd.isna(saved["retention"]) or pd.isna(saved["net_spend"]):
        return
    output.paragraph(
        "Adjusting for the forecasts made before, which is why a difference is not exactly that of "
        f"the two columns beside it, saved {saved['retention']:.0%} of the variance of the "
        f"difference in who ordered and {saved['net_spend']:.0%} of that in spend"
    )


def _figure(effects: pd.DataFrame, figure: str) -> pd.Series:
    return effects.loc[[figure]].iloc[0]


def _style(offer: str) -> str:
    return "bold" if offer == TOTAL else ""


def _rate(share: float) -> str:
    return "" if pd.isna(share) else f"{share:.1%}"


def _amount(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.2f}"


def _estimate(figure: str, found: pd.Series) -> str:
    return "" if pd.isna(found["estimate"]) else _shown(figure, found["estimate"])


def _interval(figure: str, found: pd.Series) -> str:
    """The cost is what was paid."""
    if figure == "cost" or pd.isna(found["low"]):
        return ""
    return f"{_shown(figure, found['low'])} to {_shown(figure, found['high'])}"


def _shown(figure: str, value: float) -> str:
    scale, places = SHOWN_AS[figure]
    return f"{scale * value:,.{places}f}"
