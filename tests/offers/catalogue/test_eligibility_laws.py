"""What holds of eligibility in every shop: consent rules, nothing later counts, nor row order."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import History
from features.table import feature_table
from offers.catalogue.catalogue import OfferCatalogue
from offers.catalogue.contacts import Contacts
from offers.catalogue.eligibility import REWARDS, eligible, screen
from offers.catalogue.signals import figures_of, signals_of
from simulation.shop import simulate
from training.scoring.reference import stages

AS_OF = datetime(2024, 3, 1)
HORIZON = 45
CUSTOMERS = [f"c{i:02}" for i in range(15)]
CONSENTS = ["yes", "yes", "yes", "no", None, "perhaps"]
CATALOGUE = OfferCatalogue.from_dict(
    {
        "defaults": {"contact_cap": 2, "contact_cap_days": 60, "refusal_cooldown_days": 90},
        "offers": {
            "sorry": {"kind": "service_recovery", "addresses": ["negative_feedback"]},
            "sale": {"kind": "discount", "stages": ["active", "at_risk", "lapsed"]},
            "hello": {"kind": "onboarding", "addresses": ["first_order"], "contact_cap": 1},
            "gift": {"kind": "gift", "addresses": ["high_value"], "min_clv": 60},
            "ask": {"kind": "survey", "addresses": ["silent"], "refusal_cooldown_days": 0},
        },
    }
)
seeds = st.integers(0, 10_000)
every_shop = settings(max_examples=8, deadline=None)


def ago(random, longest=400.0):
    return AS_OF - timedelta(minutes=int(random.uniform(1, longest * 24 * 60)))


def rows_of(seed):
    """The tables of a small shop as lists of rows, all known before `AS_OF`."""
    random = np.random.default_rng(seed)
    pick = random.choice
    rows = {"orders": [], "feedback": [], "offers": [], "customers": []}
    for customer in CUSTOMERS:
        for _ in range(pick([1, 1, 2, 4])):
            amount = float(random.integers(5, 80))
            order = {"order_id": f"o{len(rows['orders'])}", "ordered_at": ago(random)}
            rows["orders"].append({**order, "customer_id": customer, "amount": amount})
        for _ in range(pick([0, 0, 1, 2])):
            answer = {"kind": "nps", "score": float(random.integers(11)), "created_at": ago(random)}
            rows["feedback"].append({**answer, "customer_id": customer})
        for _ in range(pick([0, 0, 1, 3])):
            at = ago(random, 150)
            refused_at = at + (AS_OF - at) / 2 if random.random() < 0.3 else None
            made = {"campaign_id": f"k{len(rows['offers'])}", "offered_at": at}
            made |= {"offer_id": str(pick(["none", "sale"])), "refused_at": refused_at}
            rows["offers"].append({**made, "customer_id": customer})
        if random.random() < 0.9:
            said = {"marketing_consent": CONSENTS[random.integers(6)], "recorded_at": ago(random)}
            rows["customers"].append({**said, "customer_id": customer})
    return rows


def history_of(rows):
    frames = {table: pd.DataFrame(own) for table, own in rows.items() if own}
    for frame in frames.values():
        for column in frame.columns[frame.columns.str.endswith("_at")]:
            frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
    return History(**frames)


def scored(table):
    """Scores as a model would give them, here by plain rules."""
    risk = (table["days_since_last_order"] / 100).clip(0, 1).to_numpy()
    return pd.DataFrame(
        {
            "customer_id": table.index.to_numpy(),
            "as_of": pd.Timestamp(AS_OF),
            "stage": stages(table, risk, 0.3),
            "clv": table["spend"].to_numpy(),
            "clv_horizon_days": HORIZON,
        }
    )


def parts_of(rows):
    history = history_of(rows)
    table = feature_table(history, AS_OF, HORIZON)
    return scored(table), table, Contacts.of(history.upto(AS_OF))


def codes_of(rows):
    return screen(CATALOGUE, *parts_of(rows)).codes


@every_shop
@given(seeds)
def test_a_customer_without_consent_is_never_eligible(seed):
    rows = rows_of(seed)
    consents = {r["customer_id"] for r in rows["customers"] if r["marketing_consent"] == "yes"}
    allowed = eligible(CATALOGUE, *parts_of(rows))
    assert set(allowed.index[allowed.any(axis=1)]) <= consents


def test_in_the_simulated_shop_nobody_without_consent_is_eligible_and_many_others_are():
    shop = simulate(customers=400, seed=1)
    history = History(shop.orders, shop.feedback, shop.offers, shop.customers)
    as_of = datetime(2025, 12, 1)
    table = feature_table(history, as_of, 90)
    scores = scored(table).assign(as_of=pd.Timestamp(as_of))
    allowed = eligible(OfferCatalogue.default(), scores, table, Contacts.of(history.upto(as_of)))
    consent = shop.customers.to_pandas().set_index("customer_id")["marketing_consent"]
    may = allowed.any(axis=1)
    assert not may[~consent.reindex(may.index)].any()
    assert may.mean() > 0.5
    assert allowed.any().all()


@every_shop
@given(seeds)
def test_the_order_of_rows_changes_nothing(seed):
    rows = rows_of(seed)
    random = np.random.default_rng(seed)
    scores, table, contacts = parts_of(rows)
    expected = screen(CATALOGUE, scores, table, contacts).codes
    shuffled = {name: list(random.permutation(own)) for name, own in rows.items()}
    pd.testing.assert_frame_equal(codes_of(shuffled), expected)
    mixed = scores.sample(frac=1, random_state=seed), table.sample(frac=1, random_state=seed)
    found = screen(CATALOGUE, *mixed, contacts).codes
    pd.testing.assert_frame_equal(found.sort_index(), expected)


def later_offers(rows):
    made = {"campaign_id": "next", "offer_id": "sale", "offered_at": AS_OF, "refused_at": None}
    return {"offers": rows["offers"] + [{**made, "customer_id": c} for c in CUSTOMERS] * 3}


def later_refusals(rows):
    return {"offers": [{**r, "refused_at": r["refused_at"] or AS_OF} for r in rows["offers"]]}


def later_consent(rows):
    turned = {"yes": "no"}
    said = [
        {**r, "marketing_consent": turned.get(r["marketing_consent"], "yes"), "recorded_at": AS_OF}
        for r in rows["customers"]
    ]
    return {"customers": rows["customers"] + said}


def later_customers(rows):
    said = {"marketing_consent": "yes", "recorded_at": AS_OF}
    return {"customers": rows["customers"] + [{**said, "customer_id": c} for c in CUSTOMERS]}


def later_feedback(rows):
    answer = {"kind": "nps", "score": 0.0, "created_at": AS_OF}
    return {"feedback": rows["feedback"] + [{**answer, "customer_id": c} for c in CUSTOMERS]}


def later_orders(rows):
    orders = [
        {"order_id": f"n{c}", "customer_id": c, "ordered_at": AS_OF, "amount": 999.0}
        for c in [*CUSTOMERS, "newcomer"]
    ]
    return {"orders": rows["orders"] + orders}


@pytest.mark.parametrize(
    "later",
    [
        later_offers,
        later_refusals,
        later_consent,
        later_customers,
        later_feedback,
        later_orders,
    ],
)
@settings(max_examples=4, deadline=None)
@given(seed=seeds)
def test_nothing_recorded_at_or_after_as_of_changes_anything(later, seed):
    rows = rows_of(seed)
    pd.testing.assert_frame_equal(codes_of({**rows, **later(rows)}), codes_of(rows))


def by_hand(rows, scores, table):
    """The rules written down once more, one customer and one row at a time."""
    signals = signals_of(figures_of(scores, table))
    days = {r["customer_id"]: [] for r in scores.to_dict("records")}
    refused = {customer: [] for customer in days}
    for row in rows["offers"]:
        if row["offer_id"] != "none":
            days[row["customer_id"]].append((AS_OF - row["offered_at"]) / timedelta(days=1))
            if row["refused_at"] is not None:
                age = (AS_OF - row["refused_at"]) / timedelta(days=1)
                refused[row["customer_id"]].append(age)
    consent = {r["customer_id"]: r["marketing_consent"] for r in rows["customers"]}
    allowed = {}
    for score in scores.to_dict("records"):
        who = score["customer_id"]
        may = {}
        for offer in CATALOGUE:
            may[offer.id] = (
                consent.get(who) == "yes"
                and score["stage"] in offer.stages
                and score["clv"] >= offer.min_clv
                and sum(age <= offer.contact_cap_days for age in days[who]) < offer.contact_cap
                and not any(age <= offer.refusal_cooldown_days for age in refused[who])
                and (not offer.addresses or any(signals.loc[who, s] for s in offer.addresses))
            )
        if may["sorry"] and signals.loc[who, "negative_feedback"]:
            may |= {offer.id: False for offer in CATALOGUE if offer.kind in REWARDS}
        allowed[who] = may
    return pd.DataFrame.from_dict(allowed, orient="index")


@every_shop
@given(seeds)
def test_eligibility_is_what_the_rules_say_customer_by_customer(seed):
    rows = rows_of(seed)
    scores, table, contacts = parts_of(rows)
    found = eligible(CATALOGUE, scores, table, contacts)
    expected = by_hand(rows, scores, table)
    pd.testing.assert_frame_equal(found, expected, check_names=False, check_index_type=False)
