"""The simulated pilot: assignment, published effects, and a truth that the history follows."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from simulation import SimulatedShop, oracle_churn_risk, simulate

OFFERS = ("discount_10", "service_recovery", "points")
ARMS = ("none", *OFFERS)


@pytest.fixture(scope="module")
def shop() -> SimulatedShop:
    return simulate(customers=20_000, seed=11)


@pytest.fixture(scope="module")
def purchases(shop: SimulatedShop) -> pl.DataFrame:
    return shop.orders.filter(pl.col("amount") > 0)


@pytest.fixture(scope="module")
def population(shop: SimulatedShop) -> pl.DataFrame:
    return shop.truth.filter(pl.col("p_none").is_not_null())


def standard_errors_off(outcome: pl.Series, chance: pl.Series) -> float:
    """Distance of the observed count from its expectation, in Poisson-binomial deviations."""
    p = chance.to_numpy()
    return float((outcome.sum() - p.sum()) / np.sqrt((p * (1 - p)).sum()))


def buyers(orders: pl.DataFrame, start: datetime, days: float) -> pl.Series:
    inside = pl.col("ordered_at").is_between(start, start + timedelta(days=days), closed="left")
    return orders.filter(inside)["customer_id"].unique()


def test_the_pilot_draws_a_fifth_of_the_population_among_those_who_consent(
    shop: SimulatedShop, purchases: pl.DataFrame
) -> None:
    known = purchases.filter(pl.col("recorded_at") < shop.pilot_at)["customer_id"].unique()
    assert shop.offers.height == round(0.2 * known.len())
    assert shop.offers["customer_id"].is_in(known.implode()).all()
    assert shop.offers.join(shop.customers, on="customer_id")["marketing_consent"].all()
    assert shop.offers["offered_at"].unique().to_list() == [shop.pilot_at]


def test_the_truth_covers_exactly_the_population(
    purchases: pl.DataFrame, population: pl.DataFrame
) -> None:
    known = purchases.filter(pl.col("recorded_at") < datetime(2025, 7, 1))["customer_id"]
    assert population["customer_id"].to_list() == sorted(set(known))


def test_arms_come_as_often_as_their_propensities_which_sum_to_one(shop: SimulatedShop) -> None:
    arms = shop.offers.group_by("offer_id").agg(pl.len(), pl.col("propensity").unique())
    propensity = {offer: p for offer, _, (p,) in arms.iter_rows()}
    assert set(propensity) == set(ARMS)
    assert sum(propensity.values()) == pytest.approx(1)
    for offer, count, _ in arms.iter_rows():
        p, size = propensity[offer], shop.offers.height
        assert abs(count - p * size) < 4 * np.sqrt(size * p * (1 - p))


def test_intended_offer_is_the_one_given_or_held_back(shop: SimulatedShop) -> None:
    treated = pl.col("offer_id") != "none"
    given, held = shop.offers.filter(treated), shop.offers.filter(~treated)
    assert (given["offer_id"] == given["intended_offer"]).all()
    assert set(held["intended_offer"]) == set(OFFERS)


def test_the_pilot_does_not_depend_on_the_past(
    shop: SimulatedShop, population: pl.DataFrame
) -> None:
    chosen = population["customer_id"].is_in(shop.offers["customer_id"].implode())
    p = population["p_none"]
    error = p.std() / np.sqrt(chosen.sum())
    assert abs(p.filter(chosen).mean() - p.filter(~chosen).mean()) < 4 * error


def known_orders(shop: SimulatedShop) -> pd.DataFrame:
    orders = shop.orders.to_pandas()
    return orders[(orders["recorded_at"] < shop.pilot_at) & (orders["amount"] > 0)]


def test_order_observables_equal_those_of_the_history_known_at_the_pilot(
    shop: SimulatedShop, population: pl.DataFrame
) -> None:
    truth = population.to_pandas().set_index("customer_id")
    orders = known_orders(shop)
    by_customer = orders.assign(used=orders["discount_amount"] > 0).groupby("customer_id")
    assert (by_customer.size() == truth["past_orders"]).all()
    np.testing.assert_allclose(by_customer["used"].mean(), truth["discount_share"], atol=1e-12)
    days = orders.assign(day=orders["ordered_at"].dt.normalize())
    days = days.drop_duplicates(["customer_id", "day"]).sort_values(["customer_id", "day"])
    days["gap"] = days.groupby("customer_id")["day"].diff() / pd.Timedelta(days=1)
    gaps = days.groupby("customer_id")["gap"].agg(["count", "mean", "std"])
    regular = (gaps["count"] >= 3) & (gaps["std"] / gaps["mean"] < 0.5)
    assert 0.05 < regular.mean() < 0.2
    assert (regular == truth["regular"].astype(bool)).all()


def test_last_satisfaction_is_that_of_the_latest_answer_known_at_the_pilot(
    shop: SimulatedShop, population: pl.DataFrame
) -> None:
    truth = population.to_pandas().set_index("customer_id")["last_satisfaction"]
    said = shop.feedback.to_pandas().dropna(subset="score")
    said = said[said["recorded_at"] < shop.pilot_at].sort_values("created_at")
    last = said.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    low, high = (last["kind"] != "nps").astype(float), np.where(last["kind"] == "nps", 10.0, 5.0)
    satisfaction = 2 * (last["score"] - low) / (high - low) - 1
    assert (satisfaction < 0).sum() > 500
    pd.testing.assert_series_equal(satisfaction.reindex(truth.index), truth, check_names=False)


def test_effects_follow_the_published_rules_clipped_to_probabilities(
    population: pl.DataFrame,
) -> None:
    t = population.to_pandas()
    leave_alone = t["regular"].astype(bool) & (t["discount_share"] == 0)
    published = {
        "discount_10": np.where(
            t["discount_share"] > 0.3, 0.08, np.where(leave_alone, -0.04, 0.01)
        ),
        "service_recovery": np.where(t["last_satisfaction"] < 0, 0.15, 0.0),
        "points": np.where(t["past_orders"] >= 3, 0.04, 0.0),
    }
    for offer, effect in published.items():
        chance = np.clip(t["p_none"] + effect, 0, 1)
        np.testing.assert_allclose(t[f"p_{offer}"], chance, atol=1e-12)
        np.testing.assert_allclose(t[f"effect_{offer}"], chance - t["p_none"], atol=1e-12)
        assert len(np.unique(effect)) == (3 if offer == "discount_10" else 2)


@pytest.mark.parametrize("arm", ARMS)
def test_potential_outcomes_come_as_often_as_their_probabilities(
    population: pl.DataFrame, arm: str
) -> None:
    for low in (0.0, 0.05, 0.2, 0.4, 0.6, 0.8):
        some = population.filter(pl.col("p_none").is_between(low, low + 0.2))
        assert some.height > 300
        assert abs(standard_errors_off(some[f"outcome_{arm}"], some[f"p_{arm}"])) < 4


def test_an_offer_changes_outcomes_one_way_only(population: pl.DataFrame) -> None:
    for offer in OFFERS:
        effect = population[f"effect_{offer}"]
        gain = population[f"outcome_{offer}"].cast(int) - population["outcome_none"].cast(int)
        assert (gain.filter(effect > 0) >= 0).all() and gain.filter(effect > 0).sum() > 0
        assert (gain.filter(effect < 0) <= 0).all()
        assert (gain.filter(effect == 0) == 0).all()
    lost = population.filter(pl.col("outcome_none") & ~pl.col("outcome_discount_10"))
    assert lost.height > 0


def test_the_log_shows_the_outcome_under_the_offer_given(
    shop: SimulatedShop, purchases: pl.DataFrame, population: pl.DataFrame
) -> None:
    given = population.join(
        shop.offers.select("customer_id", "offer_id"), on="customer_id", how="left"
    )
    assert given["offer_id"].equals(given["pilot_offer"].alias("offer_id"))
    ordered = given["customer_id"].is_in(buyers(purchases, shop.pilot_at, 90).implode())
    arm = given["offer_id"].fill_null("none").to_numpy()
    outcomes = given.select(f"outcome_{a}" for a in ARMS).to_numpy()
    factual = outcomes[np.arange(given.height), [ARMS.index(a) for a in arm]]
    assert (factual != given["outcome_none"].to_numpy()).sum() > 20
    assert (ordered.to_numpy() == factual).all()


def test_a_customer_driven_away_leaves_at_the_pilot(
    shop: SimulatedShop, purchases: pl.DataFrame, population: pl.DataFrame
) -> None:
    driven_away = population.filter(
        pl.col("pilot_offer") == "discount_10", "outcome_none", ~pl.col("outcome_discount_10")
    )
    assert driven_away.height > 0
    pilot_day = (shop.pilot_at - datetime(1970, 1, 1)) / timedelta(days=1)
    assert driven_away["dropout_day"].unique().to_list() == [pilot_day]
    later = purchases.filter(pl.col("ordered_at") >= shop.pilot_at)["customer_id"]
    assert not driven_away["customer_id"].is_in(later.implode()).any()


def test_redemption_is_the_next_order_within_ninety_days(
    shop: SimulatedShop, purchases: pl.DataFrame
) -> None:
    window = pl.col("ordered_at").is_between(
        shop.pilot_at, shop.pilot_at + timedelta(days=90), closed="left"
    )
    following = purchases.filter(window).group_by("customer_id").agg(pl.col("ordered_at").min())
    rows = shop.offers.join(following, on="customer_id", how="left")
    treated = rows.filter(pl.col("offer_id") != "none")
    assert treated["redeemed_at"].equals(treated["ordered_at"].alias("redeemed_at"))
    assert rows.filter(pl.col("offer_id") == "none")["redeemed_at"].is_null().all()
    refused = rows.filter(pl.col("refused_at").is_not_null())
    assert refused.height > 0
    assert refused["redeemed_at"].is_null().all() and "none" not in set(refused["offer_id"])


def test_costs_are_a_tenth_of_the_next_order_or_fixed(
    shop: SimulatedShop, purchases: pl.DataFrame
) -> None:
    for offer, cost in {"none": 0.0, "service_recovery": 8.0, "points": 2.0}.items():
        rows = shop.offers.filter(pl.col("offer_id") == offer)
        assert rows["cost"].unique().to_list() == [cost]
    discounts = shop.offers.filter(pl.col("offer_id") == "discount_10")
    assert discounts["cost"].is_null().equals(discounts["redeemed_at"].is_null())
    paid = discounts.join(
        purchases, left_on=["customer_id", "redeemed_at"], right_on=["customer_id", "ordered_at"]
    )
    assert paid.height == discounts["redeemed_at"].count() > 100
    np.testing.assert_allclose(paid["cost"], paid["amount"] / 9, atol=0.011)
    assert (paid["discount_amount"] >= paid["cost"] - 0.011).all()


def test_the_oracle_at_the_pilot_is_one_minus_p_none(
    shop: SimulatedShop, population: pl.DataFrame
) -> None:
    risk = oracle_churn_risk(shop, shop.pilot_at, 90)
    p_none = population["p_none"].to_numpy()
    np.testing.assert_allclose(risk[population["customer_id"].to_list()], 1 - p_none, atol=1e-6)
