"""The model card: what was learnt from what, how good it is, and what to be careful about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.clock import as_instant
from training.backtest import Backtest
from training.champions import Decision
from training.config import TrainingConfig
from training.definition import Definition
from training.snapshots import Panel

CHURN_METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "skill")
CLV_METRICS = ("normalised_gini", "tweedie_deviance", "mae_over_mean_spend", "total_bias")


@dataclass(frozen=True)
class Part:
    """One of the two models of a training, as the card tells of it."""

    title: str
    definition: Definition
    panel: Panel
    backtest: Backtest
    decision: Decision


def model_card(parts: Sequence[Part], config: TrainingConfig) -> str:
    """The card as Markdown."""
    first = parts[0]
    until = as_instant(first.definition.trained_as_of)
    lines = [
        "# Model card",
        "",
        f"Trained on what was known before {until:%Y-%m-%d %H:%M} (shop's wall clock, "
        f"{first.definition.timezone}); currency {first.definition.currency or 'not named'}; "
        f"seed {config.seed}.",
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", *_definition(part), "", *_figures(part)]
    lines += ["", "## Be careful", "", *_caveats(parts)]
    return "\n".join(lines) + "\n"


def _definition(part: Part) -> list[str]:
    snapshots = part.panel.snapshots
    sampled = (
        f", a {part.panel.sample_share:.0%} sample of customers"
        if part.panel.sample_share < 1
        else ""
    )
    return [
        f"- Window: {part.definition.horizon_days} days from the instant of prediction.",
        f"- Snapshots: {len(snapshots)} from {as_instant(snapshots[0].as_of):%Y-%m-%d} to "
        f"{as_instant(snapshots[-1].as_of):%Y-%m-%d}, {sum(map(len, snapshots)):,} rows{sampled}.",
        f"- Model: {part.backtest.why}.",
        f"- Champion: {'yes' if part.decision.promoted else 'no'}, {part.decision.why}.",
    ]


def _figures(part: Part) -> list[str]:
    means = part.backtest.means()
    if means.empty:
        return ["No out-of-time figures: the history is too short for a backtest."]
    shown = CHURN_METRICS if "log_loss" in means else CLV_METRICS
    rules = means.index.intersection(["recency_rule", "past_rate", "average"])
    return [*_markdown(means[list(shown)]), "", _in_words(part.backtest, means, list(rules))]


def _in_words(backtest: Backtest, means: pd.DataFrame, rules: list[str]) -> str:
    criterion = backtest.criterion
    best_rule = means.loc[rules, criterion].idxmin()
    if backtest.chosen == best_rule:
        return f"Nothing beat the rule `{best_rule}` out of time, so the rule is the model."
    gain = 1 - means.loc[backtest.chosen, criterion] / means.loc[best_rule, criterion]
    words = criterion.replace("_", " ")
    return f"`{backtest.chosen}` has {gain:.1%} less {words} than the best rule, `{best_rule}`."


def _caveats(parts: Sequence[Part]) -> list[str]:
    origins = min(len({j.judge.as_of for j in p.backtest.judged}) for p in parts)
    return [
        f"- The figures are means over {origins} origin(s); windows of neighbouring origins overlap.",
        "- The candidate was chosen on the same origins, which flatters it a little.",
        "- Figures are about customers with an order before the origin; those yet to come are not.",
        "- A risk is a forecast, not a reason to make an offer: what an offer changes is not in it.",
        "- Rows that were updated in place without recorded_at may carry later knowledge.",
    ]


def _markdown(table: pd.DataFrame) -> list[str]:
    head = "| candidate | " + " | ".join(c.replace("_", " ") for c in table) + " |"
    rule = "|---" * (len(table.columns) + 1) + "|"
    body = [
        f"| {name} | " + " | ".join(f"{value:.4f}" for value in row) + " |"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return [head, rule, *body]
