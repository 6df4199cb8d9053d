"""What the simulated customers say: surveys and reviews few answer, tickets after trouble."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from simulation.purchases import BAD_EXPERIENCE, Floats, whole_seconds


class Survey(NamedTuple):
    """A question asked after every order.

    A customer's answer rate grows from `least` to `most` with the distance of the experience from
    the ordinary: the delighted and the angry speak. The score is `middle + slope * experience`
    with noise, rounded into `scale`.
    """

    kind: str
    delay_days: float
    least: float
    most: float
    middle: float
    slope: float
    scale: tuple[int, int]


# Kind, days after the order, least and most rate of answers, middle and slope of the score, scale.
SURVEYS = (
    Survey("csat", 1.0, 0.12, 0.30, 3.0, 1.0, (1, 5)),
    Survey("nps", 5.0, 0.10, 0.30, 5.5, 2.4, (0, 10)),
    Survey("review", 10.0, 0.10, 0.28, 3.2, 0.9, (1, 5)),
)
# Near it hardly anybody answers.
ORDINARY_EXPERIENCE = 0.7


def draw_feedback(rng: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    """Draw all feedback on `orders`, one row per answer or ticket, with the order's `key`."""
    kinds = [_answers(rng, orders, survey) for survey in SURVEYS]
    return pl.concat([*kinds, _tickets(rng, orders)])


def _answers(rng: np.random.Generator, orders: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    experience, size = orders["experience"].to_numpy(), orders.height
    strength = np.minimum(np.abs(experience - ORDINARY_EXPERIENCE) / 2.5, 1.0)
    answered = rng.random(size) < survey.least + (survey.most - survey.least) * strength
    noise = 0.2 * (survey.scale[1] - survey.scale[0]) / 2.0 * rng.standard_normal(size)
    score = np.clip(np.round(survey.middle + survey.slope * experience + noise), *survey.scale)
    asked = whole_seconds(orders["day"].to_numpy() + survey.delay_days)
    known = whole_seconds(asked + rng.exponential(2.0, size) + 1.0 / 24.0)
    nothing = np.full(size, np.nan)
    frame = _frame(orders, survey.kind, asked, known, np.stack([score, nothing, nothing]))
    return frame.filter(pl.Series(answered))


def _tickets(rng: np.random.Generator, orders: pl.DataFrame) -> pl.DataFrame:
    size = orders.height
    bad = orders["experience"].to_numpy() < BAD_EXPERIENCE
    raised = rng.random(size) < np.where(bad, 0.35, 0.03)
    created = whole_seconds(orders["day"].to_numpy() + rng.uniform(0.1, 7.0, size))
    resolved = whole_seconds(created + rng.lognormal(0.0, 1.0, size))
    resolved[rng.random(size) < 0.03] = np.nan
    facts = np.stack([np.full(size, np.nan), created + 2.0, resolved])
    return _frame(orders, "ticket", created, created, facts).filter(pl.Series(raised))


def _frame(
    orders: pl.DataFrame, kind: str, day: Floats, known: Floats, facts: Floats
) -> pl.DataFrame:
    score, due, resolved = facts
    return orders.select(
        "key",
        "customer",
        pl.lit(kind).alias("kind"),
        pl.Series("day", day),
        pl.Series("known_day", known),
        pl.Series("score", score).fill_nan(None),
        pl.Series("due_day", due).fill_nan(None),
        pl.Series("resolved_day", resolved).fill_nan(None),
    )
