"""Feedback: what the customer said, by kind and on one scale of satisfaction from -1 to 1."""

from __future__ import annotations

from collections.abc import Iterable

import narwhals as nw

from features.feature import Feature, count, only, ratio

FAMILY = "feedback"
_age, _score, _satisfaction = nw.col("age"), nw.col("score"), nw.col("satisfaction")
_is_ticket = nw.col("kind") == "ticket"
_hours = (nw.col("resolved_day") - nw.col("day")) * 24.0
_late = (nw.col("resolved_day") > nw.col("due_day")) | (
    nw.col("resolved_day").is_null() & (nw.col("due_day") < nw.col("as_of_day"))
)

_scored_age = only(_age, ~_satisfaction.is_null())
_n = _satisfaction.count().cast(nw.Float64)
_age_spread = (_scored_age * _scored_age).sum() - ratio(
    _scored_age.sum() * _scored_age.sum(), _n
)
_covariation = (_scored_age * _satisfaction).sum() - ratio(
    _scored_age.sum() * _satisfaction.sum(), _n
)
SAME_TIME = 1e-6


def kind_features(kind: str) -> tuple[Feature, ...]:
    """Count, mean and last score of one kind of feedback."""
    of_kind = nw.col("kind") == kind
    return (
        Feature(
            f"{kind}_count",
            FAMILY,
            "answers",
            f"{kind} rows so far",
            "feedback",
            count(of_kind),
            0.0,
        ),
        Feature(
            f"{kind}_mean",
            FAMILY,
            "points",
            f"mean {kind} score",
            "feedback",
            only(_score, of_kind).mean(),
        ),
        Feature(
            f"{kind}_last",
            FAMILY,
            "points",
            f"latest {kind} score (mean of several at the same time)",
            "feedback",
            only(_score, of_kind & nw.col("is_last_of_kind")).mean(),
        ),
    )


def features(kinds: Iterable[str]) -> tuple[Feature, ...]:
    """The family's features for the given kinds of feedback."""
    return (*(feature for kind in kinds for feature in kind_features(kind)), *FEATURES)


FEATURES = (
    Feature(
        "nps_promoter",
        FAMILY,
        "0/1",
        "latest NPS is 9 or 10",
        "table",
        only(nw.lit(1.0), nw.col("nps_last") >= 9).fill_null(0.0),
        0.0,
    ),
    Feature(
        "nps_detractor",
        FAMILY,
        "0/1",
        "latest NPS is 6 or less",
        "table",
        only(nw.lit(1.0), nw.col("nps_last") <= 6).fill_null(0.0),
        0.0,
    ),
    Feature(
        "satisfaction_mean",
        FAMILY,
        "-1..1",
        "mean satisfaction over all scored feedback",
        "feedback",
        _satisfaction.mean(),
    ),
    Feature(
        "satisfaction_last",
        FAMILY,
        "-1..1",
        "latest satisfaction (mean of several at the same time)",
        "feedback",
        only(_satisfaction, nw.col("is_last_scored")).mean(),
    ),
    Feature(
        "satisfaction_slope",
        FAMILY,
        "1/year",
        "change of satisfaction a year, by least squares",
        "feedback",
        -365.0 * _covariation / only(_age_spread, _age_spread > SAME_TIME),
    ),
    *(
        Feature(
            f"negatives_{days}d",
            FAMILY,
            "answers",
            f"negative feedback in the last {days} days",
            "feedback",
            count((_satisfaction < 0) & (_age <= days)),
            0.0,
        )
        for days in (90, 180)
    ),
    Feature(
        "tickets_open",
        FAMILY,
        "tickets",
        "tickets not resolved at as_of",
        "feedback",
        count(_is_ticket & nw.col("resolved_day").is_null()),
        0.0,
    ),
    Feature(
        "ticket_hours_to_resolve",
        FAMILY,
        "hours",
        "mean hours to resolve a ticket",
        "feedback",
        only(_hours, _is_ticket).mean(),
    ),
    Feature(
        "tickets_overdue_share",
        FAMILY,
        "share",
        "share of tickets with a due time that were or are late",
        "feedback",
        ratio(
            count(_is_ticket & _late), count(_is_ticket & ~nw.col("due_day").is_null())
        ),
    ),
)
