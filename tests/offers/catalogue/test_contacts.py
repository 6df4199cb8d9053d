from datetime import datetime

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from offers.catalogue.contacts import Contacts

AS_OF = "2024-03-01"
ORDERS = pd.DataFrame(
    {"order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-01"], "amount": [9.0]}
)


def contacts_of(consent=None, offers=None, **columns):
    """Contacts of a shop with these consents by customer, and offers as rows."""
    customers = None
    if consent is not None:
        ids = [name.rstrip("+") for name in consent]
        rows = {"customer_id": ids, "marketing_consent": list(consent.values()), **columns}
        customers = pd.DataFrame(rows)
    made = None
    if offers is not None:
        named = enumerate(offers)
        made = pd.DataFrame(
            [{"campaign_id": f"k{i}", "refused_at": None, **row} for i, row in named]
        )
    return Contacts.of(History(ORDERS, customers=customers, offers=made).upto(AS_OF))


def consents(contacts, *customers):
    return contacts.consent_of(pd.Index(customers)).tolist()


def offer(day, offer_id="points", refused_at=None, customer_id="a"):
    return {
        "customer_id": customer_id,
        "offered_at": day,
        "offer_id": offer_id,
        "refused_at": refused_at,
    }


@pytest.mark.parametrize("yes", ["true", "True", "YES", "y", "t", "1", True, 1, 1.0])
def test_yes_in_many_spellings_is_consent(yes):
    assert consents(contacts_of({"a": yes}), "a") == ["given"]


@pytest.mark.parametrize("no", ["false", "No", "N", "0", False, 0])
def test_no_in_many_spellings_is_none(no):
    assert consents(contacts_of({"a": no}), "a") == ["withheld"]


@pytest.mark.parametrize("what", ["perhaps", "2", "NULL", "opted out"])
def test_what_says_neither_yes_nor_no_is_no_consent(what):
    assert consents(contacts_of({"a": what}), "a") == ["unclear"]


def test_without_a_recorded_word_there_is_no_consent():
    assert consents(contacts_of({"a": "yes", "b": None}), "a", "b", "c") == [
        "given",
        "unrecorded",
        "unrecorded",
    ]
    assert consents(contacts_of(), "a") == ["unrecorded"]


def test_the_latest_word_recorded_before_as_of_counts():
    said = {"a": "yes", "a+": "no", "b": "no", "b+": "yes", "c": "yes", "c+": "no"}
    times = ["2024-01-01", "2024-02-01"] * 2 + ["2024-01-01", "2024-03-01"]
    found = consents(contacts_of(said, recorded_at=times), "a", "b", "c")
    assert found == ["withheld", "given", "given"]


def test_a_blank_after_a_yes_takes_the_consent_back():
    said = {"a": "yes", "a+": None}
    times = ["2024-01-01", "2024-02-01"]
    assert consents(contacts_of(said, recorded_at=times), "a") == ["unrecorded"]


@pytest.mark.parametrize("words", [("yes", "no"), ("yes", None), ("yes", "perhaps")])
def test_who_both_consents_and_does_not_at_one_instant_does_not(words):
    for first, second in (words, words[::-1]):
        assert consents(contacts_of({"a": first, "a+": second}), "a") != ["given"]


def test_offers_are_counted_back_from_as_of_to_the_instant():
    made = contacts_of(offers=[offer("2024-02-20"), offer("2024-01-31"), offer("2024-01-30T23:00")])
    a = pd.Index(["b", "a"])
    assert [made.offers_of(a, days).tolist() for days in (9, 10, 30, 31, 60)] == [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 3],
    ]


def test_rows_of_customers_held_out_are_no_contact():
    held_out = contacts_of(offers=[offer("2024-02-20", "none", refused_at="2024-02-21")])
    a = pd.Index(["a"])
    assert (held_out.offers_of(a, 99)[0], held_out.refusals_of(a, 99)[0]) == (0, 0)


def test_refusals_are_counted_from_when_they_were_made():
    refused = contacts_of(offers=[offer("2024-01-01", refused_at="2024-02-20")])
    a = pd.Index(["a"])
    assert [refused.refusals_of(a, days)[0] for days in (0, 9, 10)] == [0, 0, 1]


def test_offers_and_refusals_at_or_after_as_of_are_not_known():
    later = contacts_of(offers=[offer("2024-03-01"), offer("2024-02-01", refused_at="2024-03-01")])
    a = pd.Index(["a"])
    assert (later.offers_of(a, 999)[0], later.refusals_of(a, 999)[0]) == (1, 0)


def test_contacts_are_the_same_on_another_engine():
    on = duckdb.from_df
    said = on(
        pd.DataFrame({"customer_id": ["a", "a", "b"], "marketing_consent": [True, False, True]})
    )
    made = pd.DataFrame([offer("2024-02-20", refused_at="2024-02-21"), offer("2024-02-20", "none")])
    history = History(on(ORDERS), customers=said, offers=on(made.assign(campaign_id="k")))
    found, people = Contacts.of(history.upto(AS_OF)), pd.Index(["a", "b"])
    assert consents(found, *people) == ["withheld", "given"]
    assert found.offers_of(people, 30).tolist() == found.refusals_of(people, 30).tolist() == [1, 0]


def test_a_history_without_offers_or_customers_has_no_contacts():
    nothing = contacts_of()
    assert nothing.as_of == datetime(2024, 3, 1)
    assert np.array_equal(nothing.offers_of(pd.Index(["a"]), 30), [0])
