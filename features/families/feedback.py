"""Feedback: what the customer said, by kind and on one scale of satisfaction from -1 to 1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import narwhals as nw

from features.feature import YEAR, Family, Feature, count, count_of, only, ratio

_of_feedback = Family("feedback", "feedback")
_counted = Family("feedback", "feedback", empty=0.0)
_of_table = Family("feedback", "table")

_age, _score, _satisfaction = nw.col("age"), nw.col("score"), nw.col("satisfaction")

_is_ticket = nw.col("kind") == "ticket"
_resolved, _due = nw.col("resolved_day"), nw.col("due_day")
_is_late = (_resolved > _due) | (_resolved.is_null() & (_due < nw.col("as_of_day")))

# Least squares over days back from the newest score: small numbers, so that the differences of
# sums below lose no digits. A slope over less than a day would only magnify noise.
_back = nw.col("days_before_last_score")
_n = count_of(_satisfaction)
_covariation = (_back * _satisfaction).sum() - ratio(_back.sum() * _satisfaction.sum(), _n)
_variation = (_back * _back).sum() - ratio(_back.sum() * _back.sum(), _n)
_slope = -YEAR * _covariation / only(_variation, _back.max() >= 1.0)


def features(kinds: Iterable[str]) -> tuple[Feature, ...]:
    """The family's features for the given kinds of feedback."""
    return (*(feature for kind in kinds for feature in _features_of(kind)), *FEATURES)


@cache
def _features_of(kind: str) -> tuple[Feature, ...]:
    is_kind = nw.col("kind") == kind
    is_last = is_kind & nw.col("is_last_of_kind")
    return (
        _counted(f"{kind}_count", "answers", f"feedback of kind {kind} so far", count(is_kind)),
        _of_feedback(f"{kind}_mean", "points", f"mean {kind} score", only(_score, is_kind).mean()),
        _of_feedback(
            f"{kind}_last",
            "points",
            f"latest {kind} score (mean of several at the same instant)",
            only(_score, is_last).mean(),
        ),
    )


FEATURES = (
    _of_table(
        "nps_promoter",
        "0 or 1",
        "whether the latest NPS score is 9 or 10",
        (nw.col("nps_last") >= 9).cast(nw.Float64),
    ),
    _of_table(
        "nps_detractor",
        "0 or 1",
        "whether the latest NPS score is 6 or less",
        (nw.col("nps_last") <= 6).cast(nw.Float64),
    ),
    _of_feedback(
        "satisfaction_mean",
        "-1 to 1",
        "mean satisfaction over all scored feedback",
        _satisfaction.mean(),
    ),
    _of_feedback(
        "satisfaction_last",
        "-1 to 1",
        "latest satisfaction (mean of several at the same instant)",
        only(_satisfaction, nw.col("days_before_last_score") == 0).mean(),
    ),
    _of_feedback(
        "satisfaction_slope",
        "1/year",
        "change of satisfaction in a year, by least squares; from scores at least a day apart",
        _slope,
    ),
    *(
        _counted(
            f"negatives_{days}d",
            "answers",
            f"feedback of the last {days} days scored in the lower half of its scale",
            count((_satisfaction < 0) & (_age <= days)),
        )
        for days in (90, 180)
    ),
    _counted(
        "tickets_open",
        "tickets",
        "tickets not resolved before as_of",
        count(_is_ticket & _resolved.is_null()),
    ),
    _of_feedback(
        "ticket_hours_to_resolve",
        "hours",
        "mean time from opening a ticket to resolving it",
        only((_resolved - nw.col("day")) * 24.0, _is_ticket).mean(),
    ),
    _of_feedback(
        "tickets_overdue_share",
        "share",
        "share of the tickets with a due time that were resolved late, or are open and late",
        ratio(count(_is_ticket & _is_late), count(_is_ticket & ~_due.is_null())),
    ),
)
