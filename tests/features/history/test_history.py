"""What a history shows as of an instant, and that nothing later can change it."""

from datetime import datetime

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import as_day
from features.errors import HistoryError
from features.history.history import History, Past
from features.intake.mapping import Mapping, TableMapping
from features.table import feature_table

ORDER = {"order_id": "1", "customer_id": "a", "ordered_at": "2024-01-05", "amount": 10.0}
NPS = {"customer_id": "a", "created_at": "2024-01-06", "kind": "nps", "score": 9.0}
TICKET = {**NPS, "kind": "ticket", "score": 2.0, "resolved_at": "2024-01-20"}
OFFER = {
    "customer_id": "a",
    "campaign_id": "c",
    "offered_at": "2024-01-06",
    "offer_id": "gift",
    "cost": 8.0,
    "redeemed_at": "2024-01-20",
}


def shop(*orders, mapping=None, **tables):
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()}
    frame = pl.DataFrame(list(orders) or [ORDER], infer_schema_length=None)
    return History(frame, mapping=mapping, **frames)


def rows(frame):
    """A table as sorted tuples: the order of rows means nothing."""
    native = frame.collect("polars").to_native()
    return sorted(native.select(sorted(native.columns)).rows(), key=repr)


def seen(history, as_of=None):
    """Everything a history shows."""
    past = history if as_of is None else history.upto(as_of)
    tables = (past.orders, past.feedback, past.offers, past.customers)
    return [None if table is None else rows(table) for table in tables]


def amounts(history, as_of):
    return sorted(history.upto(as_of).orders.collect()["amount"].to_list())


def test_an_order_is_known_strictly_after_its_own_time():
    history = shop({**ORDER, "ordered_at": "2024-01-05T10:00"})
    assert amounts(history, "2024-01-05T10:00") == []
    assert amounts(history, "2024-01-05T10:00:00.000001") == [10.0]


def test_as_of_may_be_any_instant():
    history = shop(
        {**ORDER, "ordered_at": "2024-01-05T10:00"}, mapping=Mapping(timezone="Asia/Tokyo")
    )
    assert amounts(history, pd.Timestamp("2024-01-05T01:00Z")) == []
    assert amounts(history, pd.Timestamp("2024-01-05T01:01Z")) == [10.0]
    assert amounts(history, as_day("2024-01-05T10:01")) == [10.0]


@pytest.mark.parametrize(
    ("recorded_at", "known_at"),
    [("2024-02-01", "2024-02-01"), ("2023-12-01", "2024-01-05"), (None, "2024-01-05")],
)
def test_an_order_is_known_from_the_later_of_its_own_time_and_its_recording(recorded_at, known_at):
    known = shop({**ORDER, "recorded_at": recorded_at}).orders.collect()["known_day"]
    assert known.to_list() == [as_day(known_at)]


def test_the_latest_version_known_counts_at_every_instant():
    history = shop(
        {**ORDER, "amount": 30.0, "recorded_at": "2024-03-01"},
        {**ORDER, "amount": 10.0, "recorded_at": None},
        {**ORDER, "amount": 20.0, "recorded_at": "2024-02-01"},
    )
    assert amounts(history, "2024-01-10") == [10.0]
    assert amounts(history, "2024-02-01") == [10.0]
    assert amounts(history, "2024-02-02") == [20.0]
    assert amounts(history, "2024-03-02") == [30.0]
    assert history.orders.collect()["amount"].to_list() == [30.0]


def test_a_version_may_correct_time_customer_and_amount_to_nothing():
    history = shop(
        {**ORDER, "recorded_at": "2024-01-05"},
        {
            "order_id": "1",
            "customer_id": "b",
            "ordered_at": "2024-01-04",
            "amount": 0.0,
            "recorded_at": "2024-02-01",
        },
    )
    row = history.orders.collect().to_native()
    assert row.select("customer_id", "day", "amount").rows() == [("b", as_day("2024-01-04"), 0.0)]


def test_of_versions_of_one_known_time_the_one_recorded_last_counts():
    later = {**ORDER, "ordered_at": "2024-05-01"}
    history = shop(
        {**later, "amount": 20.0, "recorded_at": "2024-01-01"},
        {**later, "amount": 10.0, "recorded_at": "2024-01-02"},
    )
    assert history.orders.collect()["amount"].to_list() == [10.0]


def test_a_duplicate_counts_only_once_it_is_there():
    history = shop(ORDER, {**ORDER, "ordered_at": "2024-02-01"}, ORDER)
    assert amounts(history, "2024-01-10") == [10.0]
    days = history.upto("2024-03-01").orders.collect()["day"].to_list()
    assert days == [as_day("2024-02-01")]


def test_a_refund_may_share_the_orders_id():
    refund = {**ORDER, "ordered_at": "2024-01-09", "amount": -10.0}
    assert amounts(shop(ORDER, refund, refund), "2024-02-01") == [-10.0, 10.0]


def test_duplicates_that_differ_are_decided_by_their_content_not_their_place():
    pair = ({**ORDER, "amount": 5.0}, {**ORDER, "amount": 7.0})
    assert seen(shop(*pair)) == seen(shop(*reversed(pair)))


def test_rows_that_cannot_be_used_are_in_no_table():
    history = shop(
        ORDER,
        {**ORDER, "order_id": "2", "customer_id": ""},
        {**ORDER, "order_id": "3", "ordered_at": "soon"},
    )
    assert history.orders.collect()["order_id"].to_list() == ["1"]


def test_an_unusable_version_supersedes_nothing():
    history = shop(
        {**ORDER, "recorded_at": "2024-01-05"},
        {**ORDER, "customer_id": "", "recorded_at": "2024-02-01"},
    )
    assert amounts(history, "2024-03-01") == [10.0]


def test_feedback_is_one_thing_by_id_and_kind():
    history = shop(
        feedback=[
            {**NPS, "feedback_id": "1"},
            {**NPS, "feedback_id": "1", "score": 3.0, "recorded_at": "2024-02-01"},
            {**NPS, "feedback_id": "1", "kind": "csat", "score": 4.0},
            {**NPS, "feedback_id": "2"},
        ]
    )
    assert sorted(history.feedback.collect()["score"].to_list()) == [3.0, 4.0, 9.0]


def test_feedback_without_id_is_one_thing_by_customer_kind_time_and_order():
    history = shop(feedback=[NPS, NPS, {**NPS, "order_id": "7"}, {**NPS, "customer_id": "b"}])
    assert len(history.feedback.collect()) == 3


def test_an_answer_is_known_from_when_it_was_given():
    history = shop(feedback=[{**NPS, "recorded_at": "2024-01-12"}])
    assert len(history.upto("2024-01-10").feedback.collect()) == 0
    answer = history.upto("2024-01-13").feedback.collect().to_native()
    assert answer.select("day", "score").rows() == [(as_day("2024-01-06"), 9.0)]


def test_a_later_resolution_and_its_score_are_blanked():
    history = shop(feedback=[TICKET])
    columns = ("resolved_day", "score", "satisfaction")
    before = history.upto("2024-01-20").feedback.collect().to_native().select(columns)
    after = history.upto("2024-01-21").feedback.collect().to_native().select(columns)
    assert before.rows() == [(None, None, None)]
    assert after.rows() == [(as_day("2024-01-20"), 2.0, -0.5)]


def test_the_score_of_other_feedback_does_not_wait_for_a_resolution():
    history = shop(feedback=[{**TICKET, "kind": "review"}])
    review = history.upto("2024-01-10").feedback.collect().to_native()
    assert review.select("score", "resolved_day").rows() == [(2.0, None)]


def test_a_later_redemption_and_its_cost_are_blanked():
    history = shop(offers=[OFFER, {**OFFER, "customer_id": "b", "redeemed_at": None}])
    columns = ("customer_id", "redeemed_day", "cost")
    before = history.upto("2024-01-20").offers.collect().to_native().select(columns)
    after = history.upto("2024-01-21").offers.collect().to_native().select(columns)
    assert sorted(before.rows()) == [("a", None, None), ("b", None, None)]
    assert sorted(after.rows()) == [("a", as_day("2024-01-20"), 8.0), ("b", None, None)]


def test_a_later_refusal_is_blanked():
    history = shop(offers=[{**OFFER, "redeemed_at": None, "refused_at": "2024-01-20"}])
    refused = [
        history.upto(d).offers.collect()["refused_day"].to_list()
        for d in ("2024-01-20", "2024-01-21")
    ]
    assert refused == [[None], [as_day("2024-01-20")]]


@pytest.mark.parametrize("later", ["2024-01-25", "2024-03-01", None])
def test_which_of_two_contradicting_tickets_is_seen_does_not_depend_on_later_facts(later):
    """The two tie on everything known at the cut but the first one's resolution."""
    other = {**TICKET, "score": 5.0, "resolved_at": later}
    past = shop(feedback=[TICKET, other]).upto("2024-01-24")
    assert past.feedback.collect()["score"].to_list() == [2.0]


@pytest.mark.parametrize("later", ["2024-01-25", "2024-03-01", None])
@pytest.mark.parametrize("known", ["redeemed_at", "refused_at"])
def test_which_of_two_contradicting_offers_is_seen_does_not_depend_on_later_facts(known, later):
    unknown = "refused_at" if known == "redeemed_at" else "redeemed_at"
    one = {**OFFER, "cost": 1.0, known: "2024-01-12", unknown: "2024-02-25"}
    other = {**OFFER, "cost": 5.0, known: "2024-02-20", unknown: later}
    seen_then = shop(offers=[one, other]).upto("2024-01-15").offers.collect()
    assert seen_then[known.replace("at", "day")].to_list() == [as_day("2024-01-12")]


def test_absent_tables_are_none():
    history = shop()
    assert (history.feedback, history.offers, history.customers) == (None, None, None)
    assert history.profiles == {}


STATIC = Mapping(static=("region", "age"), numbers=("age",))


def test_static_columns_are_always_known():
    history = shop(
        mapping=STATIC, customers=[{"customer_id": "a", "region": "north", "age": "41", "tier": 1}]
    )
    past = history.upto("1990-01-01").customers.collect().to_native()
    assert past.select("region", "age").rows() == [("north", 41.0)]
    assert history.profiles == {"region": True, "age": False}


def test_what_a_column_is_does_not_go_by_its_cells():
    rows_of = [{"customer_id": "a", "age": "41"}, {"customer_id": "b", "age": "unknown"}]
    kinds = [
        shop(mapping=Mapping(static=("age",)), customers=c).profiles for c in (rows_of[:1], rows_of)
    ]
    assert kinds == [{"age": True}, {"age": True}]


def test_the_currency_is_that_of_the_orders_where_none_is_named():
    orders = pl.DataFrame({**{k: [v] for k, v in ORDER.items()}, "currency": ["JPY"]})
    assert History(orders).mapping.currency == "JPY"


def test_versioned_customers_are_known_from_their_recording():
    history = shop(
        customers=[
            {"customer_id": "a", "recorded_at": "2024-01-01", "tier": 1, "name": "Ann"},
            {"customer_id": "a", "recorded_at": "2024-02-01", "tier": 2, "name": "Ann"},
        ]
    )
    tiers = [
        history.upto(d).customers.collect()["tier"].to_list()
        for d in ("2023-12-31", "2024-01-15", "2024-03-01")
    ]
    assert tiers == [[], [1.0], [2.0]]
    assert history.profiles == {"tier": False}


def test_a_customer_given_twice_is_one_customer():
    twice = [{"customer_id": "a", "score": s} for s in (1, 2)]
    mapping = Mapping(static=("score",), numbers=("score",))
    forth, back = (shop(mapping=mapping, customers=c) for c in (twice, twice[::-1]))
    assert rows(forth.customers) == rows(back.customers)
    assert len(forth.customers.collect()) == 1


@pytest.mark.parametrize("column", ["region", "customer_id", "marketing_consent", "known_day"])
def test_static_columns_must_be_further_columns_of_the_table(column):
    with pytest.raises(HistoryError, match=r"static, numbers and categories must name"):
        shop(mapping=Mapping(static=(column,)), customers=[{"customer_id": "a"}])


def test_categories_without_a_time_are_refused():
    mapping = Mapping(categories={"tier": ("gold",)})
    with pytest.raises(HistoryError, match=r"\['tier'\] must be static or have a recorded_at"):
        shop(mapping=mapping, customers=[{"customer_id": "a", "tier": "gold"}])


def regions(*values):
    return [{"customer_id": c, "region": r} for c, r in zip("abcdefgh", values, strict=False)]


REGION = Mapping(static=("region",))


def test_categories_are_learnt_from_customers_who_bought():
    """A customer who comes later, with a value that sorts first, changes no code."""
    history = shop(ORDER, mapping=REGION, customers=regions("south", "north"))
    assert history.coded().mapping.categories == {"region": ("south",)}
    both = shop(
        ORDER,
        {**ORDER, "order_id": "2", "customer_id": "b"},
        mapping=REGION,
        customers=regions("south", "north"),
    )
    assert both.coded().mapping.categories == {"region": ("north", "south")}


def test_listed_categories_are_kept_as_they_are():
    mapping = Mapping(static=("region",), categories={"region": ("south", "west")})
    history = shop(mapping=mapping, customers=regions("south", "north"))
    assert history.coded() is history
    assert history.coded().mapping.categories == {"region": ("south", "west")}


def test_a_models_categories_replace_those_of_the_history():
    history = shop(mapping=REGION, customers=regions("south"))
    assert history.with_categories({"region": ("x",)}).coded().mapping.categories == {
        "region": ("x",)
    }
    assert history.mapping.categories == {}


def test_too_many_categories_are_refused():
    orders = [{**ORDER, "order_id": str(i), "customer_id": str(i)} for i in range(51)]
    names = [{"customer_id": str(i), "region": f"name {i}"} for i in range(51)]
    history = shop(*orders, mapping=REGION, customers=names)
    with pytest.raises(HistoryError, match="'region' must have at most 50 values; got 51, such as"):
        history.coded()


def test_the_cut_leaves_the_history_as_it_was():
    history = shop(
        ORDER,
        {**ORDER, "amount": 20.0, "recorded_at": "2024-02-01"},
        feedback=[TICKET],
        offers=[OFFER],
    )
    before = seen(history)
    history.upto("2024-01-10").coded()
    assert seen(history) == before


def test_a_history_of_spark_or_duckdb_is_not_local():
    assert shop().is_local
    assert not History(duckdb.from_arrow(pl.DataFrame([ORDER]).to_arrow())).is_local


ids = st.sampled_from(["1", "2", "3"])
customers = st.sampled_from(["a", "b", ""])
times = st.sampled_from([f"2024-0{m}-{d}" for m in (1, 2, 3, 4) for d in ("01", "15T10:00")])
maybe = st.none() | times
numbers = st.sampled_from([-5.0, 0.0, 5.0, 7.5])
scores = st.sampled_from([1.0, 4.0, 5.0]) | st.none()
orders = st.fixed_dictionaries(
    {
        "order_id": ids,
        "customer_id": customers,
        "ordered_at": times,
        "amount": numbers,
        "recorded_at": maybe,
    }
)
feedback = st.fixed_dictionaries(
    {
        "customer_id": customers,
        "created_at": times,
        "kind": st.sampled_from(["nps", "ticket"]),
        "score": scores,
        "feedback_id": st.none() | ids,
        "recorded_at": maybe,
        "resolved_at": maybe,
    }
)
offers = st.fixed_dictionaries(
    {
        "customer_id": customers,
        "campaign_id": st.just("c"),
        "offered_at": times,
        "offer_id": st.sampled_from(["none", "gift"]),
        "cost": scores,
        "redeemed_at": maybe,
        "refused_at": maybe,
    }
)
people = st.fixed_dictionaries({"customer_id": customers, "recorded_at": times, "tier": numbers})
shops = st.fixed_dictionaries(
    {
        name: st.lists(row, max_size=8)
        for name, row in {
            "orders": orders,
            "feedback": feedback,
            "offers": offers,
            "customers": people,
        }.items()
    }
)
SCHEMAS = {
    name: dict.fromkeys(columns, pl.String)
    | {c: pl.Float64 for c in columns if c in {"amount", "score", "cost", "tier"}}
    for name, columns in {
        "orders": ("order_id", "customer_id", "ordered_at", "amount", "recorded_at"),
        "feedback": (
            "customer_id",
            "created_at",
            "kind",
            "score",
            "feedback_id",
            "recorded_at",
            "resolved_at",
        ),
        "offers": (
            "customer_id",
            "campaign_id",
            "offered_at",
            "offer_id",
            "cost",
            "redeemed_at",
            "refused_at",
        ),
        "customers": ("customer_id", "recorded_at", "tier"),
    }.items()
}
laws = settings(max_examples=20, deadline=None)


def opened(tables):
    """A shop as drawn, with one order that makes it a history."""
    drawn = {**tables, "orders": [ORDER | {"recorded_at": None}, *tables["orders"]]}
    return History(**{name: pl.DataFrame(r, SCHEMAS[name]) for name, r in drawn.items()})


@laws
@given(shops, times, st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(tables, as_of, random):
    shuffled = {name: random.sample(r, len(r)) for name, r in tables.items()}
    assert seen(opened(tables), as_of) == seen(opened(shuffled), as_of)


@laws
@given(shops, times, times)
def test_cutting_twice_is_cutting_once_at_the_earlier(tables, one, other):
    first, last = sorted([one, other], key=as_day)
    history = opened(tables)
    assert seen(history.upto(last), first) == seen(history, first)
    assert seen(history.upto(first), first) == seen(history, first)
    assert seen(history.upto(first), last) == seen(history, first)


OWN = {
    "orders": "ordered_at",
    "feedback": "created_at",
    "offers": "offered_at",
    "customers": "recorded_at",
}
FACTS = ("resolved_at", "redeemed_at", "refused_at")


def known_at(table, row):
    return max(as_day(row[OWN[table]]), as_day(row.get("recorded_at") or "1970-01-01"))


@laws
@given(shops, shops, times)
def test_rows_known_later_change_nothing(tables, more, as_of):
    later = {
        name: [row for row in new if known_at(name, row) >= as_day(as_of)]
        for name, new in more.items()
    }
    grown = {name: rows + later[name] for name, rows in tables.items()}
    assert seen(opened(grown), as_of) == seen(opened(tables), as_of)


def moved(row, as_of, to):
    """The row with the facts that became known at or after `as_of` put off to `to` or forgotten."""
    changed = dict(row)
    for fact in FACTS:
        if row.get(fact) and as_day(row[fact]) >= as_day(as_of):
            changed[fact] = to
    is_late = {f: row.get(f) is None or as_day(row[f]) >= as_day(as_of) for f in FACTS if f in row}
    if is_late.get("redeemed_at") and "cost" in row:
        changed["cost"] = 99.0
    if row.get("kind") == "ticket" and is_late["resolved_at"]:
        changed["score"] = 3.0
    return changed


@laws
@given(shops, times, st.sampled_from([None, "2024-05-01", "2024-06-01"]))
def test_facts_known_later_change_nothing(tables, as_of, to):
    changed = {name: [moved(row, as_of, to) for row in r] for name, r in tables.items()}
    assert seen(opened(changed), as_of) == seen(opened(tables), as_of)


@laws
@given(shops, times)
def test_a_cut_shows_only_what_was_known_before_it(tables, as_of):
    past, day = opened(tables).upto(as_of), as_day(as_of)
    for frame in (past.orders, past.feedback, past.offers, past.customers):
        native = frame.collect().to_native()
        times_in_it = native.select(
            pl.selectors.ends_with("known_day", "resolved_day", "redeemed_day", "refused_day")
        )
        assert all(value < day for row in times_in_it.rows() for value in row if value is not None)


def versions(engine, *names):
    frames = {
        "orders": [
            {**ORDER, "recorded_at": "2024-01-05"},
            {**ORDER, "amount": 20.0, "recorded_at": "2024-02-01"},
            {**ORDER, "amount": -3.0, "ordered_at": "2024-01-06T10:00", "recorded_at": None},
            {**ORDER, "order_id": "2", "customer_id": " ", "recorded_at": None},
            {**ORDER, "order_id": "3", "ordered_at": "05.01.2024", "recorded_at": None},
            {**ORDER, "order_id": "4", "customer_id": " b ", "recorded_at": None},
        ],
        "feedback": [TICKET, {**TICKET, "resolved_at": None}, {**NPS, "resolved_at": None}],
        "offers": [OFFER, {**OFFER, "redeemed_at": None, "offer_id": "none"}],
        "customers": regions("south", "north"),
    }
    tables = {name: engine(pl.DataFrame(frames[name])) for name in names or frames}
    return History(**tables, mapping=REGION)


def test_duckdb_shows_what_polars_shows():
    local = versions(lambda frame: frame)
    duck = versions(lambda frame: duckdb.from_arrow(frame.to_arrow()))
    for as_of in ("2024-01-06", "2024-01-10", "2024-02-15"):
        assert seen(duck, as_of) == seen(local, as_of)
    assert duck.coded().mapping.categories == local.coded().mapping.categories


def test_spark_shows_what_polars_shows(spark):
    def on_spark(frame):
        kinds = {pl.Float64: "double", pl.String: "string"}
        schema = ", ".join(f"{c} {kinds[dtype]}" for c, dtype in frame.schema.items())
        return spark.createDataFrame(frame.rows(), schema)

    there = versions(on_spark, "orders", "feedback").upto("2024-02-15")
    here = versions(lambda frame: frame).upto("2024-02-15")
    assert rows(there.orders) == rows(here.orders)
    assert rows(there.feedback) == rows(here.feedback)


def test_mapping_settings_without_meaning_for_an_absent_table_are_kept():
    mapping = Mapping(tables={"feedback": TableMapping(drop="score IS NULL")})
    assert shop(mapping=mapping).feedback is None


def test_a_sample_of_customers_shows_what_the_whole_shows_of_them():
    history = shop(
        {**ORDER, "recorded_at": "2024-01-05"},
        {**ORDER, "customer_id": "b", "recorded_at": "2024-02-01"},
        {**ORDER, "order_id": "2", "customer_id": "b", "recorded_at": None},
        feedback=[NPS, {**NPS, "customer_id": "b"}],
    )
    sample = history.of_customers(["a"])
    assert amounts(sample, "2024-01-10") == [10.0]
    assert amounts(sample, "2024-03-01") == []
    assert sample.feedback.collect()["customer_id"].to_list() == ["a"]


def test_a_cut_history_knows_its_instant_whatever_is_made_of_it():
    past = shop().upto("2024-02-01T12:00")

    for made in (past, past.coded(), past.of_customers(["a"]), past.with_categories({})):
        assert isinstance(made, Past)
        assert (made.day, made.as_of) == (19754.5, datetime(2024, 2, 1, 12))


def test_customers_are_not_described_later_than_the_cut():
    past = shop().upto("2024-02-01")

    assert past.at("2024-01-20").day == as_day("2024-01-20")
    with pytest.raises(HistoryError, match=r"at most 2024-02-01 00:00, .*got 2024-02-02 00:00\."):
        past.at("2024-02-02")
    with pytest.raises(HistoryError, match=r"Give the whole history"):
        feature_table(past, "2024-02-02", 90)
