import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.catalogue.catalogue import OfferCatalogue
from offers.measurement.comparison import FEWEST
from offers.planning.advice import FEWEST_IN_ARM, PilotTerms, next_step, notes, power_words
from offers.planning.campaign import Campaign
from offers.planning.planning import plan_campaign
from offers.planning.power import CampaignPower

# Nobody buys enough for gold to pay.
GOLD = {"gold": {"kind": "gift", "fixed_cost": 1e4}}
POINTS = {"points": {"kind": "points", "fixed_cost": 2.0}}
HELLO = {"hello": {"kind": "onboarding", "prior": [6, 14]}}


@pytest.fixture(scope="module")
def plan_of(shop):
    def made(offers, budget=200.0, **terms):
        catalogue = OfferCatalogue.from_dict({"offers": offers})
        campaign = Campaign("autumn", catalogue, budget, **terms)
        return plan_campaign(shop.history, shop.as_of, shop.models, campaign)

    return made


def numbers(words: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", words)]


def test_offers_that_were_never_tried_are_told_beside_those_that_were(plan_of):
    found = notes(plan_of({**POINTS, **HELLO}))

    assert "hello was never tried in the history" in found[0]
    assert "which has discount_10, points, service_recovery:" in found[0]


def test_offers_that_were_all_tried_need_no_warning(plan_of):
    assert not any("never tried" in note for note in notes(plan_of(POINTS)))


def test_in_a_history_without_offers_no_id_can_be_wrong(plan_of):
    assert not any("never tried" in n for n in notes(replace(plan_of(HELLO), tried=())))


def test_exploration_cut_by_the_budget_is_told_with_both_shares(plan_of):
    made = plan_of(POINTS, budget=10.0, explore=0.2)
    note = next(n for n in notes(made) if n.startswith("exploration"))

    assert note.startswith("exploration is cut by the budget: ")
    assert numbers(note) == [20.0, round(100 * made.assignment.explored_share, 1), 20.0]


def test_exploration_that_is_paid_for_needs_no_warning(plan_of):
    assert not any("exploration" in n for n in notes(plan_of(POINTS, budget=1e4, explore=0.2)))


@pytest.mark.parametrize("offers", [GOLD, {**GOLD, **POINTS}])
@pytest.mark.parametrize("budget", [0.0, 1e9])
def test_a_plan_for_nobody_says_why_and_of_how_many(plan_of, offers, budget):
    made = plan_of(offers, budget=budget, explore=0.0)
    if not made.treated.empty:
        assert not any(n.startswith("nobody") for n in notes(made))
        return
    note = next(n for n in notes(made) if n.startswith("nobody gets an offer: "))
    assert sum(made.nothing().values()) == len(made.table)
    assert all(reason in note for reason in made.nothing())


def test_without_evidence_the_next_step_is_a_pilot(plan_of):
    words = next_step(plan_of(GOLD, explore=0.0))

    assert re.match(r"a pilot of [\d,]+ customers for 90 days, half of them held out \(--", words)


def test_the_advised_pilot_holds_out_half_of_as_many_customers_as_it_says(plan_of):
    terms = PilotTerms.of(plan_of(POINTS, explore=0.0))
    pilot = plan_of(POINTS, budget=terms.budget, explore=0.5, holdout=0.5)
    drawn = pilot.table[pilot.table["explored"]]

    assert len(drawn) == pytest.approx(terms.customers, rel=0.2)
    assert (drawn["arm"] == "holdout").mean() == pytest.approx(0.5, abs=0.15)
    assert next_step(pilot).startswith("make the offers, ")
    assert not any("exploration" in note for note in notes(pilot))


def test_a_pilot_has_arms_that_can_be_measured(plan_of):
    assert FEWEST_IN_ARM == FEWEST
    assert PilotTerms.of(plan_of({"gold": {**GOLD["gold"], "prior": [99, 1]}})).customers >= 40


def test_a_holdout_of_one_is_counted():
    words = power_words(CampaignPower(29, 1, 0.5, 0.1))
    assert words.startswith(
        "Held out: 1 of 30 customers with an offer intended; this campaign can "
    )


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(0.02, 0.98), st.floats(-0.2, 0.5))
def test_what_a_campaign_can_show_is_said_in_its_own_numbers(treated, held_out, rate, expected):
    power = CampaignPower(treated, held_out, rate, expected)
    words = power_words(power)

    if not power.customers:
        assert "nothing" in words
        return
    assert numbers(words)[:2] == [held_out, power.customers]
    assert ("can show nothing" in words) == (min(treated, held_out) == 0)
    assert (" are expected" in words and "hold out" not in words and "take" not in words) == (
        0.0005 <= expected >= power.detectable
    )
    assert ("; hold out" in words) == (
        expected >= 0.0005 and power.detectable > expected and power.hold_out is not None
    )
