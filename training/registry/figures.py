"""The figures of a training: told what they are about, and logged as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from features.agreement import many
from features.clock import as_instant
from training.registry.card import CardPart
from training.registry.run import Run

if TYPE_CHECKING:
    from training.evaluation.chart import Chart

# For eyes and slides; and for print and zooming in.
FORMATS = ("png", "svg")


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
    figures = task.drawn(truth, forecast, money)
    return {name: figure.with_subtitle(*about(part)) for name, figure in figures.items()}


def about(part: CardPart) -> tuple[str | None, ...]:
    """Shop where it is known, candidate, window and origins: what stands below a title."""
    backtest = part.fitted.backtest
    days = [j.judge.as_of for j in backtest.of(backtest.chosen)]
    dates = [f"{as_instant(day):%Y-%m-%d}" for day in days]
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        part.fitted.scorer.definition.shop_name,
        f"{part.task.title} by {backtest.chosen}",
        f"{backtest.window_days:g} days after {many(len(days), 'origin')}: {span}",
    )
