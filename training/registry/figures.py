"""The figures of a training: told what they are about, and logged as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from features.agreement import many
from features.clock import as_instant
from training.panel.tracking import weekly_orders
from training.registry.card import CardPart
from training.registry.run import Run
from training.scoring.model_scorers import ChurnScorer
from training.selection.fit import FittedModel

if TYPE_CHECKING:
    from training.evaluation.chart import Chart

# For eyes and slides; and for print and zooming in.
FORMATS = ("png", "svg")
# Explaining takes its time, and shares do not hang on more.
MOST_EXPLAINED = 5_000
# Of customers, and so many topics, for a sentence.
TOLD, MOST_TOLD = 0.05, 5


@dataclass(frozen=True)
class LatestReasons:
    """How often each topic is a reason for the risk of the customers of the latest snapshot.

    Attributes
    ----------
    shares : pandas.DataFrame
        Index topic; the shares `first` and `told`.
    customers : int
    as_of : float
    """

    shares: pd.DataFrame
    customers: int
    as_of: float

    @classmethod
    def of(cls, fitted: FittedModel) -> Self | None:
        """Explain at most 5,000 of them, evenly chosen; nothing of models of spend."""
        scorer, latest = fitted.scorer, fitted.panel.snapshots[-1]
        if not isinstance(scorer, ChurnScorer):
            return None
        X = latest.X.iloc[:: -(-len(latest) // MOST_EXPLAINED)]
        return cls(scorer.reason_shares(X), len(X), latest.as_of)

    def words(self) -> str:
        """What the strongest reasons were."""
        first = self.shares["first"].sort_values(ascending=False, kind="stable")
        named = [f"{topic} for {share:.0%}" for topic, share in first[first >= TOLD].items()]
        if not named:
            return ""
        whom = f"{many(self.customers, 'customer')} at {_date(self.as_of)}"
        return f"Strongest reason for the risk, among {whom}: {', '.join(named[:MOST_TOLD])}."


def log_figures(run: Run, figures: Mapping[str, Chart]) -> None:
    """Store every figure under its name, once in each format."""
    for name, figure in figures.items():
        for ending in FORMATS:
            run.log_figure(figure, f"{name}.{ending}")


def backtest_figures(part: CardPart) -> dict[str, Chart]:
    """How the chosen candidate did at the origins, by name of the file; none without an origin."""
    backtest, task = part.fitted.backtest, part.task
    judged = backtest.of(backtest.chosen)
    if not judged:
        return {}
    truth = task.all_truth([j.judge for j in judged])
    forecast = np.concatenate([j.forecast for j in judged])
    money = part.fitted.scorer.definition.currency or "shop currency"
    figures = {**task.drawn(truth, forecast, money), f"bias_{task.short_name}": _bias(part)}
    return {name: figure.with_subtitle(*about(part)) for name, figure in figures.items()}


def churn_figures(part: CardPart, reasons: LatestReasons | None) -> dict[str, Chart]:
    """Orders by week around the last origin, and the reasons of the latest customers.

    Nothing of models of spend; orders by week only where there is an origin.
    """
    from training.evaluation.tracking_figures import reasons_figure, tracking_figure

    panel, backtest, terms = part.fitted.panel, part.fitted.backtest, part.fitted.scorer.definition
    if reasons is None:
        return {}
    shop, window = terms.shop_name, f"churn within {terms.horizon_days} days"
    known = f"{many(reasons.customers, 'customer')} at {_date(reasons.as_of)}"
    figures = {"reasons": reasons_figure(reasons.shares).with_subtitle(shop, window, known)}
    for judged in backtest.of(backtest.chosen)[-1:]:
        judge = judged.judge
        known = f"{many(len(judge), 'customer')} known at the origin {_date(judge.as_of)}"
        table = weekly_orders(panel.past, judge, backtest.window_days)
        figures["tracking"] = tracking_figure(table).with_subtitle(shop, known)
    return figures


def _bias(part: CardPart) -> Chart:
    from training.evaluation.tracking_figures import bias_figure

    task, backtest = part.task, part.fitted.backtest
    judged = backtest.of(backtest.chosen)
    levels = [task.level(task.truth(j.judge), j.forecast) for j in judged]
    table = pd.DataFrame(
        {
            "origin": [as_instant(j.judge.as_of) for j in judged],
            "bias": [level.bias for level in levels],
            "deviation": [level.deviation for level in levels],
        }
    )
    return bias_figure(table, task.bias_unit)


def about(part: CardPart) -> tuple[str | None, ...]:
    """Shop where it is known, candidate, window and origins: what stands below a title."""
    backtest = part.fitted.backtest
    days = [j.judge.as_of for j in backtest.of(backtest.chosen)]
    dates = [_date(day) for day in days]
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        part.fitted.scorer.definition.shop_name,
        f"{part.task.title} by {backtest.chosen}",
        f"{backtest.window_days:g} days after {many(len(days), 'origin')}: {span}",
    )


def _date(day: float) -> str:
    return f"{as_instant(day):%Y-%m-%d}"
