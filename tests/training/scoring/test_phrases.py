import numpy as np
import pandas as pd
import pytest

from training.scoring.phrases import PHRASES, of_profile

UNKNOWN = pd.NA


def said(topic: str, **row: float) -> object:
    return PHRASES[topic](pd.DataFrame({name: [float(value)] for name, value in row.items()}))[0]


@pytest.mark.parametrize(
    ("topic", "row", "phrase"),
    [
        (
            "rhythm",
            {"days_since_last_order": 74.3, "gap_median": 21.0},
            "no order for 74 days, usually every 21",
        ),
        ("rhythm", {"days_since_last_order": 0.2, "gap_median": np.nan}, "no order for 1 day"),
        (
            "rhythm",
            {"days_since_last_order": 1234.0, "gap_median": 0.2},
            "no order for 1,234 days, usually every 1",
        ),
        (
            "rhythm",
            {"days_since_last_order": 20.0, "gap_median": 60.0},
            "orders only about every 60 days",
        ),
        ("age", {"days_since_first_order": 400.0}, "first order 400 days ago"),
        ("orders", {"orders": 1.0}, "only one order"),
        ("orders", {"orders": 12.0}, "12 orders so far"),
        (
            "recent orders",
            {"orders_1h": 1, "orders_2h": 4, "horizon_days": 90, "days_since_first_order": 91},
            "1 order in the last 90 days, 3 in the 90 before",
        ),
        (
            "recent orders",
            {"orders_1h": 0, "orders_2h": 0, "horizon_days": 30, "days_since_first_order": 99},
            "no orders in the last 30 days, none in the 30 before",
        ),
        (
            "recent orders",
            {"orders_1h": 2, "orders_2h": 2, "horizon_days": 30, "days_since_first_order": 30},
            UNKNOWN,
        ),
        (
            "season",
            {"orders_season_1y": 0.0, "days_since_first_order": 365.0},
            "no orders in the coming season a year ago",
        ),
        ("season", {"orders_season_1y": 0.0, "days_since_first_order": 364.0}, UNKNOWN),
        ("spend", {"aov": 25.4}, "spends 25 an order"),
        (
            "recent spend",
            {"spend_1h": 0.0, "horizon_days": 90.0},
            "nothing spent in the last 90 days",
        ),
        ("recent spend", {"spend_1h": 80.0, "horizon_days": 90.0}, "80 spent in the last 90 days"),
        ("returns", {"refunds": 1.0, "orders": 2.0}, "1 refund on 2 orders"),
        ("returns", {"refunds": 0.0, "orders": 2.0}, UNKNOWN),
        ("discounts", {"discounted_orders_share": 0.4}, "40 % of orders bought at a discount"),
        ("discounts", {"discounted_orders_share": 0.0}, "never bought at a discount"),
        ("discounts", {"discounted_orders_share": np.nan}, UNKNOWN),
        (
            "feedback",
            {"satisfaction_last": -0.5, "days_since_last_feedback": 12.0},
            "last feedback negative, 12 days ago",
        ),
        (
            "feedback",
            {"satisfaction_last": 0.0, "days_since_last_feedback": 1.0},
            "last feedback neutral, 1 day ago",
        ),
        ("feedback", {"satisfaction_last": 0.5, "days_since_last_feedback": 3.0}, UNKNOWN),
        ("feedback", {"satisfaction_last": np.nan, "days_since_last_feedback": 3.0}, UNKNOWN),
        ("tickets", {"ticket_count": 1.0, "tickets_open": 0.0}, "1 support ticket"),
        ("tickets", {"ticket_count": 3.0, "tickets_open": 2.0}, "3 support tickets, 2 open"),
        ("tickets", {"ticket_count": 0.0, "tickets_open": 0.0}, UNKNOWN),
        (
            "offers",
            {"offers_365d": 2.0, "offers_redeemed": 0.0},
            "2 offers in the last year, none redeemed so far",
        ),
        ("offers", {"offers_365d": 0.0, "offers_redeemed": 1.0}, UNKNOWN),
    ],
)
def test_a_phrase_says_the_customers_own_numbers(topic, row, phrase):
    found = said(topic, **row)

    assert found is phrase or found == phrase


@pytest.mark.parametrize(
    ("values", "code", "phrase"),
    [
        (("ads", "mail"), 1.0, "channel is mail"),
        (("ads", "mail"), np.nan, UNKNOWN),
        ((), 3.0, "channel is 3"),
        ((), 0.25, "channel is 0.25"),
        ((), np.nan, UNKNOWN),
    ],
)
def test_an_attribute_is_named_by_its_value(values, code, phrase):
    found = of_profile("profile_channel", values)(pd.DataFrame({"profile_channel": [code]}))[0]

    assert found is phrase or found == phrase
