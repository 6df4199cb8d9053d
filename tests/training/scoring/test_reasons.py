import pandas as pd
import pytest

from features.catalogue import CATALOGUE, catalogue
from features.intake.mapping import Mapping
from training.scoring.columns import REASONS
from training.scoring.phrases import PHRASES
from training.scoring.reasons import TOPIC_OF, reasons, topics_of

ROW = {
    "days_since_last_order": 74.0,
    "gap_median": 21.0,
    "orders": 5.0,
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
        "no order for 74 days, usually every 21",
        "5 orders so far",
        "2 refunds on 5 orders",
    ]


def test_the_contributions_of_a_topic_are_added_up():
    assert told(refunds=0.4, refund_amount=0.4, orders=0.7)[0] == "2 refunds on 5 orders"
    assert told(days_since_last_order=0.9, overdue_mean=-0.5, orders=0.7)[0] == "5 orders so far"


def test_what_lowers_the_risk_or_leaves_it_is_no_reason():
    assert told(refunds=-0.5, orders=0.0, ticket_count=0.1) == [
        "1 support ticket, 1 open", None, None,
    ]  # fmt: skip


def test_where_nothing_raises_the_risk_there_is_no_reason():
    assert told(refunds=-0.5, orders=-0.1) == [None, None, None]


def test_a_topic_with_nothing_to_say_gives_way_to_the_next():
    table = pd.DataFrame([{**ROW, "refunds": 0.0}])

    found = reasons(pd.DataFrame([{"refunds": 9.0, "orders": 1.0}]), table, {})

    assert found["reason_1"].tolist() == ["5 orders so far"]


def test_a_category_is_called_by_its_name():
    assert told(profile_channel=0.3)[0] == "channel is mail"


def test_no_more_than_three_reasons_are_given():
    found = told(days_since_last_order=1, orders=2, refunds=3, ticket_count=4, satisfaction_last=5)

    assert found == [
        "last feedback negative, 7 days ago",
        "1 support ticket, 1 open",
        "2 refunds on 5 orders",
    ]


@pytest.mark.parametrize("rows", [0, 2])
def test_reasons_are_columns_of_text_even_where_there_are_none(rows):
    table = pd.DataFrame([ROW] * rows, columns=list(ROW))
    none = pd.DataFrame({"orders": [-1.0] * rows})

    found = reasons(none, table, {})

    assert list(found) == list(REASONS)
    assert [str(dtype) for dtype in found.dtypes] == ["string"] * 3
    assert found.isna().all(axis=None)
