import numpy as np
import pandas as pd
import pytest

from training.scoring import phrases
from training.scoring.phrases import PHRASES, of_profile

UNKNOWN = None


def said(topic: str, **row: float) -> object:
    return phrases.said(PHRASES[topic], {name: float(value) for name, value in row.items()})


def silent(since: float, usual: float) -> dict[str, float]:
    return {"days_since_last_order": since, "gap_median": usual, "horizon_days": 90.0}


def aged(days: float, orders: float) -> dict[str, float]:
    counts = {"orders": orders, "purchase_days": orders}
    return {"days_since_first_order": days, "horizon_days": 90.0, **counts}


def ordered(lately: float, before: float) -> dict[str, float]:
    counts = {"orders_1h": lately, "orders_2h": lately + before}
    return {**counts, "horizon_days": 90.0, "days_since_first_order": 400.0}


def spent(lately: float, in_three_before: float) -> dict[str, float]:
    return {"spend_1h": lately, "spend_4h": lately + in_three_before, "horizon_days": 90.0}


@pytest.mark.parametrize(
    ("topic", "row", "phrase"),
    [
        ("rhythm", silent(74.3, 21.0), "used to order every 21 days, none for 74"),
        ("rhythm", silent(1234.0, 0.2), "used to order every 1 day, none for 1,234"),
        ("rhythm", silent(20.0, 60.0), "orders only about every 60 days"),
        ("rhythm", silent(20.0, 44.0), UNKNOWN),
        ("rhythm", silent(44.0, np.nan), "no order for 44 days"),
        ("rhythm", silent(5.0, np.nan), UNKNOWN),
        ("age", aged(40.0, 2.0), "first order only 40 days ago"),
        ("age", aged(400.0, 2.0), "2 orders in 400 days"),
        ("age", aged(400.0, 20.0), UNKNOWN),
        ("orders", {"orders": 1.0}, "only one order"),
        ("orders", {"orders": 2.0}, "only 2 orders so far"),
        ("orders", {"orders": 20.0}, UNKNOWN),
        ("recent orders", ordered(1, 3), "1 order in the last 90 days, 3 in the 90 before"),
        ("recent orders", ordered(0, 0), "no orders in the last 90 days, none in the 90 before"),
        ("recent orders", ordered(3, 1), UNKNOWN),
        ("recent orders", ordered(2, 2), UNKNOWN),
        ("recent orders", {**ordered(1, 3), "days_since_first_order": 90}, UNKNOWN),
        (
            "season",
            {"orders_season_1y": 0.0, "days_since_first_order": 365.0},
            "no orders in the coming season a year ago",
        ),
        ("season", {"orders_season_1y": 0.0, "days_since_first_order": 364.0}, UNKNOWN),
        ("season", {"orders_season_1y": 3.0, "days_since_first_order": 500.0}, UNKNOWN),
        ("spend", {"aov": 25.4, "usual_spend": 30.0}, "spends 25 an order, less than most"),
        ("spend", {"aov": 250.4, "usual_spend": 30.0}, UNKNOWN),
        ("recent spend", spent(0.0, 0.0), "nothing spent in the last 90 days"),
        ("recent spend", spent(0.0, 900.0), "nothing spent in the last 90 days"),
        ("recent spend", spent(80.0, 360.0), "80 spent in the last 90 days, 120 in each 90 before"),
        ("recent spend", spent(80.0, 60.0), UNKNOWN),
        ("returns", {"refunds": 1.0, "orders": 2.0}, "1 refund on 2 orders"),
        ("returns", {"refunds": 0.0, "orders": 2.0}, UNKNOWN),
        ("discounts", {"discounted_orders_share": 0.4}, "40 % of orders bought at a discount"),
        ("discounts", {"discounted_orders_share": 0.0}, UNKNOWN),
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
        ("offers", {"offers_365d": 2.0, "offers_redeemed": 1.0}, UNKNOWN),
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
    found = phrases.said(of_profile("profile_channel", values), {"profile_channel": code})

    assert found is phrase or found == phrase


def test_a_phrase_about_a_table_is_that_about_every_row():
    table = pd.DataFrame(
        {"refunds": [1.0, 0.0, np.nan], "orders": [2.0, 5.0, 1.0], "another": 3.0},
        index=["a", "b", "c"],
    )

    found = phrases.said_of_all(PHRASES["returns"], table)

    assert found.fillna("-").to_dict() == {"a": "1 refund on 2 orders", "b": "-", "c": "-"}
    assert found.dtype == "string"


@pytest.mark.parametrize("topic", PHRASES)
def test_a_phrase_reads_no_more_than_is_listed(topic):
    """And says nothing of numbers that are not known, but for who has bought on one day."""
    known = dict.fromkeys(phrases.READ, 1.0)
    nothing = dict.fromkeys(phrases.READ, np.nan)

    phrases.said(PHRASES[topic], known)
    assert phrases.said(PHRASES[topic], nothing) is None
