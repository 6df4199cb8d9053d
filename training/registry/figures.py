"""The figures of a training: told what they are about, and logged as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.agreement import many
from features.clock import as_instant
from training.panel.tracking import weekly_orders
from training.registry.card import CardPart
from training.registry.run import Run
from training.scoring.model_scorers import ChurnScorer

if TYPE_CHECKING:
    from training.evaluation.chart import Chart

# For eyes and slides; and for print and zooming in.
FORMATS = ("png", "svg")
# Explaining takes its time, and shares do not hang on more.
MOST_EXPLAINED = 5_000


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


def churn_figures(part: CardPart) -> dict[str, Chart]:
    """Orders by week around the last origin, and the reasons of the latest customers.

    Nothing of models of spend; orders by week only where there is an origin.
    """
    from training.evaluation.tracking_figures import reasons_figure, tracking_figure

    scorer, panel, backtest = part.fitted.scorer, part.fitted.panel, part.fitted.backtest
    if not isinstance(scorer, ChurnScorer):
        return {}
    shop, latest = scorer.definition.shop_name, panel.snapshots[-1]
    X = latest.X.iloc[:: -(-len(latest) // MOST_EXPLAINED)]
    known = f"{many(len(X), 'customer')} at {_date(latest.as_of)}"
    window = f"churn within {scorer.definition.horizon_days} days"
    drawn = reasons_figure(scorer.reason_shares(X)).with_subtitle(shop, window, known)
    figures = {"reasons": drawn}
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
