"""Events: each is taken once, and the state is that of all of them, in whatever order they came."""

import random
from datetime import datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.intake.canonical import take_in
from features.intake.mapping import Mapping
from features.intake.store.reading import StoredSettings
from features.table import feature_table
from serving.clock import ShopClock
from serving.events.service import take_events
from serving.imports.service import import_history
from serving.store.database import Database
from serving.store.migrating import ready
from serving.store.tables.events import EVENTS, WAITING

SETTINGS = StoredSettings(
    Mapping(currency="EUR", static=("channel",)), {"customers": {"channel": "text"}}
)


def rows(database, table):
    with database.reading() as connection:
        return connection.execute(sa.select(table)).mappings().all()


def history_at(store, as_of="2027-01-01"):
    return History.open(store).upto(as_of)


def told(answer):
    return answer.accepted, answer.duplicate, [(r.index, r.field) for r in answer.rejected]


def test_what_is_accepted_is_in_the_history(take, order, store):
    assert told(take(order())) == (1, 0, [])
    (row,) = history_at(store).orders.collect().rows(named=True)
    assert (row["order_id"], row["customer_id"], row["amount"]) == ("1", "a", 20.0)


def test_an_event_is_known_from_when_it_came_in(take, order, store, clock):
    answer = take(order(ordered_at="2025-06-01"))
    assert answer.received_at >= clock.start
    before = answer.received_at
    assert history_at(store, before).orders.collect().is_empty()
    assert len(history_at(store, before + timedelta(seconds=1)).orders.collect()) == 1


def test_an_event_that_comes_again_is_a_duplicate(take, order, database):
    assert told(take(order(), order())) == (1, 1, [])
    assert told(take(order())) == (0, 1, [])
    assert len(rows(database, EVENTS)) == 1


def test_an_id_stands_for_one_event(take, order):
    take(order())
    answer = take(order(amount=30, ordered_at="2026-01-04"))
    assert told(answer) == (0, 0, [(0, "/event_id")])
    assert "said something else" in answer.rejected[0].detail


@pytest.mark.parametrize(
    ("wrong", "field", "detail"),
    [
        ({"amount": "20"}, "/amount", "must be a JSON number; got text"),
        ({"amount": float("nan")}, "/amount", "finite"),
        ({"amount": 1e13}, "/amount", "at most"),
        ({"ordered_at": "soon"}, "/ordered_at", "must be an ISO date or instant"),
        ({"ordered_at": "1969-12-31"}, "", "ordered_at before 1970"),
        (
            {"ordered_at": "2026-03-01"},
            "/ordered_at",
            "must not lie more than ten minutes after now",
        ),
        ({"price": 3}, "/price", "is not known here"),
        ({"customer_id": ""}, "/customer_id", ""),
        ({"customer_id": "a\0"}, "/customer_id", "NUL"),
        ({"customer_id": 7}, "/customer_id", "must be text"),
        ({"currency": "USD"}, "/currency", "must be EUR"),
        ({"attributes": {"colour": "red"}}, "/attributes/colour", "is no attribute of orders"),
        ({"type": "visit"}, "", ""),
        ({"event_id": None}, "/event_id", "must be text"),
        ({"order_id": "x" * 300}, "/order_id", ""),
    ],
)
def test_a_bad_event_is_rejected_and_the_good_ones_are_kept(take, order, wrong, field, detail):
    answer = take(order("good"), {**order("bad"), "order_id": "2", **wrong})
    assert answer.accepted == 1
    (found,) = answer.rejected
    assert (found.index, found.field) == (1, field)
    assert detail in found.detail and found.remedy


@pytest.mark.parametrize("event", [None, 5, "x", [], {}, {"type": []}])
def test_what_is_no_event_is_rejected(take, order, event):
    answer = take(order(), event)
    assert answer.accepted == 1 and [found.index for found in answer.rejected] == [1]


def test_two_amounts_of_one_order_at_one_instant_are_both_rejected(take, order):
    answer = take(order("e1"), order("e2", amount=30), order("e3", order_id="2"))
    assert told(answer) == (1, 0, [(0, "/amount"), (1, "/amount")])
    assert "another event of this request says another one" in answer.rejected[0].detail


def test_a_later_version_counts_whichever_comes_first(take, order, store):
    take(order("e2", amount=30, recorded_at="2026-01-05"))
    take(order("e1", amount=20, recorded_at="2026-01-04"))
    assert history_at(store).orders.collect()["amount"].to_list() == [30.0]


def test_what_came_of_an_offer_is_added_to_it(take, store):
    offer = {"type": "offer", "customer_id": "a", "campaign_id": "c", "offer_id": "points"}
    made = {**offer, "event_id": "e1", "offered_at": "2026-01-02", "propensity": 0.5}
    used = {**made, "event_id": "e2", "redeemed_at": "2026-01-04", "cost": 2.5}
    used.pop("propensity")
    take({"type": "order", "event_id": "o", "customer_id": "a", "order_id": "1",
          "ordered_at": "2026-01-01", "amount": 5})  # fmt: skip
    take(used)
    take(made)
    (row,) = history_at(store).offers.collect().rows(named=True)
    assert (row["propensity"], row["cost"]) == (0.5, 2.5)
    assert row["redeemed_day"] is not None


def test_consent_is_what_was_said_last(take, store):
    consent = {"type": "customer", "customer_id": "a"}
    take({**consent, "event_id": "e1", "changed_at": "2026-01-04", "marketing_consent": False})
    take({**consent, "event_id": "e2", "changed_at": "2026-01-02", "marketing_consent": True})
    take(
        {**consent, "event_id": "e3", "changed_at": "2026-01-05", "attributes": {"channel": "web"}}
    )
    take({"type": "order", "event_id": "o", "customer_id": "a", "order_id": "1",
          "ordered_at": "2026-01-01", "amount": 5})  # fmt: skip
    (row,) = history_at(store).customers.collect().rows(named=True)
    assert (row["marketing_consent"], row["channel"]) == ("false", "web")


def test_a_field_that_was_imported_stays_unless_an_event_says_otherwise(take, store, database):
    frames = {
        "orders": pl.DataFrame({"order_id": ["1"], "customer_id": ["a"],
                                "ordered_at": ["2025-12-01"], "amount": [9.0]}),
        "customers": pl.DataFrame({"customer_id": ["a"], "channel": ["shop"],
                                   "marketing_consent": ["yes"]}),
    }  # fmt: skip
    mapping = Mapping(currency="EUR", static=("channel",))
    import_history(database, take_in(frames, mapping), mapping)
    take({"type": "customer", "event_id": "e1", "customer_id": "a", "changed_at": "2026-01-04",
          "marketing_consent": False})  # fmt: skip
    (row,) = history_at(store).customers.collect().rows(named=True)
    assert (row["marketing_consent"], row["channel"]) == ("false", "shop")


def test_a_clock_that_is_set_back_changes_no_earlier_day(database, order, store):
    def at(day, event):
        return take_events(database, [event], ShopClock(datetime(2026, 1, day)), lambda: SETTINGS)

    first = at(9, order("e1", ordered_at="2026-01-02"))
    second = at(5, order("e2", order_id="2", ordered_at="2026-01-02"))
    assert second.received_at > first.received_at
    assert len(history_at(store, first.received_at).orders.collect()) == 0


def test_those_whom_events_are_about_wait_to_be_scored(take, order, database):
    take(order("e1"), order("e2", customer_id="b", order_id="2"))
    assert {row["customer_id"] for row in rows(database, WAITING)} == {"a", "b"}


ALWAYS = {
    "orders": pl.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2025-12-01"], "amount": [9.0]}
    ),
    "customers": pl.DataFrame({"customer_id": ["a"], "marketing_consent": ["no"]}),
}


def consent(number, given, day=4):
    return {"type": "customer", "event_id": f"c{number}", "customer_id": "a",
            "changed_at": f"2026-01-0{day}", "marketing_consent": given}  # fmt: skip


def consent_of(store):
    (row,) = history_at(store).customers.collect().rows(named=True)
    return row["marketing_consent"]


def test_a_consent_that_is_withdrawn_again_is_withdrawn(take, store, database):
    import_history(database, take_in(ALWAYS, Mapping(currency="EUR")), Mapping(currency="EUR"))
    for number, says in enumerate((True, False, True, False)):
        take(consent(number, says, number + 1))
    assert consent_of(store) == "false"


@pytest.mark.parametrize("order_of", [(True, False), (False, True)])
def test_of_two_consents_of_one_instant_the_withheld_one_counts(take, store, order, order_of):
    take(order())
    for number, says in enumerate(order_of):
        take(consent(number, says))
    assert consent_of(store) == "false"


def test_a_consent_that_is_not_told_stays(take, store, order):
    take(order())
    take(consent(1, False, 1))
    take({**consent(2, None, 3), "attributes": {"channel": "web"}})
    assert consent_of(store) == "false"


@pytest.mark.parametrize(
    "ahead",
    [
        {"recorded_at": "2999-01-01"},
        {"ordered_at": "2026-01-05T12:30"},
        {"ordered_at": "9999-12-31T23:59:59-12:00"},
        {"recorded_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_no_time_lies_ahead_or_out_of_the_calendar(take, order, ahead):
    assert told(take(order("good"), {**order("bad"), "order_id": "2", **ahead}))[0] == 1


def test_a_change_may_not_lie_ahead(take, order):
    answer = take(order(), {**consent(1, True), "changed_at": "2999-01-01"})
    assert (answer.accepted, [found.index for found in answer.rejected]) == (1, [1])


def test_what_is_a_little_ahead_is_known_from_then_on(take, order, store):
    answer = take(order(ordered_at="2026-01-05T12:05"))
    assert answer.accepted == 1
    assert history_at(store, "2026-01-05T12:05").orders.collect().is_empty()


def test_very_long_ids_are_ids(take, order, store):
    odd = "\U0001f600" * 250
    offer = {"type": "offer", "event_id": odd, "customer_id": odd, "campaign_id": odd,
             "offer_id": odd, "offered_at": "2026-01-02"}  # fmt: skip
    assert take(order(), offer).accepted == 2


def test_a_refund_is_known_by_its_id(take, order, store):
    take(order())
    refund = order("r", amount=-5, ordered_at="2026-01-04", refund_id="r1")
    take(refund, order("s", amount=-2, ordered_at="2026-01-04", refund_id="r2"))
    take({**refund, "event_id": "t", "amount": -6, "recorded_at": "2026-01-05"})
    assert sorted(history_at(store).orders.collect()["amount"].to_list()) == [-6.0, -2.0, 20.0]


KINDS = ("order", "refund", "feedback", "offer", "customer")


def made_up(draw, number):
    kind, person = draw.choice(KINDS), draw.choice("abc")
    day = f"2025-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    own = {"event_id": f"e{number}", "customer_id": person}
    if draw.random() < 0.5:
        own["recorded_at"] = f"2025-{draw.randint(1, 12):02}-28T10:{number % 60:02}"
    if kind in ("order", "refund"):
        amount = draw.randint(1, 90) * (-1 if kind == "refund" else 1)
        return {"type": "order", **own, "order_id": f"{person}{draw.randint(1, 4)}",
                "ordered_at": day, "amount": amount}  # fmt: skip
    if kind == "feedback":
        return {"type": kind, **own, "feedback_id": f"f{draw.randint(1, 4)}", "created_at": day,
                "kind": "csat", "score": draw.randint(1, 5)}  # fmt: skip
    if kind == "offer":
        event = {"type": kind, **own, "campaign_id": "c", "offer_id": draw.choice(["none", "x"]),
                 "offered_at": "2025-03-01"}  # fmt: skip
        return (
            {**event, "redeemed_at": day} if day > "2025-03-01" and draw.random() < 0.5 else event
        )
    return {"type": kind, **own, "changed_at": day, "marketing_consent": draw.random() < 0.5}


def state(store):
    past = history_at(store)
    table = feature_table(past, past.day, 60)
    consent = past.customers
    known = (
        []
        if consent is None
        else consent.collect().sort("customer_id").select("customer_id", "marketing_consent").rows()
    )
    return table.drop(columns=[c for c in table if "profile" in c]), known


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000))
def test_any_order_and_any_repetition_give_the_same_state(tmp_path_factory, seed):
    draw = random.Random(seed)
    # One event a request: what contradicts itself within one is rejected.
    events = [made_up(draw, number) for number in range(25)]
    again = [*events, *draw.sample(events, 10)]
    draw.shuffle(again)
    found = []
    for given_events in (events, again):
        url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
        database = ready(Database.at(url))
        for event in given_events:
            take_events(database, [event], ShopClock(datetime(2026, 1, 1)), lambda: SETTINGS)
        database.close()
        found.append(state(url) if any(e["type"] == "order" and e["amount"] > 0 for e in events)
                     else None)  # fmt: skip
    if found[0] is not None:
        assert found[0][1] == found[1][1]
        assert found[0][0].equals(found[1][0])
