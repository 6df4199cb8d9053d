import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.table import feature_table
from offers.catalogue.signals import FEATURES, SIGNALS, VALUE, figures_of, signals_of

AS_OF = "2024-01-01"
HORIZON = 30

QUIET = {
    **dict.fromkeys(FEATURES, np.nan),
    **dict.fromkeys(("refunds", "refund_order_share", "ticket_count", "tickets_open"), 0.0),
    "days_since_last_order": 10.0,
    "days_since_first_order": 400.0,
    "frequency": 1.0,
    "purchase_days": 2.0,
    "orders": 2.0,
    "horizon_days": 30.0,
    "satisfaction_mean": 0.5,
    "satisfaction_last": 0.5,
    "clv": 10.0,
    "clv_horizon_days": 90.0,
}


def figures(*rows):
    index = pd.Index([f"c{i}" for i in range(len(rows))], name="customer_id")
    return pd.DataFrame([{**QUIET, **row} for row in rows], index=index)


def shown(**row):
    found = signals_of(figures(row)).iloc[0]
    return set(found.index[found])


def test_there_is_nothing_to_see_in_a_quiet_customer():
    assert shown() == set()


@pytest.mark.parametrize(
    ("name", "meets", "misses"),
    [
        ("negative_feedback", {"satisfaction_last": -0.1}, {"satisfaction_last": 0.0}),
        ("negative_feedback", {"satisfaction_last": -1.0}, {"satisfaction_last": np.nan}),
        ("open_ticket", {"tickets_open": 1}, {"tickets_open": 0}),
        ("first_order", {"purchase_days": 1}, {"purchase_days": 2}),
        ("repeat_buyer", {"purchase_days": 3}, {"purchase_days": 2}),
        (
            "overdue",
            {"frequency": 2, "overdue_median": 2.0},
            {"frequency": 2, "overdue_median": 1.9},
        ),
        (
            "overdue",
            {"frequency": 2, "overdue_median": 9.0},
            {"frequency": 1, "overdue_median": 9.0},
        ),
        (
            "falling_spend",
            {"age_over_horizon": 4, "spend_1h": 9, "spend_4h": 69},
            {"age_over_horizon": 4, "spend_1h": 10, "spend_4h": 70},
        ),
        (
            "falling_spend",
            {"age_over_horizon": 4, "spend_1h": 9, "spend_4h": 69},
            {"age_over_horizon": 4, "spend_1h": 0, "spend_4h": 60},
        ),
        (
            "falling_spend",
            {"age_over_horizon": 4, "spend_1h": 9, "spend_4h": 69},
            {"age_over_horizon": 3.9, "spend_1h": 9, "spend_4h": 69},
        ),
        (
            "discount_buyer",
            {"discounted_orders_share": 1 / 3},
            {"discounted_orders_share": 0.33},
        ),
        (
            "discount_buyer",
            {"discounted_orders_share": 1.0},
            {"discounted_orders_share": np.nan},
        ),
        (
            "returns",
            {"refunds": 2, "refund_order_share": 1 / 3},
            {"refunds": 1, "refund_order_share": 1.0},
        ),
        (
            "returns",
            {"refunds": 2, "refund_order_share": 0.5},
            {"refunds": 2, "refund_order_share": 0.3},
        ),
        ("silent", {"satisfaction_mean": np.nan}, {"satisfaction_mean": 0.0}),
        ("silent", {"satisfaction_mean": np.nan}, {"satisfaction_mean": np.nan, "ticket_count": 1}),
    ],
)
def test_a_signal_shows_exactly_where_its_rule_holds(name, meets, misses):
    assert shown(**meets) == {name}
    assert name not in shown(**misses)


def test_high_value_is_the_top_fifth_of_the_customers_scored():
    found = signals_of(figures(*({"clv": value} for value in range(10))))
    assert found.index[found["high_value"]].tolist() == ["c8", "c9"]


def test_where_all_are_worth_the_same_nobody_is_of_high_value():
    assert not signals_of(figures(*[{}] * 10))["high_value"].any()


def test_figures_are_those_of_the_scored_customers_in_the_order_of_the_scores():
    table = figures({"orders": 1.0}, {"orders": 2.0}, {"orders": 3.0}).drop(columns=list(VALUE))
    scores = pd.DataFrame({"customer_id": ["c2", "c0"], "clv": [5.0, 6.0], "clv_horizon_days": 90})
    found = figures_of(scores, table)
    assert found.index.tolist() == ["c2", "c0"]
    assert found[["orders", "clv"]].to_numpy().tolist() == [[3.0, 5.0], [1.0, 6.0]]


def test_a_shop_gives_the_signals_worked_out_by_hand():
    days = {
        "late": ["2023-09-01", "2023-09-11", "2023-09-21", "2023-10-01"],
        "newcomer": ["2023-12-20"],
        "unhappy": ["2023-12-01", "2023-12-20"],
    }
    orders = pd.DataFrame(
        [
            {"order_id": f"{who}{day}", "customer_id": who, "ordered_at": day, "amount": 20.0}
            for who, own in days.items()
            for day in own
        ]
    )
    feedback = pd.DataFrame(
        {
            "customer_id": ["unhappy", "late", "late"],
            "kind": ["review", "nps", "ticket"],
            "created_at": ["2023-12-22", "2023-09-02", "2023-09-02"],
            "score": [1.0, 9.0, None],
        }
    )
    table = feature_table(History(orders, feedback), AS_OF, HORIZON)
    scores = pd.DataFrame({"customer_id": list(days), "clv": [1.0, 1.0, 9.0]})
    found = signals_of(figures_of(scores.assign(clv_horizon_days=HORIZON), table))
    assert {who: set(found.columns[row]) for who, row in found.iterrows()} == {
        "late": {"open_ticket", "overdue", "repeat_buyer"},
        "newcomer": {"first_order", "silent"},
        "unhappy": {"negative_feedback", "high_value"},
    }


@pytest.mark.parametrize(
    ("name", "row", "text"),
    [
        (
            "negative_feedback",
            {"days_since_last_negative_feedback": 12.4},
            "negative feedback 12 days ago",
        ),
        (
            "negative_feedback",
            {"days_since_last_negative_feedback": 0.2},
            "negative feedback 1 day ago",
        ),
        ("open_ticket", {"ticket_count": 2, "tickets_open": 1}, "2 support tickets, 1 open"),
        (
            "overdue",
            {"days_since_last_order": 61, "gap_median": 20},
            "used to order every 20 days, none for 61",
        ),
        (
            "falling_spend",
            {"spend_1h": 9, "spend_4h": 69},
            "9 spent in the last 30 days, usually 20",
        ),
        ("first_order", {"days_since_first_order": 8}, "first order 8 days ago"),
        ("repeat_buyer", {"orders": 5}, "5 orders so far"),
        ("high_value", {"clv": 1234.5}, "worth 1,234 in the next 90 days"),
        ("discount_buyer", {"discounted_orders_share": 0.5}, "50 % of orders bought at a discount"),
        ("returns", {"refunds": 2, "orders": 4}, "2 refunds on 4 orders"),
        ("silent", {}, "never gave feedback"),
    ],
)
def test_a_signal_speaks_in_the_customers_own_numbers(name, row, text):
    assert SIGNALS[name].say(figures(row)).tolist() == [text]
