"""Signals: what stands out about a customer that an offer may address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import pandas as pd

from training.scoring.phrases import PHRASES, said_of_all

Rule = Callable[[pd.DataFrame], "pd.Series[bool]"]
Words = Callable[[pd.DataFrame], "pd.Series[str]"]

# All that the rules and their texts look at.
FEATURES = (
    "days_since_last_order", "days_since_first_order", "days_since_last_negative_feedback",
    "frequency", "purchase_days", "orders", "overdue_median", "gap_median", "age_over_horizon",
    "horizon_days", "spend_1h", "spend_4h", "discounted_orders_share", "refunds",
    "refund_order_share", "satisfaction_last", "satisfaction_mean", "ticket_count", "tickets_open",
)  # fmt: skip
VALUE = ("clv", "clv_horizon_days")

# Of the customers, by value.
TOP_SHARE = 0.2
# Times the usual interval: twice is late for anybody with a rhythm.
TWICE_LATE = 2.0
# Of the orders: a habit, not an occasion.
THIRD = 1 / 3


@dataclass(frozen=True)
class Signal:
    """A rule that a customer meets or not, by what was known strictly before `as_of`.

    Attributes
    ----------
    name : str
    rule : str
        The rule in a sentence for people.
    holds : callable
        Figures of the customers -> whether the rule holds, a row each. The figures are the columns
        of the feature table, and `clv` and `clv_horizon_days` of the scores.
    say : callable
        Figures -> what the customer's own numbers say of it, a text each.
    """

    name: str
    rule: str
    holds: Rule
    say: Words


def figures_of(scores: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """What signals look at: the scored customers' rows of the feature table, and their value.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (customers, columns)
        Of `Scorer.score`; `customer_id`, `clv` and `clv_horizon_days` are used.
    table : pandas.DataFrame, shape (at least those customers, features)
        The feature table at the same `as_of`.

    Returns
    -------
    pandas.DataFrame, shape (customers, features)
        Index `customer_id`, in the order of the scores.
    """
    customers = pd.Index(scores["customer_id"], name="customer_id")
    value = {name: scores[name].to_numpy() for name in VALUE}
    return table[list(FEATURES)].reindex(customers).assign(**value)


def signals_of(figures: pd.DataFrame) -> pd.DataFrame:
    """Which signals each customer shows.

    Returns
    -------
    pandas.DataFrame of bool, shape (customers, signals)
        A column for each of `SIGNALS`.

    Examples
    --------
    >>> from features.history.history import History
    >>> from features.table import feature_table
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-05"],
    ...     "amount": [20.0]}))
    >>> scores = pd.DataFrame({"customer_id": ["a"], "clv": 9.0, "clv_horizon_days": 90})
    >>> found = signals_of(figures_of(scores, feature_table(history, "2024-02-01", 90)))
    >>> list(found.columns[found.loc["a"]])
    ['first_order', 'silent']
    """
    found = {name: signal.holds(figures).to_numpy(bool) for name, signal in SIGNALS.items()}
    return pd.DataFrame(found, index=figures.index)


def _is_unhappy(X: pd.DataFrame) -> pd.Series[bool]:
    return X["satisfaction_last"] < 0


def _has_open_ticket(X: pd.DataFrame) -> pd.Series[bool]:
    return X["tickets_open"] > 0


def _is_overdue(X: pd.DataFrame) -> pd.Series[bool]:
    # One interval is not yet a rhythm.
    return (X["frequency"] >= 2) & (X["overdue_median"] >= TWICE_LATE)


def _bought_once(X: pd.DataFrame) -> pd.Series[bool]:
    return X["purchase_days"] == 1


def _bought_often(X: pd.DataFrame) -> pd.Series[bool]:
    return X["purchase_days"] >= 3


def _spends_less(X: pd.DataFrame) -> pd.Series[bool]:
    lately, before = X["spend_1h"], _usual_spend(X)
    return (X["age_over_horizon"] >= 4) & (lately > 0) & (lately < before / 2)


def _usual_spend(X: pd.DataFrame) -> pd.Series[float]:
    return (X["spend_4h"] - X["spend_1h"]) / 3


def _is_worth_most(X: pd.DataFrame) -> pd.Series[bool]:
    return X["clv"] > X["clv"].quantile(1 - TOP_SHARE)


def _is_silent(X: pd.DataFrame) -> pd.Series[bool]:
    return X["satisfaction_mean"].isna() & ~(X["ticket_count"] > 0)


def _buys_at_discount(X: pd.DataFrame) -> pd.Series[bool]:
    return X["discounted_orders_share"] >= THIRD


def _sends_back(X: pd.DataFrame) -> pd.Series[bool]:
    return (X["refunds"] >= 2) & (X["refund_order_share"] >= THIRD)


def _amounts(values: pd.Series[float]) -> pd.Series[str]:
    return values.round().map("{:,.0f}".format, na_action="ignore").astype("string")


def _say_unhappy(X: pd.DataFrame) -> pd.Series[str]:
    return "negative feedback " + _days(X["days_since_last_negative_feedback"]) + " ago"


def _days(values: pd.Series[float]) -> pd.Series[str]:
    whole = values.clip(lower=1).round()
    return _amounts(whole) + (whole == 1).map({True: " day", False: " days"}).astype("string")


def _say_less(X: pd.DataFrame) -> pd.Series[str]:
    lately, usual = _amounts(X["spend_1h"]), _amounts(_usual_spend(X))
    return lately + " spent in the last " + _days(X["horizon_days"]) + ", usually " + usual


def _say_worth(X: pd.DataFrame) -> pd.Series[str]:
    return "worth " + _amounts(X["clv"]) + " in the next " + _days(X["clv_horizon_days"])


def _say_once(X: pd.DataFrame) -> pd.Series[str]:
    return "first order " + _days(X["days_since_first_order"]) + " ago"


def _say_often(X: pd.DataFrame) -> pd.Series[str]:
    # What speaks for a customer is a reason for an offer, if none for a risk.
    return _amounts(X["orders"]) + " orders so far"


def _say_silent(X: pd.DataFrame) -> pd.Series[str]:
    return pd.Series("never gave feedback", index=X.index, dtype="string")


SIGNALS: Mapping[str, Signal] = MappingProxyType(
    {
        signal.name: signal
        for signal in (
            Signal(
                "negative_feedback",
                "the latest score of any feedback lies in the lower half of its scale",
                _is_unhappy,
                _say_unhappy,
            ),
            Signal(
                "open_ticket",
                "a support ticket is open",
                _has_open_ticket,
                partial(said_of_all, PHRASES["tickets"]),
            ),
            Signal(
                "overdue",
                "no order for twice the customer's own median interval or longer, where there are "
                "at least two intervals",
                _is_overdue,
                partial(said_of_all, PHRASES["rhythm"]),
            ),
            Signal(
                "falling_spend",
                "some spend in the last horizon, but less than half of the average of the three "
                "horizons before; for customers of at least four horizons",
                _spends_less,
                _say_less,
            ),
            Signal(
                "first_order",
                "all orders were on one day",
                _bought_once,
                _say_once,
            ),
            Signal(
                "repeat_buyer",
                "orders on at least three days",
                _bought_often,
                _say_often,
            ),
            Signal(
                "high_value",
                "`clv` in the top fifth of the customers scored",
                _is_worth_most,
                _say_worth,
            ),
            Signal(
                "discount_buyer",
                "at least a third of the orders bought at a discount",
                _buys_at_discount,
                partial(said_of_all, PHRASES["discounts"]),
            ),
            Signal(
                "returns",
                "at least two refunds, and refunds on at least a third of the orders",
                _sends_back,
                partial(said_of_all, PHRASES["returns"]),
            ),
            Signal(
                "silent",
                "never gave a score and never opened a ticket",
                _is_silent,
                _say_silent,
            ),
        )
    }
)
