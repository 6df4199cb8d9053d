"""What to be careful about: histories that end early, models from later, value in few hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from features.agreement import many
from features.clock import as_instant
from features.history.history import History, Past
from features.history.order_days import order_days, solid
from features.quality.flow import staleness, thin_end
from holdfast.failures import RequestError

# Of the value of all customers: totals then hang on one.
LARGE_SHARE = 0.1
# Of so few customers each may hold as much.
FEW = 30

if TYPE_CHECKING:
    import pandas as pd

    from training.scoring.scorer import Scorer
    from training.uplift.scoring import UpliftScorer


def require_orders(past: Past) -> None:
    """Refuse an instant before which nobody has ordered.

    Raises
    ------
    RequestError
        If no order with a positive amount was known before the cut.
    """
    if past.order_days.is_empty():
        raise RequestError(
            "as_of must be after the first order; none is known before "
            f"{past.as_of:%Y-%m-%d %H:%M}. Choose a later as_of."
        )


def stale_warnings(past: Past) -> list[str]:
    """Say if the history ends, or dries up, long before its cut: everybody looks lost then.

    There must be an order before it.
    """
    return [*_stale(past), *_thin(past)]


def _thin(past: Past) -> list[str]:
    thin = thin_end(solid(past.order_days))
    if thin is None:
        return []
    first = as_instant(thin.first_day)
    return [
        f"the last {thin.days} days of the history, from {first:%Y-%m-%d}, hold "
        f"{many(thin.orders, 'order')} where {thin.usual_week:,.0f} a week are usual: half an "
        "import, or orders dated ahead. Everybody looks lost afterwards; load the rest, or use "
        f"--as-of {first:%Y-%m-%d}."
    ]


def _stale(past: Past) -> list[str]:
    last = past.purchases.select(nw.col("day").max()).collect("polars")["day"].to_list()[0]
    silence = staleness(past.order_days, last, past.day)
    if not silence.is_stale:
        return []
    return [
        f"the history is stale: its last order is {silence.days_since_last_order:.0f} days before "
        f"as_of, and 95 % of its days with orders follow each other within "
        f"{silence.usual_gap_days:.0f}. Everybody looks lost; use a later history or an earlier "
        "as_of."
    ]


def foresight_warnings(scorer: Scorer, past: Past, uplift: UpliftScorer | None = None) -> list[str]:
    """Say if a model was trained on what came after the cut: it knows the answers."""
    terms = [scorer.churn.definition, scorer.clv.definition]
    terms += [] if uplift is None else [uplift.definition]
    trained = max(definition.trained_as_of for definition in terms)
    if trained <= past.day:
        return []
    return [
        f"the champion was trained on what was known before {as_instant(trained):%Y-%m-%d}, after "
        "as_of: these scores know what came next and tell nothing about how good it is."
    ]


def concentration_warnings(scores: pd.DataFrame) -> list[str]:
    """Say if one customer is expected to bring a large share of all value."""
    by_customer = scores.set_index("customer_id")["clv"]
    total, most = float(by_customer.sum()), float(by_customer.max())
    if not most > LARGE_SHARE * total or len(scores) <= FEW:
        return []
    return [
        f"customer {by_customer.idxmax()} holds {most / total:.0%} of the expected value "
        f"of all {len(scores):,} customers: totals hang on this one. Look at their orders; if one "
        "is a mistake or no sale, leave it out of the history."
    ]


def last_known(history: History) -> float:
    """The midnight after the last order became known, as `day`; stray dates do not count."""
    known = history.purchases.select(nw.col("known_day").alias("day"))
    days = solid(order_days(known))
    if days.is_empty():
        raise RequestError(
            "the history has no order with a positive amount. Run holdfast check on it."
        )
    return float(days["day"][-1]) + 1.0
