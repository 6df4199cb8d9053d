"""How a reason reads: a phrase about every row of a feature table, missing where there is none.

What speaks for a customer is no reason for risk, whatever a model adds up: many orders, more of
them than before, offers redeemed. Where such a number raises the risk it does so together with the
silence since, and `training.scoring.reasons` has the rhythm tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from features.feature import Feature

# The mean spend of a purchase day in the shop, beside the features of the table.
USUAL_SPEND = "usual_spend"
# Orders that are few in themselves.
FEW_ORDERS = 2
# Of a horizon without an order: less is no silence of somebody who bought on one day.
QUIET = 0.25
Text = Any  # a pandas Series of the nullable text type, which the stubs do not know
Phrase = Callable[[pd.DataFrame], Text]


def _text(words: object, index: pd.Index) -> Text:
    return pd.Series(words, index=index, dtype="string")


def _number(values: pd.Series) -> Text:
    return values.round().map("{:,.0f}".format, na_action="ignore").astype("string")


def _counted(values: pd.Series, noun: str) -> Text:
    plural = np.where(values.round() == 1, f" {noun}", f" {noun}s")
    return _number(values).replace("0", "no") + _text(plural, values.index)


def _rhythm(X: pd.DataFrame) -> Text:
    """Silent for longer than the customer's own rhythm, or of a slow one."""
    since, usual = X["days_since_last_order"].clip(lower=1), X["gap_median"].clip(lower=1)
    days, horizon = _counted(since, "day"), X["horizon_days"]
    once = ("no order for " + days).where(since >= QUIET * horizon)
    late = ("used to order every " + _counted(usual, "day") + ", none for " + _number(since)).where(
        since > usual
    )
    slow = ("orders only about every " + _counted(usual, "day")).where(usual >= horizon / 2)
    return late.fillna(slow).where(usual.notna(), once)


def _age(X: pd.DataFrame) -> Text:
    """New, or with few orders for the time."""
    age, days = X["days_since_first_order"].clip(lower=1), X["purchase_days"]
    new = ("first order only " + _counted(age, "day") + " ago").where(age < X["horizon_days"])
    few = (_counted(X["orders"], "order") + " in " + _counted(age, "day")).where(
        days * X["horizon_days"] < age
    )
    return new.fillna(few)


def _orders(X: pd.DataFrame) -> Text:
    few = "only " + _counted(X["orders"], "order") + " so far"
    return few.where(X["orders"] > 1, "only one order").where(X["orders"] <= FEW_ORDERS)


def _recent_orders(X: pd.DataFrame) -> Text:
    """None lately, or fewer than before."""
    days, lately, before = X["horizon_days"], X["orders_1h"], X["orders_2h"] - X["orders_1h"]
    phrase = _counted(lately, "order") + " in the last " + _number(days) + " days, "
    phrase = phrase + _number(before).replace("0", "none") + " in the " + _number(days) + " before"
    told = (X["days_since_first_order"] > days) & ((lately < before) | (lately == 0))
    return phrase.where(told)


def _season(X: pd.DataFrame) -> Text:
    """None at this time of the year a year ago."""
    phrase = _counted(X["orders_season_1y"], "order") + " in the coming season a year ago"
    return phrase.where((X["days_since_first_order"] >= 365) & (X["orders_season_1y"] == 0))


def _spend(X: pd.DataFrame) -> Text:
    """Less an order than the customers of the shop."""
    phrase = "spends " + _number(X["aov"]) + " an order, less than most"
    return phrase.where(X["aov"] < X[USUAL_SPEND])


def _recent_spend(X: pd.DataFrame) -> Text:
    """Nothing lately, or less than before."""
    lately, before = X["spend_1h"], (X["spend_4h"] - X["spend_1h"]) / 3
    horizon = _number(X["horizon_days"])
    days = " in the last " + horizon + " days"
    less = _number(lately) + " spent" + days + ", " + _number(before) + " in each " + horizon
    less = less + " before"
    nothing = pd.Series("nothing spent", X.index, dtype="string") + days
    return less.where(lately < before).where(lately > 0, nothing)


def _returns(X: pd.DataFrame) -> Text:
    phrase = _counted(X["refunds"], "refund") + " on " + _counted(X["orders"], "order")
    return phrase.where(X["refunds"] > 0)


def _discounts(X: pd.DataFrame) -> Text:
    share = X["discounted_orders_share"]
    phrase = _number(100 * share) + " % of orders bought at a discount"
    return phrase.where(share > 0)


def _feedback(X: pd.DataFrame) -> Text:
    last = X["satisfaction_last"]
    mood = np.where(last < 0, "negative", "neutral")
    ago = ", " + _counted(X["days_since_last_feedback"].clip(lower=1), "day") + " ago"
    return ("last feedback " + _text(mood, X.index) + ago).where(last <= 0)


def _tickets(X: pd.DataFrame) -> Text:
    still = (", " + _number(X["tickets_open"]) + " open").where(X["tickets_open"] > 0)
    phrase = _counted(X["ticket_count"], "support ticket") + still.fillna("")
    return phrase.where(X["ticket_count"] > 0)


def _offers(X: pd.DataFrame) -> Text:
    phrase = _counted(X["offers_365d"], "offer") + " in the last year, none redeemed so far"
    return phrase.where((X["offers_365d"] > 0) & (X["offers_redeemed"] == 0))


def of_profile(column: str, values: Sequence[str]) -> Phrase:
    """The phrase of a customer attribute: the value behind the code, or the number itself."""
    codes = {float(code): value for code, value in enumerate(values)}

    def say(X: pd.DataFrame) -> Text:
        number = X[column].map("{:g}".format, na_action="ignore")
        shown = X[column].map(codes) if codes else number
        return column.removeprefix("profile_") + " is " + shown.astype("string")

    return say


def of_own(feature: Feature) -> Phrase:
    """The phrase of a feature of the shop's own: what it means, and its value with the unit."""
    is_share = feature.unit == "share"
    unit = "" if is_share or not feature.unit else f" {feature.unit}"

    def say(X: pd.DataFrame) -> Text:
        form = "{:.0%}" if is_share else "{:,.4g}"
        number = X[feature.name].map(form.format, na_action="ignore").astype("string")
        return f"{feature.meaning}: " + number + unit

    return say


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "rhythm": _rhythm,
        "age": _age,
        "orders": _orders,
        "recent orders": _recent_orders,
        "season": _season,
        "spend": _spend,
        "recent spend": _recent_spend,
        "returns": _returns,
        "discounts": _discounts,
        "feedback": _feedback,
        "tickets": _tickets,
        "offers": _offers,
    }
)
