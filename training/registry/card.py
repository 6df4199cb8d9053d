"""The model card: what was learnt from what, how good it is, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.agreement import many
from features.clock import as_instant
from training.config import TrainingConfig
from training.models.tasks import Task
from training.panel.panel import Panel
from training.registry.card_notes import USE, changed, glossary, made_with, needs
from training.registry.gate import GateDecision
from training.registry.outcome import Realised
from training.registry.slices import slices
from training.registry.versions import RegisteredVersion
from training.selection.backtest import Backtest
from training.selection.fit import FittedModel
from training.selection.grade import advice, grade_of, shorter_window, verdict


@dataclass(frozen=True)
class CardPart:
    """One of the two models of a training, and the version registered before it.

    Attributes
    ----------
    fitted : FittedModel
    decision : GateDecision
    previous : RegisteredVersion or None
    reasons : str
        What raises the risk of its customers, in words; empty where nobody asked.
    """

    fitted: FittedModel
    decision: GateDecision
    previous: RegisteredVersion | None = None
    reasons: str = ""

    @property
    def task(self) -> Task:
        """What it forecasts."""
        return self.fitted.scorer.task

    @property
    def name(self) -> str:
        """Of the registered model."""
        return self.task.name


def model_card(
    parts: Sequence[CardPart],
    config: TrainingConfig,
    data: Mapping[str, Any],
    last: Sequence[Realised] = (),
) -> str:
    """The card as Markdown.

    Parameters
    ----------
    parts : sequence of CardPart
    config : TrainingConfig
    data : mapping
        What was learnt from, as `training.registry.log.data_digest` tells it.
    last : sequence of Realised
        What became of the forecasts of the standing champions.
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
        lines += ["", part_card(part)]
    lines += ["", "## What became of the last forecasts", "", *_last(last)]
    lines += ["", "## Be careful", "", *_caveats(parts)]
    lines += ["", "## Intended and other use", "", *USE]
    lines += ["", "## Made with", "", made_with()]
    lines += ["", "## Words", "", *glossary()]
    return "\n".join(lines) + "\n"


def part_card(part: CardPart) -> str:
    """The section of the card on one of the two models."""
    panel, backtest, scorer = part.fitted.panel, part.fitted.backtest, part.fitted.scorer
    lines = [
        f"## {part.task.title}",
        "",
        scorer.meaning(),
        "",
        _snapshots(panel),
        f"- Model: {backtest.why}.",
        f"- Rests on: {scorer.basis()}.",
        *([f"- {part.reasons}"] if part.reasons else []),
        *needs(part.fitted),
        *_shorter(part),
        *(f"- {caution}" for caution in _cautions(backtest)),
        f"- {verdict(backtest)}",
        f"- Champion: {'yes' if part.decision.promoted else 'no'}, {part.decision.why}.",
        *([] if part.previous is None else [f"- {changed(part.previous, part.fitted)}"]),
        "",
        *_figures(backtest, part.task.metrics),
        *_by_origin(backtest, part.task.metrics),
        *_by_slice(part),
    ]
    return "\n".join(lines)


def with_figures(card: str, names: Sequence[str]) -> str:
    """The card with figures that stand in files beside it."""
    shown = [f"![{name.rpartition('.')[0].replace('_', ' ')}]({name})" for name in names]
    return card if not shown else "\n".join([card, "## Figures", "", *shown, ""])


def _date(day: float) -> str:
    return f"{as_instant(day):%Y-%m-%d}"


def _snapshots(panel: Panel) -> str:
    first, last = panel.snapshots[0], panel.snapshots[-1]
    share = panel.sample_share
    sampled = f", of a {share:.2g} share of the customers" if share < 1 else ""
    left_out = panel.treated_rows
    treated = f", {left_out:,} of them left out for an offer in their window" if left_out else ""
    return (
        f"- Learnt from: {len(panel.snapshots)} snapshots from {_date(first.as_of)} to "
        f"{_date(last.as_of)}, {sum(map(len, panel.snapshots)):,} rows{sampled}{treated}."
    )


def _figures(backtest: Backtest, metrics: Sequence[str]) -> list[str]:
    means = backtest.means()
    if means.empty:
        return ["No out-of-time figures: the history is too short for a backtest."]
    shown = means[[metric for metric in metrics if metric in means]]
    return [
        f"Mean, and standard deviation over {many(len(backtest.of(backtest.chosen)), 'origin')}:",
        "",
        *_markdown(shown, backtest.spread()),
        "",
        *_against(backtest),
    ]


def _by_origin(backtest: Backtest, metrics: Sequence[str]) -> list[str]:
    """A table of the chosen candidate, origin by origin."""
    table = backtest.table()
    if table.empty:
        return []
    chosen = table[table["candidate"] == backtest.chosen]
    shown = chosen.set_index("origin")[["customers", *(m for m in metrics if m in table)]]
    cells = {c: _cells(shown[c]) for c in shown.columns[1:]}
    text = shown.assign(**cells, customers=shown["customers"].map("{:,}".format))
    text.columns = text.columns.str.replace("_", " ")
    return ["", f"`{backtest.chosen}` at each origin:", "", *_table(text, "origin")]


def _by_slice(part: CardPart) -> list[str]:
    """A table of groups of customers."""
    found = slices(part.fitted)
    if found.empty:
        return []
    told = part.task.criterion_title
    figures = {
        "forecast": "forecast", "truth": "came", "loss": told, "loss_constant": f"{told} of "
        f"`{part.task.constant}`",
    }  # fmt: skip
    text = found.assign(
        customers=found["customers"].map("{:,}".format),
        **{column: _cells(found[column]) for column in figures},
    )
    named = text.rename(columns=figures).set_index("by")
    return ["", "By group, over all origins:", "", *_table(named, "by")]


def _cells(numbers: pd.Series) -> pd.Series:
    """Figures of a column as text, all with as many decimals, where there are enough rows."""
    form = "{:,.1f}" if numbers.abs().max() >= 10 else "{:.4f}"
    return numbers.map(lambda x: form.format(x) if np.isfinite(x) else "too few to say")


def _table(text: pd.DataFrame, index: str) -> list[str]:
    rows = zip(text.index, text.to_numpy().tolist(), strict=True)
    body = [f"| {name} | " + " | ".join(row) + " |" for name, row in rows]
    head = " | ".join([index, *map(str, text)])
    return [f"| {head} |", "|---" * (len(text.columns) + 1) + "|", *body]


def _against(backtest: Backtest) -> list[str]:
    """The paired differences, and how the intervals did."""
    words = backtest.criterion.replace("_", " ")
    lines = [
        f"The {words} of `{backtest.chosen}` less that of each other, over customers, with its 95% "
        "interval; below 0 it is better:",
        "",
        *(
            f"- `{name}`: {found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
            for name, found in backtest.differences.items()
        ),
    ]
    means = backtest.means().loc[backtest.chosen]
    if "coverage" in means:
        lines += [
            "",
            f"Out of time the 80% intervals held {means['coverage']:.1%} of customers, and given "
            f"an order {means['coverage_if_active']:.1%} of those who ordered.",
        ]
    return lines


def _cautions(backtest: Backtest) -> list[str]:
    """What to know before the grade is believed."""
    fallback = backtest.fallback()
    return [*([] if fallback is None else [fallback]), *backtest.cautions()]


def _shorter(part: CardPart) -> list[str]:
    said = shorter_window(part.fitted.backtest, part.fitted.scorer.definition.horizon_days)
    return [f"- {said}"] if said else []


def _last(last: Sequence[Realised]) -> list[str]:
    if not last:
        return ["Nothing stood before this training, or no day of its forecasts is over."]
    return [f"- {found.words()}" for found in last]


def _caveats(parts: Sequence[CardPart]) -> list[str]:
    origins = min(len(p.fitted.backtest.of(p.fitted.backtest.chosen)) for p in parts)
    figures = [
        f"- The figures are means over {many(origins, 'origin')}, whose windows overlap.",
        "- The candidate was chosen on the same origins, which flatters it a little.",
        "- The figures are about customers who had ordered before the origin, not about those to "
        "come.",
    ]
    graded = ((part, grade_of(part.fitted.backtest)) for part in parts)
    return [
        *(
            f"- {part.task.title}: {advice(part.fitted.backtest, grade)}."
            for part, grade in graded
            if grade is not None
        ),
        *(figures if origins else []),
        "- A risk is a forecast and no reason to make an offer: what an offer changes is not in "
        "it.",
        "- Rows that were updated in place without recorded_at may carry later knowledge.",
    ]


def _markdown(means: pd.DataFrame, spread: pd.DataFrame) -> list[str]:
    head = "| candidate | " + " | ".join(str(c).replace("_", " ") for c in means) + " |"
    rule = "|---" * (len(means.columns) + 1) + "|"
    cells = zip(means.index, means.to_numpy(), spread[means.columns].to_numpy(), strict=True)
    body = [
        f"| {name} | " + " | ".join(map(_plus_minus, row, deviations)) + " |"
        for name, row, deviations in cells
    ]
    return [head, rule, *body]


def _plus_minus(mean: float, deviation: float) -> str:
    """A mean with its deviation, where there is one."""
    return f"{mean:.4f} ± {deviation:.4f}" if np.isfinite(deviation) else f"{mean:.4f}"
