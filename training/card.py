"""The model card: what was learnt from what, how good it is, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.clock import as_instant
from training.backtest import Backtest
from training.champions import CHURN, Decision
from training.config import TrainingConfig
from training.definition import Definition
from training.fitting import Fitted
from training.snapshots import Panel

CHURN_METRICS = ("auc", "average_precision", "log_loss", "brier", "ece", "skill")
CLV_METRICS = ("normalised_gini", "tweedie_deviance", "mae_over_mean_spend", "total_bias")
RULES = ("recency_rule", "past_rate", "average")


@dataclass(frozen=True)
class Part:
    """One of the two models of a training."""

    name: str
    fitted: Fitted
    decision: Decision


def model_card(parts: Sequence[Part], config: TrainingConfig, data: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Parameters
    ----------
    parts : sequence of Part
    config : TrainingConfig
    data : mapping
        What was learnt from, as `training.record.data_digest` tells it.
    """
    terms = parts[0].fitted.scorer.definition
    lines = [
        "# Model card",
        "",
        f"Trained on what was known before {as_instant(terms.trained_as_of):%Y-%m-%d %H:%M} "
        f"(shop's wall clock, {terms.timezone}); currency {terms.currency or 'not named'}; "
        f"seed {config.seed}.",
        "",
        f"Data: {data['orders']['rows']:,} orders and refunds of {data['customers']:,.0f} "
        f"customers, {_date(data['first_day'])} to {_date(data['last_day'])} "
        f"(sha256 {data['sha256'][:12]}).",
    ]
    for part in parts:
        panel, backtest = part.fitted.panel, part.fitted.backtest
        is_churn = part.name == CHURN
        definition = part.fitted.scorer.definition
        lines += [
            "",
            f"## {'Churn risk' if is_churn else 'CLV forecast'}",
            "",
            _churned(definition) if is_churn else _value(definition),
            "",
            _snapshots(panel),
            f"- Model: {backtest.why}.",
            f"- Champion: {'yes' if part.decision.promoted else 'no'}, {part.decision.why}.",
            "",
            *_figures(backtest, CHURN_METRICS if is_churn else CLV_METRICS),
        ]
    lines += ["", "## Be careful", "", *_caveats(parts)]
    return "\n".join(lines) + "\n"


def _date(day: float) -> str:
    return f"{as_instant(day):%Y-%m-%d}"


def _churned(terms: Definition) -> str:
    return (
        f"`churn_risk` is the probability of no order with a positive amount in the "
        f"{terms.horizon_days} days from the instant of prediction, for customers with an order "
        "before it."
    )


def _value(terms: Definition) -> str:
    margin = f", times a margin of {terms.margin_rate:g}" if terms.margin_rate != 1 else ""
    rate = terms.discount_rate_yearly
    discount = f", discounted at {rate:g} a year" if rate else ""
    return (
        f"`clv` is the expected spend in the {terms.horizon_days} days from the instant of "
        f"prediction, less refunds and never below 0{margin}{discount}."
    )


def _snapshots(panel: Panel) -> str:
    first, last = panel.snapshots[0], panel.snapshots[-1]
    share = panel.sample_share
    sampled = f", of a {share:.2g} share of the customers" if share < 1 else ""
    return (
        f"- Learnt from: {len(panel.snapshots)} snapshots from {_date(first.as_of)} to "
        f"{_date(last.as_of)}, {sum(map(len, panel.snapshots)):,} rows{sampled}."
    )


def _figures(backtest: Backtest, metrics: Sequence[str]) -> list[str]:
    means = backtest.means()
    if means.empty:
        return ["No out-of-time figures: the history is too short for a backtest."]
    return [*_markdown(means[list(metrics)]), "", _in_words(backtest, means[backtest.criterion])]


def _in_words(backtest: Backtest, scores: pd.Series) -> str:
    """The chosen candidate against the best rule, by the criterion; lower is better."""
    score = {str(name): float(value) for name, value in scores.items()}
    best_rule = min((name for name in score if name in RULES), key=score.__getitem__)
    if backtest.chosen == best_rule:
        return f"Nothing beat the rule `{best_rule}` out of time, so the rule is the model."
    gain = 1 - score[backtest.chosen] / score[best_rule]
    words = backtest.criterion.replace("_", " ")
    return f"`{backtest.chosen}` has {gain:.1%} less {words} than the best rule, `{best_rule}`."


def _caveats(parts: Sequence[Part]) -> list[str]:
    origins = min(len(p.fitted.backtest.of(p.fitted.backtest.chosen)) for p in parts)
    figures = [
        f"- The figures are means over {origins} origin(s), whose windows overlap.",
        "- The candidate was chosen on the same origins, which flatters it a little.",
        "- The figures are about customers who had ordered before the origin, not about those to "
        "come.",
    ]
    return [
        *(figures if origins else []),
        "- A risk is a forecast and no reason to make an offer: what an offer changes is not in "
        "it.",
        "- Rows that were updated in place without recorded_at may carry later knowledge.",
    ]


def _markdown(table: pd.DataFrame) -> list[str]:
    head = "| candidate | " + " | ".join(str(c).replace("_", " ") for c in table) + " |"
    rule = "|---" * (len(table.columns) + 1) + "|"
    body = [
        f"| {name} | " + " | ".join(f"{value:.4f}" for value in row) + " |"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return [head, rule, *body]
