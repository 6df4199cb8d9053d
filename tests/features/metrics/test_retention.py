"""Metrics against figures worked out by hand, identities and the law of the cut."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.errors import HistoryError
from features.history.history import History
from features.intake.mapping import Mapping, TableMapping
from features.metrics.catalogue import METRICS
from features.metrics.retention import retention_metrics
from features.table import feature_table

ORDERS = [
    ("a", "2024-01-05", 10), ("a", "2024-02-10", 20), ("a", "2024-02-12", 5),
    ("b", "2024-01-20", 40), ("b", "2024-02-20", -15),
    ("c", "2023-11-01", 7), ("c", "2024-02-25", 8),
    ("d", "2024-02-03", 100),
    ("e", "2023-12-30", 50), ("e", "2024-01-02T12:00", 30),
]  # fmt: skip
FEEDBACK = [
    ("a", "nps", "2024-02-01", 10), ("b", "nps", "2024-02-02", 9), ("c", "nps", "2024-02-03", 3),
    ("d", "nps", "2024-02-29T23:59", 7), ("a", "nps", "2024-03-01", 0),
    ("a", "csat", "2024-02-05", 4), ("b", "csat", "2024-02-05", 3),
    ("a", "review", "2024-02-07", 5), ("b", "review", "2024-02-08", 2),
]  # fmt: skip


def orders_of(rows):
    found = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return found.assign(order_id=[f"o{number}" for number in range(len(found))])


def february(rows=ORDERS, horizon=30, feedback=None, **given):
    table = None
    if feedback is not None:
        table = pd.DataFrame(feedback, columns=["customer_id", "kind", "created_at", "score"])
    history = History(orders_of(rows), table)
    found = retention_metrics(history, horizon, "2024-02-01", "2024-03-01", **given)
    assert len(found.overall) == 1
    return found.overall.iloc[0]


def test_the_textbooks_case():
    """150 at the start, 50 gained and 7 lost are 193 at the end: 95.3 % are kept."""
    rows = [(f"c{i}", "2024-01-20", 10) for i in range(150)]
    rows += [(f"c{i}", "2024-02-15", 10) for i in range(143)]
    rows += [(f"n{i}", "2024-02-20", 10) for i in range(50)]
    found = february(rows)
    assert found["customers_at_start"] == 150
    assert found["new_customers"] == 50
    assert found["lost_customers"] == 7
    assert found["customers_at_end"] == 193
    assert found["customer_retention_rate"] == pytest.approx(143 / 150)
    assert found["churn_rate"] == pytest.approx(7 / 150)


def test_who_came_stayed_came_back_and_was_lost():
    """At the start a, b and e (of January 2nd on); b's refund is no order; c comes back."""
    found = february()
    expected = {
        "customers_at_start": 3, "new_customers": 1, "reactivated_customers": 1,
        "retained_customers": 1, "lost_customers": 2, "customers_at_end": 3,
        "customer_retention_rate": 1 / 3, "churn_rate": 2 / 3,
    }  # fmt: skip
    assert found[[*expected]].to_dict() == pytest.approx(expected)


def test_what_they_bought():
    expected = {
        "orders": 4, "buyers": 3, "repeat_buyers": 1, "returning_buyers": 2, "revenue": 133,
        "refunds": 15, "net_revenue": 118, "refund_rate": 15 / 133, "aov": 133 / 4,
        "purchase_frequency": 4 / 3, "repeat_customer_rate": 1 / 3,
        "returning_customer_rate": 2 / 3, "days_between_purchases": (36 + 2 + 116) / 3,
    }  # fmt: skip
    assert february()[[*expected]].to_dict() == pytest.approx(expected)


def test_the_bridge_from_january():
    """a spent 10 and now 25, b 40 and e 30 nothing; c 8 after a pause, d 100 for the first time."""
    expected = {
        "previous_period_revenue": 80, "revenue_new": 100, "revenue_returned": 8,
        "revenue_more": 15, "revenue_less": 0, "revenue_gone": 70,
        "gross_revenue_retention": 10 / 80, "net_revenue_retention": 25 / 80,
    }  # fmt: skip
    assert february()[[*expected]].to_dict() == pytest.approx(expected)


def test_what_they_said():
    expected = {
        "nps_answers": 4, "nps_promoters": 2, "nps_detractors": 1, "nps": 25,
        "csat_answers": 2, "csat_satisfied": 1, "csat": 0.5, "csat_low": 0.0945312057,
        "csat_high": 0.9054687943, "review_answers": 2, "review_mean": 3.5,
        "review_low": 3.5 - 12.7062047 * 1.5, "review_high": 3.5 + 12.7062047 * 1.5,
    }  # fmt: skip
    found = february(feedback=FEEDBACK)
    assert found[[*expected]].to_dict() == pytest.approx(expected)
    assert -100 <= found["nps_low"] < 25 < found["nps_high"] <= 100


def test_an_interval_where_all_say_the_same_has_a_width():
    rows = [(f"c{i}", "nps", "2024-02-05", 10) for i in range(4)]
    rows += [(f"c{i}", "csat", "2024-02-05", 5) for i in range(4)]
    found = february(feedback=rows)
    assert (found["nps"], found["csat"]) == (100, 1)
    assert found["nps_low"] < 70
    assert found["csat_low"] == pytest.approx(4 / (4 + 1.959964**2))


def test_an_answer_counts_when_it_became_known_and_a_ticket_when_it_was_resolved():
    feedback = pd.DataFrame(
        [
            ("a", "nps", "2024-01-30", 9, "2024-02-02", None, None),
            ("b", "nps", "2024-02-28", 0, "2024-03-02", None, None),
            ("a", "ticket", "2024-01-30", 4, None, "2024-02-01T12:00", "2024-02-02"),
            ("b", "ticket", "2024-02-01", 4, None, "2024-02-03", "2024-02-02"),
            ("c", "ticket", "2024-02-01", 4, None, "2024-03-05", "2024-02-02"),
        ],
        columns=["customer_id", "kind", "created_at", "score", "recorded_at", "resolved_at",
                 "due_at"],
    )  # fmt: skip
    feedback["recorded_at"] = feedback["recorded_at"].fillna(feedback["created_at"])
    history = History(orders_of(ORDERS), feedback)
    found = retention_metrics(history, 30, "2024-02-01", "2024-03-01").overall.iloc[0]
    assert (found["nps_answers"], found["nps"]) == (1, 100)
    assert found["tickets_resolved"] == 2
    assert found["ticket_hours_to_resolve"] == pytest.approx((60 + 48) / 2)
    assert found["tickets_in_time_share"] == 0.5


def test_what_nobody_knows_is_unknown_and_not_0():
    found = february([row for row in ORDERS if row[1] >= "2024-02"])
    unknown = ["customers_at_start", "lost_customers", "churn_rate", "previous_period_revenue"]
    assert found[[*unknown, "nps", "nps_answers", "tickets_resolved"]].isna().all()
    assert found["new_customers"] == 3


def test_periods_before_and_after_the_history_are_unknown():
    history = History(orders_of(ORDERS))
    found = retention_metrics(history, 30, "2023-09-01", "2024-06-01").overall
    told = found.set_index("start")["orders"]
    assert told.isna().tolist() == [True, True, *[False] * 4, True, True, True]
    assert told["2023-11-01"] == 1


def test_a_month_without_orders_has_none():
    rows = [("a", "2024-01-05", 10), ("a", "2024-03-05", 10)]
    found = february(rows)
    assert (found["orders"], found["revenue"], found["lost_customers"]) == (0, 0, 1)
    assert np.isnan(found["aov"]) and found["churn_rate"] == 1


def test_an_order_recorded_late_changes_no_closed_month():
    rows = orders_of(ORDERS).assign(recorded_at=lambda found: found["ordered_at"])
    rows.loc[3, "recorded_at"] = "2024-02-03"  # b's order of January 20th.
    found = retention_metrics(History(rows), 30).overall.set_index("start")
    assert found.loc["2024-01-01", "revenue"] == 40
    assert found.loc["2024-02-01", "previous_period_revenue"] == 80


ENDS = ["2023-02-01", "2023-09-01", "2024-02-01"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", range(4))
def test_what_comes_later_changes_no_closed_period(messy_shop, seed, end):
    shop = messy_shop(seed, versioned=True)
    whole = History(**shop.frames, mapping=shop.mapping)
    expected = retention_metrics(whole.upto(end), 60, "2022-06-01", end, by="channel").table
    found = retention_metrics(whole, 60, "2022-06-01", "2024-04-01", by="channel").table
    found = found[found["end"] <= pd.Timestamp(end)]
    found = found[found["group"].isin(expected["group"].unique())].reset_index(drop=True)
    # What ended was not known to be silent; and no group of later is of then.
    found = found.where(expected.notna(), expected)
    pd.testing.assert_frame_equal(found, expected)
    assert expected["orders"].notna().sum() > 3


@pytest.mark.parametrize("every", ["week", "month", "quarter", "all"])
@pytest.mark.parametrize("seed", range(3))
def test_identities(messy_shop, seed, every):
    shop = messy_shop(seed)
    found = retention_metrics(
        History(**shop.frames, mapping=shop.mapping), 45, "2022-06-01", "2024-02-15", every
    ).overall
    known = found[found["customers_at_start"].notna()]
    came = known["new_customers"] + known["reactivated_customers"]
    went = known["lost_customers"] + known["passing_customers"]
    assert (known["customers_at_start"] + came - went == known["customers_at_end"]).all()
    lost = known["customers_at_start"] - known["retained_customers"]
    assert (lost == known["lost_customers"]).all()
    assert (known["passing_customers"] > 0).any() == (every in ("quarter", "all"))
    gain = known["revenue_new"] + known["revenue_returned"] + known["revenue_more"]
    loss = known["revenue_less"] + known["revenue_gone"]
    np.testing.assert_allclose(known["previous_period_revenue"] + gain - loss, known["revenue"])


@pytest.mark.parametrize("seed", range(3))
def test_the_live_are_those_whom_the_feature_table_knows_as_such(messy_shop, seed):
    shop = messy_shop(seed)
    history = History(**shop.frames, mapping=shop.mapping)
    table = feature_table(history, "2024-03-01", 90)
    found = retention_metrics(history, 90, "2024-02-01", "2024-03-01").overall.iloc[0]
    assert found["customers_at_end"] == (table["days_since_last_order"] < 90).sum()


def test_whose_last_order_is_a_whole_horizon_ago_has_lapsed():
    found = february([("a", "2024-01-02", 9), ("b", "2024-01-03", 9), ("c", "2024-02-03", 9)])
    assert found["customers_at_start"] == 1


ADDITIVE = [m.name for m in METRICS if m.is_count or (m.unit == "currency" and m.name != "aov")]


def test_groups_add_up_to_all():
    rows = orders_of(ORDERS)
    customers = pd.DataFrame({"customer_id": [*"abcde"], "country": [*"XYXYX"]})
    history = History(rows, customers=customers, mapping=Mapping(static=("country",)))
    found = retention_metrics(history, 30, by="country")
    parts = found.table.dropna(subset="group").groupby("start")
    sums = parts[ADDITIVE].sum(min_count=1)
    whole = found.overall.set_index("start")[sums.columns]
    pd.testing.assert_frame_equal(sums, whole, check_names=False)


def test_by_a_column_of_orders_the_first_order_counts():
    rows = orders_of(ORDERS).assign(channel="web")
    rows.loc[rows["ordered_at"] == "2024-02-10", "channel"] = "shop"
    rows.loc[rows["customer_id"] == "d", "channel"] = "shop"
    settings = TableMapping(attributes={"channel": "text"})
    history = History(rows, mapping=Mapping(tables={"orders": settings}))
    found = retention_metrics(history, 30, "2024-02-01", "2024-03-01", by="channel").table
    told = found.set_index("group")["orders"]
    assert (told["shop"], told["web"]) == (1, 3)


@pytest.mark.parametrize("horizon", [0, -1, float("nan"), float("inf")])
def test_a_horizon_must_be_a_number_of_days(horizon):
    with pytest.raises(HistoryError, match="horizon_days must be a number of days > 0"):
        february(horizon=horizon)


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    customers = pd.DataFrame({"customer_id": ["a"], "country": ["X"]})
    settings = Mapping(static=("country",))
    history = History(orders_of(ORDERS), customers=customers, mapping=settings)
    with pytest.raises(HistoryError, match=r"customers\.country; got 'market'"):
        retention_metrics(history, 30, by="market")
    with pytest.raises(HistoryError, match="their orders: none; got 'market'"):
        retention_metrics(History(orders_of(ORDERS)), 30, by="market")


def test_a_column_of_ids_is_refused():
    ids = [f"c{number}" for number in range(10_000)]
    customers = pd.DataFrame({"customer_id": ids, "phone": ids})
    settings = Mapping(static=("phone",))
    history = History(orders_of(ORDERS), customers=customers, mapping=settings)
    with pytest.raises(HistoryError, match=r"at most 50 values; 'phone' has 10,000"):
        retention_metrics(history, 30, by="phone")


def test_a_history_without_orders_is_refused():
    with pytest.raises(HistoryError, match="an order of a positive amount; got none"):
        february([("a", "2024-02-02", -5)])


def test_a_date_typed_wrong_makes_no_centuries_of_months():
    start = datetime(2024, 1, 1)
    rows = [(f"c{day % 9}", start + timedelta(days=day), 5) for day in range(200)]
    found = retention_metrics(History(orders_of([("z", datetime(1970, 1, 1), 5), *rows])), 30)
    assert found.overall["start"].min() == pd.Timestamp("2024-01-01")


def test_a_document_has_whole_numbers_of_customers_and_null_where_unknown():
    history = History(orders_of(ORDERS), mapping=Mapping(currency="EUR"))
    found = retention_metrics(history, 30, "2023-11-01", "2024-03-01").as_dict()
    first, *_, last = found["periods"]
    assert (first["start"], first["customers_at_start"]) == ("2023-11-01T00:00:00", None)
    assert repr(last["customers_at_end"]) == "3" and repr(last["revenue"]) == "133.0"
    assert last["nps"] is None
    assert (found["horizon_days"], found["currency"], found["groups"]) == (30, "EUR", [])
