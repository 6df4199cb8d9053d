"""Small histories whose features can be worked out by hand."""

import math
from datetime import datetime

import pandas as pd
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.intake.mapping import Mapping
from features.table import feature_table

AS_OF, HORIZON = "2024-03-31", 30
NAN = math.nan


def orders(*rows, customer="a"):
    """Rows of (time, amount), optionally discount and recorded_at."""
    columns = ["ordered_at", "amount", "discount_amount", "recorded_at"]
    frame = pd.DataFrame([(*row, *[None] * (4 - len(row))) for row in rows], columns=columns)
    frame["discount_amount"] = frame["discount_amount"].astype(float)
    frame["recorded_at"] = frame["recorded_at"].astype("str")
    ids = [f"{customer}{i}" for i in range(len(rows))]
    return frame.assign(order_id=ids, customer_id=customer)


def features_of(frame, *names, as_of=AS_OF, **tables):
    """The named features of the first customer."""
    table = feature_table(History(frame, **tables), as_of, HORIZON)
    return table.loc[table.index[0], list(names)].to_list()


THREE_DAYS = orders(
    ("2024-01-01T12:00", 10.0),
    ("2024-01-11T08:00", 20.0),
    ("2024-01-11T20:00", 30.0),
    ("2024-03-01T00:00", 40.0),
)


def test_recency_counts_days_before_as_of():
    names = ["days_since_last_order", "days_since_first_order", "recency_over_horizon"]
    assert features_of(THREE_DAYS, *names, "recency_over_age") == [30.0, 89.5, 1.0, 30 / 89.5]


def test_buy_till_you_die_counts_purchase_days():
    names = ["frequency", "recency", "T", "orders", "purchase_days"]
    assert features_of(THREE_DAYS, *names) == [2.0, 60.0, 90.0, 4.0, 3.0]


def test_a_window_includes_its_first_instant_and_excludes_as_of():
    edges = orders(("2024-03-01", 1.0), ("2024-02-29T23:59", 2.0), ("2024-03-31", 4.0))
    assert features_of(edges, "orders_30d", "spend_30d", "orders_1h", "orders") == [1, 1.0, 1, 2]


def test_windows_in_horizons_and_their_shares():
    names = ["orders_025h", "orders_1h", "orders_2h", "orders_4h", "orders_share_1h"]
    assert features_of(THREE_DAYS, *names) == [0, 1, 1, 4, 0.25]


def test_an_order_weighs_half_after_its_half_life():
    thirty_and_ninety = orders(("2024-03-01", 8.0), ("2024-01-01", 8.0))
    names = ["orders_weighted_30d", "orders_weighted_90d", "orders_weighted_1h"]
    weighted = features_of(thirty_and_ninety, *names, "spend_weighted_1h")
    assert weighted == pytest.approx([0.5 + 0.125, 2 ** (-1 / 3) + 0.5, 0.625, 5.0])


def test_seasons_are_the_coming_window_of_earlier_years():
    edges = orders(
        ("2023-03-31T23:59", 1.0), ("2023-04-01", 1.0), ("2023-04-30T23:59", 1.0), ("2023-05-01", 1)
    )
    assert features_of(edges, "orders_season_1y", "orders_season_2y") == [2, 0]


def test_spend_over_orders_and_days():
    names = ["spend", "aov", "order_amount_max", "order_amount_median"]
    days = ["first_day_spend", "last_day_spend", "last_day_spend_over_aov"]
    assert features_of(THREE_DAYS, *names) == [100.0, 25.0, 40.0, 25.0]
    assert features_of(THREE_DAYS, *days) == [10.0, 40.0, 1.6]


def test_the_deviation_is_that_of_a_sample():
    assert features_of(THREE_DAYS, "order_amount_std") == pytest.approx([math.sqrt(500 / 3)])
    assert math.isnan(features_of(THREE_DAYS[:1], "order_amount_std")[0])


def test_lately_over_lifetime_order_value():
    two = orders(("2023-01-01", 10.0), ("2024-03-10", 30.0))
    assert features_of(two, "aov_90d_over_aov", "aov_1h_over_aov") == [1.5, 1.5]
    assert math.isnan(features_of(two[:1], "aov_90d_over_aov")[0])


def test_discounts_count_where_they_are_known():
    mixed = orders(("2024-03-01", 90.0, 10.0), ("2024-03-02", 100.0, 0.0), ("2024-03-03", 50.0))
    names = ["discounted_orders_share", "discount_share"]
    assert features_of(mixed, *names) == [0.5, 10.0 / 200.0]
    assert all(map(math.isnan, features_of(THREE_DAYS, *names)))


def test_gaps_lie_between_purchase_days():
    names = ["gap_mean", "gap_median", "gap_max", "gap_last", "gap_shrunk"]
    assert features_of(THREE_DAYS, *names) == [30.0, 30.0, 50.0, 50.0, 30.0]
    spread = math.sqrt(800)
    assert features_of(THREE_DAYS, "gap_std", "gap_cv") == pytest.approx([spread, spread / 30])


def test_overdue_compares_the_wait_with_the_customers_own_gaps():
    names = ["overdue_mean", "overdue_median", "overdue_max", "overdue_shrunk"]
    assert features_of(THREE_DAYS, *names) == [1.0, 1.0, 0.6, 1.0]


def test_regularity_is_one_without_evidence_and_grows_with_a_steady_rhythm():
    steady = orders(*((f"2024-01-{day:02}", 5.0) for day in (1, 8, 15, 22, 29)))
    variance = (1 / 12) / 4
    assert features_of(THREE_DAYS[:1], "regularity") == pytest.approx([1.0])
    assert features_of(steady, "regularity") == pytest.approx([(0.25 / variance - 1) / 2])


def test_the_trend_compares_two_stretches_of_90_days():
    rows = orders(("2024-03-01", 1), ("2024-02-01", 1), ("2024-01-15", 1), ("2023-12-01", 1))
    assert features_of(rows, "orders_trend_90d") == pytest.approx([math.log(4 / 2)])


def test_refunds_are_no_orders():
    rows = orders(("2024-01-01", 80.0), ("2024-01-05", 20.0), ("2024-03-01", -25.0))
    names = ["orders", "spend", "days_since_last_order", "days_since_last_refund", "refunds"]
    assert features_of(rows, *names) == [2, 100.0, 86.0, 30.0, 1]
    shares = ["refund_amount", "refund_order_share", "refund_amount_share"]
    assert features_of(rows, *shares) == [25.0, 0.5, 0.25]


def test_a_zero_amount_is_neither_order_nor_refund():
    rows = orders(("2024-01-01", 10.0), ("2024-03-01", 0.0))
    names = ["orders", "days_since_last_order", "refunds", "days_since_last_refund"]
    assert features_of(rows, *names) == pytest.approx([1, 90.0, 0, NAN], nan_ok=True)


def feedback(*rows):
    """Rows of (kind, time, score), optionally due_at and resolved_at."""
    columns = ["kind", "created_at", "score", "due_at", "resolved_at"]
    frame = pd.DataFrame([(*row, *[None] * (5 - len(row))) for row in rows], columns=columns)
    ids = [f"f{i}" for i in range(len(rows))]
    text = frame[["due_at", "resolved_at"]].astype("str")
    return frame.assign(feedback_id=ids, customer_id="a", **text).astype({"score": float})


def test_each_kind_of_feedback_has_its_own_scale():
    said = feedback(("nps", "2024-01-01", 9), ("nps", "2024-02-01", 3), ("review", "2024-02-10", 5))
    nps = ["nps_count", "nps_mean", "nps_last", "nps_promoter", "nps_detractor"]
    assert features_of(THREE_DAYS, *nps, feedback=said) == [2, 6.0, 3.0, 0.0, 1.0]
    review = ["review_count", "review_last", "csat_count"]
    assert features_of(THREE_DAYS, *review, feedback=said) == [1, 5.0, 0]


def test_satisfaction_puts_all_kinds_on_one_scale():
    said = feedback(("nps", "2023-03-01", 10), ("csat", "2024-02-29", 2), ("csat", "2024-02-29", 4))
    names = ["satisfaction_mean", "satisfaction_last", "satisfaction_slope"]
    assert features_of(THREE_DAYS, *names, feedback=said) == pytest.approx([1 / 3, 0.0, -1.0])


def test_a_slope_needs_scores_at_least_a_day_apart():
    said = feedback(("csat", "2024-02-29T00:00", 2), ("csat", "2024-02-29T23:59", 4))
    assert math.isnan(features_of(THREE_DAYS, "satisfaction_slope", feedback=said)[0])


def test_negative_feedback_lies_below_the_middle_of_its_scale():
    said = feedback(("csat", "2024-03-21", 3), ("csat", "2024-03-11", 2), ("nps", "2023-12-01", 4))
    names = ["days_since_last_feedback", "days_since_last_negative_feedback"]
    assert features_of(THREE_DAYS, *names, feedback=said) == [10.0, 20.0]
    assert features_of(THREE_DAYS, "negatives_90d", "negatives_180d", feedback=said) == [1, 2]


def test_feedback_without_a_score_counts_and_scores_nothing():
    said = feedback(("csat", "2024-03-01", 4), ("csat", "2024-03-11", None))
    names = ["csat_count", "csat_mean", "csat_last", "days_since_last_feedback"]
    assert features_of(THREE_DAYS, *names, feedback=said) == [2, 4.0, 4.0, 20.0]


def test_tickets_are_open_resolved_or_late():
    tickets = feedback(
        ("ticket", "2024-03-01T00:00", 4, "2024-03-02", "2024-03-01T06:00"),
        ("ticket", "2024-03-05T00:00", 2, "2024-03-06", "2024-03-06T06:00"),
        ("ticket", "2024-03-10T00:00", None, "2024-03-30", None),
        ("ticket", "2024-03-30T00:00", None, "2024-04-02", "2024-04-01"),
        ("ticket", "2024-03-20T00:00", None, "2024-03-31", None),
        ("ticket", "2024-03-20T00:00", None, None, None),
    )
    names = ["tickets_open", "ticket_hours_to_resolve", "tickets_overdue_share"]
    assert features_of(THREE_DAYS, *names, feedback=tickets) == [4, 18.0, 0.4]


def test_a_declared_kind_adds_its_columns():
    said = feedback(("stars", "2024-03-01", 8))
    mapping = Mapping(scales={"stars": (0, 10)})
    names = ["stars_count", "stars_mean", "stars_last", "satisfaction_mean"]
    row = features_of(THREE_DAYS, *names, feedback=said, mapping=mapping)
    assert row == pytest.approx([1, 8.0, 8.0, 0.6])


def test_a_control_row_is_no_offer():
    offers = pd.DataFrame(
        {
            "customer_id": "a",
            "campaign_id": ["1", "2", "3"],
            "offered_at": ["2024-03-21", "2024-03-01", "2023-10-01"],
            "offer_id": ["none", "discount", "points"],
            "redeemed_at": ["2024-03-22", "2024-03-05", None],
            "refused_at": [None, None, "2023-10-02"],
        }
    )
    names = ["days_since_last_offer", "offers_90d", "offers_365d", "offers_redeemed"]
    assert features_of(THREE_DAYS, *names, offers=offers) == [30.0, 1, 2, 1]
    assert features_of(THREE_DAYS, "offers_refused", "offer_redemption_rate", offers=offers) == [
        1,
        0.5,
    ]


def test_static_columns_are_features_and_text_is_coded():
    customers = pd.DataFrame({"customer_id": ["a"], "region": ["north"], "age": [40]})
    categories = {"region": ("south", "north")}
    mapping = Mapping(static=("region", "age"), categories=categories)
    names = ["profile_region", "profile_age"]
    assert features_of(THREE_DAYS, *names, customers=customers, mapping=mapping) == [1.0, 40.0]


def test_the_latest_known_version_of_a_customer_counts():
    customers = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "recorded_at": ["2024-01-01", "2024-03-01", "2024-03-31"],
            "points": [1.0, 2.0, 3.0],
        }
    )
    assert features_of(THREE_DAYS, "profile_points", customers=customers) == [2.0]


def test_a_row_counts_from_when_it_was_recorded():
    late = orders(("2024-03-01", 10.0), ("2024-03-02", 20.0, None, "2024-03-31"))
    assert features_of(late, "orders") == [1]
    assert features_of(late, "orders", as_of="2024-04-01") == [2]


def test_as_of_may_be_an_instant_of_the_day():
    names = ["days_since_last_order", "T", "gap_mean"]
    assert features_of(THREE_DAYS, *names, as_of=datetime(2024, 3, 31, 6)) == [30.25, 90.25, 30.0]


def test_rows_are_customers_with_a_positive_order_sorted_by_name():
    shop = pd.concat(
        [
            orders(("2024-03-01", 5.0), customer="b"),
            orders(("2024-03-01", -5.0), customer="refunded"),
            orders(("2024-03-01", 0.0), customer="free"),
            orders(("2024-03-31", 5.0), customer="tomorrow"),
            orders(("2024-03-30", 5.0), customer="B"),
        ]
    )
    table = feature_table(History(shop), AS_OF, HORIZON)
    assert table.index.to_list() == ["B", "b"]
    assert table.index.name == "customer_id"


def test_nobody_known_gives_an_empty_table_with_all_columns():
    table = feature_table(History(THREE_DAYS), "2000-01-01", HORIZON)
    assert len(table) == 0
    assert list(table) == list(feature_table(History(THREE_DAYS), AS_OF, HORIZON))


@pytest.mark.parametrize("horizon_days", [0, -1, NAN, math.inf])
def test_a_horizon_must_be_a_number_of_days(horizon_days):
    with pytest.raises(HistoryError, match="horizon_days must be"):
        feature_table(History(THREE_DAYS), AS_OF, horizon_days)


def test_a_category_of_a_model_may_be_missing_among_the_customers():
    customers = pd.DataFrame({"customer_id": ["a"], "age": [40]})
    history = History(THREE_DAYS, customers=customers, mapping=Mapping(static=("age",)))
    table = feature_table(history.with_categories({"tier": ("a", "b")}), AS_OF, HORIZON)
    assert "profile_tier" not in table and table["profile_age"].to_list() == [40.0]


def test_a_text_that_nobody_has_is_unknown_of_all():
    customers = pd.DataFrame({"customer_id": ["a"], "region": [None]}, dtype="string")
    mapping = Mapping(static=("region",))
    history = History(THREE_DAYS, customers=customers, mapping=mapping)
    assert feature_table(history, AS_OF, HORIZON)["profile_region"].isna().all()
