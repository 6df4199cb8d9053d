"""How a reason reads: a phrase about every row of a feature table, missing where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

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
    """Late by the customer's own rhythm, or of a slow one."""
    since, usual = X["days_since_last_order"].clip(lower=1), X["gap_median"].clip(lower=1)
    silent = "no order for " + _counted(since, "day")
    late = silent + (", usually every " + _number(usual)).fillna("")
    slow = "orders only about every " + _counted(usual, "day")
    return late.where(~(since < usual), slow)


def _age(X: pd.DataFrame) -> Text:
    return "first order " + _counted(X["days_since_first_order"].clip(lower=1), "day") + " ago"


def _orders(X: pd.DataFrame) -> Text:
    return (_counted(X["orders"], "order") + " so far").where(X["orders"] > 1, "only one order")


def _recent_orders(X: pd.DataFrame) -> Text:
    days = _number(X["horizon_days"])
    before = _number(X["orders_2h"] - X["orders_1h"]).replace("0", "none")
    lately = _counted(X["orders_1h"], "order")
    phrase = lately + " in the last " + days + " days, " + before + " in the " + days + " before"
    return phrase.where(X["days_since_first_order"] > X["horizon_days"])


def _season(X: pd.DataFrame) -> Text:
    phrase = _counted(X["orders_season_1y"], "order") + " in the coming season a year ago"
    return phrase.where(X["days_since_first_order"] >= 365)


def _spend(X: pd.DataFrame) -> Text:
    return "spends " + _number(X["aov"]) + " an order"


def _recent_spend(X: pd.DataFrame) -> Text:
    spent = _number(X["spend_1h"]).replace("0", "nothing")
    return spent + " spent in the last " + _number(X["horizon_days"]) + " days"


def _returns(X: pd.DataFrame) -> Text:
    phrase = _counted(X["refunds"], "refund") + " on " + _counted(X["orders"], "order")
    return phrase.where(X["refunds"] > 0)


def _discounts(X: pd.DataFrame) -> Text:
    share = X["discounted_orders_share"]
    phrase = _number(100 * share) + " % of orders bought at a discount"
    return phrase.where(share > 0, "never bought at a discount").where(share.notna())


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
    redeemed = _number(X["offers_redeemed"]).replace("0", "none") + " redeemed so far"
    phrase = _counted(X["offers_365d"], "offer") + " in the last year, " + redeemed
    return phrase.where(X["offers_365d"] > 0)


def of_profile(column: str, values: Sequence[str]) -> Phrase:
    """The phrase of a customer attribute: the value behind the code, or the number itself."""
    codes = {float(code): value for code, value in enumerate(values)}

    def say(X: pd.DataFrame) -> Text:
        number = X[column].map("{:g}".format, na_action="ignore")
        shown = X[column].map(codes) if codes else number
        return column.removeprefix("profile_") + " is " + shown.astype("string")

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
