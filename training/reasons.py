"""Reasons in plain language: what a model's contributions say, in the customer's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.catalogue import CATALOGUE

REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True)
class Topic:
    """Features that tell the same story, and the sentence that tells it.

    Attributes
    ----------
    name : str
    features : frozenset of str
        Their contributions are added up.
    say : callable
        Feature table -> one phrase for each row, missing where there is nothing to say.
    """

    name: str
    features: frozenset[str]
    say: Callable[[pd.DataFrame], pd.Series[str]]


def reasons(
    contributions: pd.DataFrame, table: pd.DataFrame, categories: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """The three strongest reasons for risk of every row.

    Parameters
    ----------
    contributions : pandas.DataFrame, shape (rows, features)
        What each feature adds to the logit of churn.
    table : pandas.DataFrame, shape (rows, features)
        The same rows of the feature table.
    categories : mapping of str to tuple of str
        Names behind the codes of profile columns.

    Returns
    -------
    pandas.DataFrame
        Columns reason_1 to reason_3, null where fewer topics raise the risk.
    """
    topics = [*TOPICS, *(_profile(c, categories) for c in table if str(c).startswith("profile_"))]
    added = np.column_stack(
        [contributions[[c for c in contributions if c in t.features]].sum(axis=1) for t in topics]
    )
    phrases = np.column_stack([t.say(table).to_numpy(dtype=object) for t in topics])
    said = ~pd.isna(phrases)
    weight = np.where(said & (added > 0), added, -np.inf)
    best = np.argsort(-weight, axis=1, kind="stable")[:, : len(REASONS)]
    chosen = np.take_along_axis(phrases, best, axis=1)
    chosen[~np.isfinite(np.take_along_axis(weight, best, axis=1))] = None
    return pd.DataFrame(chosen, index=table.index, columns=list(REASONS), dtype=object)


def _whole(values: pd.Series[float]) -> pd.Series[str]:
    return values.round().map("{:,.0f}".format, na_action="ignore").astype("string")


def _counted(values: pd.Series[float], noun: str) -> pd.Series[str]:
    plural = pd.Series(np.where(values == 1, f" {noun}", f" {noun}s"), index=values.index)
    return _whole(values).replace("0", "no") + plural


def _where(phrase: pd.Series[str], condition: pd.Series[bool]) -> pd.Series[str]:
    return phrase.astype("string").where(condition)


def _recency(X: pd.DataFrame) -> pd.Series[str]:
    phrase = "no order for " + _counted(X["days_since_last_order"].clip(lower=1), "day")
    usual = ", usually every " + _whole(X["gap_median"].clip(lower=1))
    return phrase + usual.fillna("")


def _age(X: pd.DataFrame) -> pd.Series[str]:
    return "first order " + _counted(X["days_since_first_order"].clip(lower=1), "day") + " ago"


def _orders(X: pd.DataFrame) -> pd.Series[str]:
    return _counted(X["orders"], "order").where(X["orders"] > 1, "only one order") + " so far"


def _recent_orders(X: pd.DataFrame) -> pd.Series[str]:
    horizon = _whole(X["horizon_days"])
    before = _whole(X["orders_2h"] - X["orders_1h"]).replace("0", "none")
    lately = _counted(X["orders_1h"], "order")
    return (
        lately + " in the last " + horizon + " days, " + before + " in the " + horizon + " before"
    )


def _season(X: pd.DataFrame) -> pd.Series[str]:
    phrase = _counted(X["orders_season_1y"], "order") + " in the coming season a year ago"
    return _where(phrase, X["days_since_first_order"] >= 365)


def _rhythm(X: pd.DataFrame) -> pd.Series[str]:
    phrase = "orders about every " + _counted(X["gap_mean"].clip(lower=1), "day")
    irregular = pd.Series(np.where(X["gap_cv"] > 1, ", irregularly", ""), index=X.index)
    return _where(phrase + irregular, X["gap_mean"].notna())


def _spend(X: pd.DataFrame) -> pd.Series[str]:
    return _whole(X["aov"]) + " an order on average, " + _whole(X["spend"]) + " in all"


def _recent_spend(X: pd.DataFrame) -> pd.Series[str]:
    return _whole(X["spend_1h"]) + " spent in the last " + _whole(X["horizon_days"]) + " days"


def _returns(X: pd.DataFrame) -> pd.Series[str]:
    phrase = _counted(X["refunds"], "refund") + " on " + _counted(X["orders"], "order")
    return _where(phrase, X["refunds"] > 0)


def _discounts(X: pd.DataFrame) -> pd.Series[str]:
    share = X["discounted_orders_share"]
    return _where(_whole(100 * share) + " % of orders bought at a discount", share.notna())


def _feedback(X: pd.DataFrame) -> pd.Series[str]:
    last = X["satisfaction_last"]
    mood = np.select([last < 0, last > 0], ["negative", "positive"], "neutral")
    phrase = "last feedback " + pd.Series(mood, index=X.index, dtype="string")
    ago = ", " + _counted(X["days_since_last_feedback"].clip(lower=1), "day") + " ago"
    return _where(phrase + ago.fillna(""), last.notna())


def _tickets(X: pd.DataFrame) -> pd.Series[str]:
    phrase = _counted(X["ticket_count"], "support ticket")
    still = _where(", " + _whole(X["tickets_open"]) + " open", X["tickets_open"] > 0).fillna("")
    return _where(phrase + still, X["ticket_count"] > 0)


def _offers(X: pd.DataFrame) -> pd.Series[str]:
    phrase = _counted(X["offers_365d"], "offer") + " in the last year, "
    phrase = phrase + _whole(X["offers_redeemed"]).replace("0", "none") + " redeemed so far"
    return _where(phrase, X["offers_365d"] > 0)


def _profile(column: str, categories: Mapping[str, tuple[str, ...]]) -> Topic:
    name = column.removeprefix("profile_")
    codes = {float(i): value for i, value in enumerate(categories.get(name, ()))}

    def say(X: pd.DataFrame) -> pd.Series[str]:
        value = X[column].map(codes) if codes else X[column].map("{:g}".format, na_action="ignore")
        return _where(f"{name} is " + value.astype("string"), X[column].notna())

    return Topic(column, frozenset({column}), say)


def _topics() -> tuple[Topic, ...]:
    """Every feature of the catalogue belongs to one topic."""
    recency = {"days_since_last_order", "recency_over_horizon", "recency_over_age"}
    recency |= {"overdue_mean", "overdue_median", "overdue_max", "overdue_shrunk"}
    age = {"days_since_first_order", "age_over_horizon", "T", "recency"}
    orders = {"orders", "purchase_days", "frequency"}
    discounts = {"discounted_orders_share", "discount_share"}
    trend = {"orders_trend_90d"}
    of = {
        family: {f.name for f in CATALOGUE if f.family == family}
        for family in ("frequency", "spend", "rhythm", "returns", "feedback", "exposure")
    }
    season = {name for name in of["frequency"] if name.startswith("orders_season")}
    recent_spend = {name for name in of["spend"] if name.endswith(("d", "1h", "4h", "_over_aov"))}
    recent_spend -= {"order_amount_std", "spend", "first_day_spend", "last_day_spend", *discounts}
    tickets = {name for name in of["feedback"] if "ticket" in name}
    feedback = of["feedback"] - tickets
    feedback |= {"days_since_last_feedback", "days_since_last_negative_feedback"}
    exposure = of["exposure"] | {"days_since_last_offer"}
    returns = of["returns"] | {"days_since_last_refund"}
    parts: list[tuple[str, set[str], Callable[[pd.DataFrame], pd.Series[str]]]] = [
        ("recency", recency, _recency),
        ("age", age, _age),
        ("orders", orders, _orders),
        ("recent orders", (of["frequency"] - orders - season) | trend, _recent_orders),
        ("season", season, _season),
        ("rhythm", of["rhythm"] - recency - trend, _rhythm),
        ("spend", of["spend"] - recent_spend - discounts, _spend),
        ("recent spend", recent_spend, _recent_spend),
        ("returns", returns, _returns),
        ("discounts", discounts, _discounts),
        ("feedback", feedback, _feedback),
        ("tickets", tickets, _tickets),
        ("offers", exposure, _offers),
    ]
    return tuple(Topic(name, frozenset(members), say) for name, members, say in parts)


TOPICS = _topics()
