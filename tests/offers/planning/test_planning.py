from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from features.history.history import History
from offers.catalogue.catalogue import OfferCatalogue
from offers.errors import OffersError
from offers.measurement.experiment import offer_rows
from offers.planning.campaign import Campaign
from offers.planning.plan import HARMED, NOTHING_PAYS
from offers.planning.plan_columns import COLUMNS
from offers.planning.plan_table import PlanTable
from offers.planning.planning import Models, plan_campaign

FREE = {"kind": "onboarding", "prior": [6, 14]}
OFFERS = {
    "hello": {**FREE, "contact_cost": 0.05},
    "points": {"kind": "points", "fixed_cost": 2.0, "prior": [6, 14]},
    "ten_off": {"kind": "discount", "cost_share": 0.1, "addresses": ["overdue"]},
}
CATALOGUE = OfferCatalogue.from_dict({"offers": OFFERS})


def campaign(budget: float = 200.0, **terms) -> Campaign:
    return Campaign("autumn", CATALOGUE, budget, **{"holdout": 0.2, "explore": 0.1, **terms})


@pytest.fixture(scope="module")
def made(shop):
    return plan_campaign(shop.history, shop.as_of, shop.models, campaign())


def test_a_plan_has_one_row_for_each_customer_who_is_eligible(made):
    table = made.table
    assert tuple(table) == COLUMNS and table["customer_id"].is_unique
    assert len(table) == made.eligibility.allowed.any(axis=1).sum()
    assert PlanTable.of(table).campaign_id == "autumn"


def test_everybody_scored_is_in_the_plan_or_counted_under_a_reason(made, shop):
    scored = len(shop.models.scorer.score(shop.history, shop.as_of, 0))
    counts = made.eligibility.by_customer()
    assert counts.sum() == scored and counts["eligible"] == len(made.table)


def test_nobody_without_consent_is_in_a_plan(made, shop):
    customers = shop.simulated.customers
    refused = customers.filter(~pl.col("marketing_consent"))["customer_id"]
    assert not made.table["customer_id"].isin(refused.to_list()).any()


def test_the_expected_cost_of_the_offers_made_keeps_to_the_budget(made):
    assert 0 < made.treated["expected_cost"].sum() < 1.15 * 200.0


def test_profit_is_uplift_times_worth_less_cost(made):
    rows = made.table
    worth = rows["expected_uplift"] * rows["clv_if_active"] - rows["expected_cost"]
    np.testing.assert_allclose(rows["expected_profit"], worth, atol=1e-9)


def test_the_promise_of_a_plan_is_the_sum_of_its_rows_with_an_interval_around_it(made):
    found = made.promise
    assert found.profit == pytest.approx(made.treated["expected_profit"].sum())
    assert found.low < found.profit < found.high
    # Without an experiment it rests on priors.
    assert found.observations == 0


def test_every_row_says_why(made):
    assert made.table["reason"].notna().all()


def test_the_same_plan_comes_again(made, shop):
    again = plan_campaign(shop.history, shop.as_of, shop.models, campaign())
    pd.testing.assert_frame_equal(made.table, again.table)


def test_another_campaign_holds_out_others(made, shop):
    other = replace(campaign(), campaign_id="winter")
    found = plan_campaign(shop.history, shop.as_of, shop.models, other).table
    arms = [t.set_index("customer_id")["arm"].sort_index() for t in (made.table, found)]
    assert (arms[0] != arms[1]).any()


def test_nothing_recorded_at_or_after_as_of_changes_a_plan(made, shop):
    past = shop.history.upto(shop.as_of)
    found = plan_campaign(past, shop.as_of, shop.models, campaign()).table
    pd.testing.assert_frame_equal(made.table, found)


def test_without_a_budget_only_what_costs_nothing_is_offered(shop):
    free = replace(campaign(0.0), catalogue=OfferCatalogue.from_dict({"offers": {"hello": FREE}}))
    assert len(plan_campaign(shop.history, shop.as_of, shop.models, free).treated)
    nothing = plan_campaign(shop.history, shop.as_of, shop.models, campaign(0.0))
    assert nothing.treated.empty


def test_offers_that_do_not_pay_are_not_made_and_the_plan_says_so(shop):
    dear = OfferCatalogue.from_dict({"offers": {"gold": {"kind": "gift", "fixed_cost": 1e6}}})
    terms = replace(campaign(1e9, explore=0.0), catalogue=dear)
    found = plan_campaign(shop.history, shop.as_of, shop.models, terms).table
    assert set(found["intended_offer"]) == {"none"} and set(found["reason"]) == {NOTHING_PAYS}


def test_where_nobody_is_eligible_the_plan_is_refused_with_the_reasons(shop):
    tables = (shop.simulated.orders, shop.simulated.feedback, shop.simulated.offers)
    strangers = History(*tables, shop.simulated.customers.drop("marketing_consent"))
    with pytest.raises(OffersError, match=r"nobody is eligible for any .* not recorded whether"):
        plan_campaign(strangers, shop.as_of, shop.models, campaign())


class Harmful:
    """An uplift model with evidence that `points` does harm and `hello` much good."""

    def __init__(self, definition) -> None:
        self.definition = definition

    def table(self, history, as_of):
        from features.table import feature_table

        return feature_table(history.with_categories(self.definition.categories), as_of, 90)

    def uplift(self, table):
        return pd.DataFrame({"hello": 0.2, "points": 0.3}, table.index)

    def harmed(self, table):
        return pd.DataFrame({"hello": False, "points": True}, table.index)

    def doubts(self, table):
        return {}


def test_an_offer_that_does_harm_is_neither_chosen_nor_explored(shop):
    models = Models(shop.models.scorer, Harmful(shop.models.scorer.churn.definition))
    terms = campaign(1e6, explore=0.5)
    found = plan_campaign(shop.history, shop.as_of, models, terms).table
    assert set(found["intended_offer"]) <= {"hello", "ten_off", "none"}
    evidence = found.groupby("intended_offer")["evidence"].first()
    assert evidence["hello"] == "experiment"


def test_who_would_be_harmed_by_all_is_left_alone(shop):
    models = Models(shop.models.scorer, Harmful(shop.models.scorer.churn.definition))
    only = OfferCatalogue.from_dict({"offers": {"points": OFFERS["points"]}})
    terms = replace(campaign(1e6, explore=0.5), catalogue=only)
    found = plan_campaign(shop.history, shop.as_of, models, terms).table
    assert set(found["arm"]) == {"none"} and set(found["reason"]) == {HARMED}


def test_uplift_of_another_horizon_is_refused(shop):
    other = replace(shop.models.scorer.churn.definition, horizon_days=60)
    with pytest.raises(OffersError, match="must be of one horizon_days; got 90 and 60"):
        Models(shop.models.scorer, Harmful(other))


def scarce(**terms) -> Campaign:
    """A campaign with one offer and not enough money for all."""
    only = OfferCatalogue.from_dict({"offers": {"points": OFFERS["points"]}})
    return replace(campaign(20.0, **terms), catalogue=only)


def test_who_could_have_been_explored_is_logged_as_a_control(shop):
    found = plan_campaign(shop.history, shop.as_of, shop.models, scarce()).table
    rows = offer_rows(found).set_index("customer_id")
    idle = found[found["arm"] == "none"].set_index("customer_id")
    assert len(idle) and idle.index.isin(rows.index).all()
    assert set(rows.loc[idle.index, "offer_id"]) == {"none"}
    assert (rows.loc[idle.index, "propensity"] < 1).all()


def test_without_exploring_customers_with_nothing_intended_are_not_logged(shop):
    found = plan_campaign(shop.history, shop.as_of, shop.models, scarce(explore=0.0)).table
    assert len(offer_rows(found)) == (found["arm"] != "none").sum() < len(found)


def test_the_budget_curve_and_the_trade_off_are_about_the_plans_customers(made):
    curve, traded = made.budget_curve(), made.trade_off()
    assert curve.points["profit"].is_monotonic_increasing
    assert traded["customers"].max() <= len(made.table)
    by_profit = traded[traded["order"] == "expected_profit"].set_index("share")["profit"]
    by_risk = traded[traded["order"] == "churn_risk"].set_index("share")["profit"]
    assert (by_profit > by_risk).all()
