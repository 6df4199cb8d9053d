"""Loyalty: what customers say, of the answers and tickets that became known in the period.

Intervals hold the figure of all who might have answered with 95 %, if those who did are a sample.
"""

from __future__ import annotations

import math

import narwhals as nw
import numpy as np
import polars as pl
from scipy import stats

from features.feature import count, count_of, only, ratio
from features.metrics.metric import Metric, MetricFamily

_counted = MetricFamily("loyalty", "answers", empty=0.0)
_of_answers = MetricFamily("loyalty", "answers")
_of_tickets = MetricFamily("loyalty", "tickets")
_of_table = MetricFamily("loyalty", "table")

# Of a normal distribution, for 95 %.
Z = float(stats.norm.ppf(0.975))
# From lowest, -1, to highest, 1: 4 and 5 of 5 are satisfied.
SATISFIED = 0.5
STUDENT = "review_t"

_kind, _score, _satisfaction = nw.col("kind"), nw.col("score"), nw.col("satisfaction")
_nps, _csat, _review = _kind == "nps", _kind == "csat", _kind == "review"
_promoters, _detractors = nw.col("nps_promoters"), nw.col("nps_detractors")


def _wilson(share: nw.Expr, n: nw.Expr, sign: float) -> nw.Expr:
    """A limit of a share (Wilson, 1927), which is no 0 and no 1 where all answer alike."""
    middle = share + Z * Z / (n * 2.0)
    wide = (share * (share * -1.0 + 1.0) / n + Z * Z / (n * n * 4.0)) ** 0.5
    return (middle + wide * (sign * Z)) / (Z * Z / n + 1.0)


def _nps_limit(sign: float) -> nw.Expr:
    """A limit of the NPS: the adjusted Wald interval, one answer of each kind added.

    Rocks (2016), The American Statistician 70(4), compares such; the plain one has no width where
    all answer alike.
    """
    n = nw.col("nps_answers") + 3.0
    p, d = (_promoters + 1.0) / n, (_detractors + 1.0) / n
    wide = ((p + d - (p - d) * (p - d)) / n) ** 0.5
    return only((p - d + wide * (sign * Z)) * 100.0, nw.col("nps_answers") > 0)


def _mean_limit(sign: float) -> nw.Expr:
    """A limit of a mean, by Student's t; unknown of a single answer."""
    n = nw.col("review_answers")
    return nw.col("review_mean") + nw.col(STUDENT) * nw.col("review_std") * sign / n**0.5


def with_student(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the quantile of Student's t for as many reviews as there are, which is no expression."""
    n = rows["review_answers"].cast(pl.Float64).fill_null(math.nan).to_numpy()
    quantiles = np.asarray(stats.t.ppf(0.975, np.where(n > 1, n - 1.0, math.nan)))
    return rows.with_columns(pl.Series(STUDENT, quantiles).fill_nan(None))


METRICS: tuple[Metric, ...] = (
    _counted("nps_answers", "answers", "answers on the scale of NPS", count(_nps)),
    _counted("nps_promoters", "answers", "of 9 or 10", count(_nps & (_score >= 9))),
    _counted("nps_detractors", "answers", "of 6 or less", count(_nps & (_score <= 6))),
    _of_table(
        "nps",
        "-100 to 100",
        "promoters less detractors, of 100 answers",
        ratio((_promoters - _detractors) * 100.0, nw.col("nps_answers")),
    ),
    _of_table("nps_low", "-100 to 100", "lower limit of its interval", _nps_limit(-1.0)),
    _of_table("nps_high", "-100 to 100", "upper limit of its interval", _nps_limit(1.0)),
    _counted("csat_answers", "answers", "answers on the scale of CSAT", count(_csat)),
    _counted(
        "csat_satisfied",
        "answers",
        "in the upper quarter of the scale: 4 or 5 of 5",
        count(_csat & (_satisfaction >= SATISFIED)),
    ),
    _of_table(
        "csat",
        "share",
        "satisfied answers, of all",
        ratio(nw.col("csat_satisfied"), nw.col("csat_answers")),
    ),
    *(
        _of_table(
            f"csat_{side}",
            "share",
            f"{which} limit of its interval",
            only(_wilson(nw.col("csat"), nw.col("csat_answers"), sign), nw.col("csat_answers") > 0),
        )
        for side, which, sign in (("low", "lower", -1.0), ("high", "upper", 1.0))
    ),
    _counted("review_answers", "answers", "reviews", count(_review)),
    _of_answers("review_mean", "points", "mean score of reviews", only(_score, _review).mean()),
    _of_answers(
        "review_std",
        "points",
        "standard deviation of the scores",
        only(_score, _review).std(ddof=1),
    ),
    _of_table("review_low", "points", "lower limit of the mean's interval", _mean_limit(-1.0)),
    _of_table("review_high", "points", "upper limit of the mean's interval", _mean_limit(1.0)),
    MetricFamily("loyalty", "tickets", empty=0.0)(
        "tickets_resolved", "tickets", "resolved in the period", count_of(nw.col("resolved_day"))
    ),
    _of_tickets(
        "ticket_hours_to_resolve",
        "hours",
        "mean time from opening to resolving, of tickets resolved in the period",
        ((nw.col("resolved_day") - nw.col("day")) * 24.0).mean(),
    ),
    _of_tickets(
        "tickets_in_time_share",
        "share",
        "resolved by their due time, of the tickets resolved in the period that have one",
        ratio(count(nw.col("resolved_day") <= nw.col("due_day")), count_of(nw.col("due_day"))),
    ),
)
