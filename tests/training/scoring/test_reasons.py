import re

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE, catalogue
from features.feature import Feature
from features.intake.mapping import Mapping
from training.scoring.columns import REASONS
from training.scoring.phrases import PHRASES
from training.scoring.reasons import TOPIC_OF, reason_shares, reasons, topics_of

ROW = {
    "days_since_last_order": 74.0,
    "gap_median": 21.0,
    "horizon_days": 90.0,
    "orders": 2.0,
    "refunds": 2.0,
    "ticket_count": 1.0,
    "tickets_open": 1.0,
    "satisfaction_last": -0.4,
    "days_since_last_feedback": 7.0,
    "profile_channel": 1.0,
}


def told(**added: float) -> list[object]:
    table = pd.DataFrame([ROW], index=["c1"])
    found = reasons(pd.DataFrame([added], index=["c1"]), table, {"channel": ("ads", "mail")})
    return [None if pd.isna(said) else said for said in found.loc["c1"]]


def test_every_feature_of_the_catalogue_has_one_topic_with_a_phrase():
    topics = topics_of([feature.name for feature in CATALOGUE], {})

    members = [name for topic in topics for name in topic.features]
    assert sorted(members) == sorted(feature.name for feature in CATALOGUE)
    assert {topic.name for topic in topics} == set(PHRASES)


def test_features_that_a_shop_declares_have_a_topic_too():
    mapping = Mapping.from_dict({"feedback": {"scales": {"survey": [0, 100]}}})
    columns = [f.name for f in catalogue(mapping, {"tier": False}) if f.name not in TOPIC_OF]

    topics = {topic.name: topic.features for topic in topics_of(columns, {})}

    assert topics == {
        "feedback": ("survey_count", "survey_mean", "survey_last"),
        "profile_tier": ("profile_tier",),
    }


def test_the_strongest_topics_come_first():
    assert told(refunds=0.5, days_since_last_order=2.0, orders=1.0) == [
        "used to order every 21 days, none for 74",
        "only 2 orders so far",
        "2 refunds on 2 orders",
    ]


def test_shares_count_the_strongest_reason_and_all_that_are_told():
    table = pd.DataFrame([ROW, ROW], index=["c1", "c2"])
    added = {"refunds": [2.0, -1.0], "ticket_count": [1.0, 1.0], "profile_channel": [-1.0, -1.0]}

    found = reason_shares(pd.DataFrame(added, index=table.index), table, {"channel": ("ads",)})

    assert found["first"].to_dict() == {"returns": 0.5, "tickets": 0.5, "channel": 0.0}
    assert found["told"].to_dict() == {"returns": 0.5, "tickets": 1.0, "channel": 0.0}


def test_the_contributions_of_a_topic_are_added_up():
    assert told(refunds=0.4, refund_amount=0.4, orders=0.7)[0] == "2 refunds on 2 orders"
    assert (
        told(days_since_last_order=0.9, overdue_mean=-0.5, orders=0.7)[0] == "only 2 orders so far"
    )


def test_what_lowers_the_risk_or_leaves_it_is_no_reason():
    assert told(refunds=-0.5, orders=0.0, ticket_count=0.1) == [
        "1 support ticket, 1 open", None, None,
    ]  # fmt: skip


def test_where_nothing_raises_the_risk_there_is_no_reason():
    assert told(refunds=-0.5, orders=-0.1) == [None, None, None]


def test_a_topic_with_nothing_to_say_gives_way_to_the_next():
    table = pd.DataFrame([{**ROW, "refunds": 0.0}])

    found = reasons(pd.DataFrame([{"refunds": 9.0, "orders": 1.0}]), table, {})

    assert found["reason_1"].tolist() == ["only 2 orders so far"]


def test_a_category_is_called_by_its_name():
    assert told(profile_channel=0.3)[0] == "channel is mail"


def test_no_more_than_three_reasons_are_given():
    found = told(days_since_last_order=1, orders=2, refunds=3, ticket_count=4, satisfaction_last=5)

    assert found == [
        "last feedback negative, 7 days ago",
        "1 support ticket, 1 open",
        "2 refunds on 2 orders",
    ]


@pytest.mark.parametrize("rows", [0, 2])
def test_reasons_are_columns_of_text_even_where_there_are_none(rows):
    table = pd.DataFrame([ROW] * rows, columns=list(ROW))
    none = pd.DataFrame({"orders": [-1.0] * rows})

    found = reasons(none, table, {})

    assert list(found) == list(REASONS)
    assert [str(dtype) for dtype in found.dtypes] == ["string"] * 3
    assert found.isna().all(axis=None)


MANY = {
    "days_since_last_order": 239.0, "days_since_first_order": 700.0, "gap_median": 12.0,
    "horizon_days": 90.0, "orders": 20.0, "purchase_days": 20.0, "orders_1h": 6.0,
    "orders_2h": 8.0, "spend_1h": 300.0, "spend_4h": 400.0,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["orders", "frequency", "orders_1h", "spend_1h", "age_over_horizon"]
)
def test_what_speaks_for_a_customer_is_told_as_the_silence_since(name):
    """Twenty orders raise the risk of who has not come for eight months, and are no reason."""
    table = pd.DataFrame([MANY])

    found = reasons(
        pd.DataFrame([{name: 2.0, "days_since_last_order": -0.5, "tickets_open": 0.1}]),
        table.assign(ticket_count=1.0, tickets_open=0.0),
        {},
    )

    assert found.loc[0].dropna().tolist() == [
        "used to order every 12 days, none for 239",
        "1 support ticket",
    ]


def test_who_came_lately_is_not_told_to_be_silent():
    table = pd.DataFrame([{**MANY, "days_since_last_order": 3.0}])

    found = reasons(pd.DataFrame([{"orders": 2.0, "days_since_last_order": 0.1}]), table, {})

    assert found.isna().all(axis=None)


PRAISE = re.compile(r"^(\d+) orders? in the last \d+ days, (\d+|none) in")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_reason_is_praise(seed):
    """Of made-up customers and contributions: every number that is told speaks against them."""
    rng = np.random.default_rng(seed)
    size = 40
    numbers = {f.name: rng.exponential(3.0, size).round() for f in CATALOGUE}
    table = pd.DataFrame(numbers).assign(
        horizon_days=90.0,
        usual_spend=30.0,
        orders_2h=lambda X: X["orders_1h"] + rng.poisson(2, size),
        spend_4h=lambda X: X["spend_1h"] + rng.exponential(9.0, size),
        days_since_last_order=rng.exponential(90, size),
        gap_median=np.where(rng.random(size) < 0.3, np.nan, rng.exponential(40, size)),
        days_since_first_order=rng.exponential(400, size),
    )
    added = pd.DataFrame({f.name: rng.normal(0, 1, size) for f in CATALOGUE})

    for row, said in reasons(added, table, {}).iterrows():
        X = table.loc[row]
        for reason in said.dropna():
            if found := PRAISE.match(reason):
                before = 0 if found[2] == "none" else int(found[2])
                assert int(found[1]) < before
            if reason.endswith(" so far") and "order" in reason and "offer" not in reason:
                assert X["orders"] <= 2
            if reason.startswith("used to order"):
                assert X["days_since_last_order"] > X["gap_median"]
            if reason.startswith("orders only about"):
                assert X["gap_median"] >= 45
            if "spent in the last" in reason and not reason.startswith("nothing"):
                assert X["spend_1h"] < (X["spend_4h"] - X["spend_1h"]) / 3
            assert "never bought at a discount" not in reason


def test_a_feature_of_the_shops_own_is_told_by_its_meaning_and_value():
    feature = Feature("app_share", "own", "share", "share in the app", "orders", nw.lit(0.0))
    days = Feature("wait", "own", "days", "mean delivery time", "orders", nw.lit(0.0))
    X = pd.DataFrame({"app_share": [0.25, np.nan], "wait": [3.5, 12.0]})
    contributions = pd.DataFrame({"app_share": [2.0, 2.0], "wait": [1.0, 1.0]})

    said = reasons(contributions, X, {}, [feature, days])

    assert said["reason_1"].tolist() == ["share in the app: 25%", "mean delivery time: 12 days"]
    assert said["reason_2"].fillna("").tolist() == ["mean delivery time: 3.5 days", ""]
