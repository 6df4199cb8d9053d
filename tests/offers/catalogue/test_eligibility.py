from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.contacts import Contacts
from offers.catalogue.eligibility import eligible, screen
from offers.catalogue.rules import KINDS
from offers.catalogue.signals import FEATURES
from offers.catalogue.verdicts import VERDICTS
from offers.errors import OffersError

AS_OF = datetime(2024, 3, 1)
PEOPLE = ("ann", "bob", "cid")


def scores_of(**columns):
    given = {"as_of": pd.Timestamp(AS_OF), "stage": "active", "clv": 10.0, "clv_horizon_days": 90}
    return pd.DataFrame({"customer_id": list(PEOPLE), **given, **columns})


def table_of(**columns):
    plain = {**dict.fromkeys(FEATURES, np.nan), "satisfaction_mean": 1.0, "tickets_open": 0.0}
    index = pd.Index(PEOPLE, name="customer_id")
    return pd.DataFrame({**plain, **columns}, index=index)


def series_of(values, dtype):
    pairs = [(who, value) for who, own in values.items() for value in own]
    index = pd.Index([who for who, _ in pairs], dtype="str", name="customer_id")
    return pd.Series([value for _, value in pairs], index=index, dtype=dtype)


def contacts_of(consent=None, offered=None, refused=None):
    said = dict.fromkeys(PEOPLE, "true") if consent is None else consent
    return Contacts(
        AS_OF,
        series_of({who: [word] for who, word in said.items()}, "string"),
        series_of(offered or {}, "float64"),
        series_of(refused or {}, "float64"),
    )


def who_may(offer, scores=None, table=None, contacts=None):
    """The customers eligible for a single offer, and the verdict on the others."""
    parts = (
        scores_of() if scores is None else scores,
        table_of() if table is None else table,
        contacts or contacts_of(),
    )
    found = screen(OfferCatalogue((offer,)), *parts)
    codes = found.codes[offer.id]
    verdicts = {who: list(VERDICTS)[code] for who, code in codes.items() if code < max(codes)}
    return list(found.allowed.index[found.allowed[offer.id]]), verdicts


def test_without_rules_all_who_consent_may_get_an_offer():
    assert who_may(Offer("x", "gift")) == (["ann", "bob", "cid"], {})


def test_only_recorded_consent_allows_an_offer():
    contacts = contacts_of(consent={"ann": "yes", "bob": "no"})
    allowed, verdicts = who_may(Offer("x", "gift"), contacts=contacts)
    assert allowed == ["ann"]
    assert verdicts == {"bob": "consent_withheld", "cid": "consent_unrecorded"}


def test_an_offer_is_for_its_stages():
    scores = scores_of(stage=["new", "at_risk", "lapsed"])
    allowed, verdicts = who_may(Offer("x", "gift", stages=("new", "lapsed")), scores)
    assert (allowed, verdicts) == (["ann", "cid"], {"bob": "stages"})


def test_an_offer_needs_its_least_clv():
    scores = scores_of(clv=[4.9, 5.0, np.nan])
    allowed, verdicts = who_may(Offer("x", "gift", min_clv=5.0), scores)
    assert (allowed, verdicts) == (["bob"], {"ann": "min_clv", "cid": "min_clv"})


def test_the_contact_cap_counts_earlier_offers_of_its_days():
    contacts = contacts_of(offered={"ann": [1, 30], "bob": [1, 30.1], "cid": [1, 2, 3]})
    offer = Offer("x", "gift", contact_cap=2, contact_cap_days=30)
    allowed, verdicts = who_may(offer, contacts=contacts)
    assert (allowed, verdicts) == (["bob"], {"ann": "contact_cap", "cid": "contact_cap"})


def test_without_a_cap_earlier_offers_do_not_matter():
    contacts = contacts_of(offered={"ann": [1] * 99})
    assert who_may(Offer("x", "gift"), contacts=contacts)[0] == ["ann", "bob", "cid"]


def test_who_refused_is_left_alone_for_the_cool_down():
    contacts = contacts_of(refused={"ann": [90, 400], "bob": [90.1]})
    offer = Offer("x", "gift", refusal_cooldown_days=90)
    allowed, verdicts = who_may(offer, contacts=contacts)
    assert (allowed, verdicts) == (["bob", "cid"], {"ann": "refusal_cooldown_days"})


def test_without_a_cool_down_a_refusal_does_not_matter():
    contacts = contacts_of(refused={"ann": [0.01]})
    assert who_may(Offer("x", "gift"), contacts=contacts)[0] == ["ann", "bob", "cid"]


def test_a_customer_must_show_one_of_the_signals_that_an_offer_addresses():
    table = table_of(purchase_days=[1, 2, 3], tickets_open=[1, 0, 0])
    offer = Offer("x", "gift", addresses=("open_ticket", "repeat_buyer"))
    allowed, verdicts = who_may(offer, table=table)
    assert (allowed, verdicts) == (["ann", "cid"], {"bob": "addresses"})


def test_high_value_is_held_against_the_customers_scored():
    scores = scores_of(clv=[1.0, 1.0, 9.0])
    assert who_may(Offer("x", "gift", addresses=("high_value",)), scores)[0] == ["cid"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unhappy_customer_gets_service_recovery_before_any_reward(kind):
    catalogue = OfferCatalogue((Offer("sorry", "service_recovery"), Offer("x", kind)))
    table = table_of(satisfaction_last=[-0.5, 0.5, np.nan])
    found = screen(catalogue, scores_of(), table, contacts_of())
    assert found.allowed["sorry"].all()
    rewards = {"discount", "points", "cashback", "tier_upgrade", "gift"}
    assert found.allowed["x"].tolist() == [kind not in rewards, True, True]


def test_who_could_not_get_the_reward_anyway_counts_under_that_rule():
    catalogue = OfferCatalogue(
        (Offer("sorry", "service_recovery"), Offer("x", "discount", stages=("new",)))
    )
    scores = scores_of(stage=["new", "active", "active"])
    counts = screen(catalogue, scores, table_of(satisfaction_last=-0.5), contacts_of()).by_offer()
    found = counts["x"]
    assert found[found > 0].to_dict() == {"stages": 2, "service_recovery_first": 1}


def test_an_unhappy_customer_who_may_get_no_service_recovery_may_get_a_reward():
    catalogue = OfferCatalogue(
        (Offer("sorry", "service_recovery", min_clv=99.0), Offer("x", "discount"))
    )
    table = table_of(satisfaction_last=-0.5)
    assert eligible(catalogue, scores_of(), table, contacts_of())["x"].all()


def test_the_answer_is_a_column_for_each_offer_in_the_order_of_the_scores():
    catalogue = OfferCatalogue((Offer("x", "gift"), Offer("y", "gift", stages=("new",))))
    scores = scores_of(stage=["new", "active", "new"]).iloc[[2, 0, 1]]
    found = eligible(catalogue, scores, table_of(), contacts_of())
    index = pd.Index(["cid", "ann", "bob"], name="customer_id")
    expected = pd.DataFrame({"x": [True] * 3, "y": [True, True, False]}, index=index)
    pd.testing.assert_frame_equal(found, expected)


def test_every_customer_is_counted_once_for_each_offer_and_once_in_all():
    catalogue = OfferCatalogue(
        (Offer("x", "gift", min_clv=20.0), Offer("y", "gift", stages=("new",)))
    )
    scores = scores_of(stage=["new", "active", "active"])
    found = screen(catalogue, scores, table_of(), contacts_of({"ann": "yes", "bob": "yes"}))
    by_offer, by_customer = found.by_offer(), found.by_customer()
    assert by_offer["x"][by_offer["x"] > 0].to_dict() == {"consent_unrecorded": 1, "min_clv": 2}
    assert by_offer["y"][by_offer["y"] > 0].to_dict() == {
        "consent_unrecorded": 1,
        "stages": 1,
        "eligible": 1,
    }
    assert by_customer[by_customer > 0].to_dict() == {
        "consent_unrecorded": 1,
        "min_clv": 1,
        "eligible": 1,
    }
    assert list(by_customer.index) == list(by_offer.index) == list(VERDICTS)


def test_scores_without_customers_leave_nobody():
    found = screen(
        OfferCatalogue((Offer("x", "gift"),)), scores_of().iloc[:0], table_of(), contacts_of()
    )
    assert found.allowed.shape == (0, 1)
    assert found.by_customer().sum() == 0


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (scores_of(customer_id=["ann", "bob", "eve"]), "1 are missing, such as 'eve'"),
        (scores_of(customer_id=["ann", "ann", "bob"]), "each customer once; got 'ann' twice"),
        (scores_of(as_of=pd.Timestamp("2024-03-02")), "contacts must be of the scores' as_of"),
        (scores_of().drop(columns=["clv"]), r"scores must have the columns \['clv'\]"),
    ],
)
def test_scores_table_and_contacts_must_belong_together(scores, message):
    with pytest.raises(OffersError, match=message):
        eligible(OfferCatalogue((Offer("x", "gift"),)), scores, table_of(), contacts_of())
