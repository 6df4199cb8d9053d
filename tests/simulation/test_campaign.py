"""A campaign in the simulated shop: the same past, a future that follows it, and its truth."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulation import SimulatedShop, oracle_churn_risk, simulate, true_effects

OFFERS = ("discount_10", "service_recovery", "points")
AT, CUSTOMERS, SEED = datetime(2025, 10, 1), 8_000, 3


def plan(ids: list[str], offers: object, **changes: object) -> pl.DataFrame:
    rows = pl.DataFrame({"customer_id": ids}).with_columns(
        pl.lit("autumn").alias("campaign_id"),
        pl.lit(AT).alias("offered_at"),
        pl.Series("offer_id", offers),
        pl.Series("intended_offer", offers),
        pl.lit(0.5).alias("propensity"),
    )
    return rows.with_columns(**{name: pl.lit(value) for name, value in changes.items()})


@pytest.fixture(scope="module")
def without() -> SimulatedShop:
    return simulate(CUSTOMERS, seed=SEED)


@pytest.fixture(scope="module")
def truth(without: SimulatedShop) -> pd.DataFrame:
    return true_effects(without, AT)


@pytest.fixture(scope="module")
def campaign(truth: pd.DataFrame) -> pl.DataFrame:
    """Everybody is meant to get one of three offers, and half are held out."""
    rng = np.random.default_rng(0)
    intended = rng.choice(OFFERS, len(truth))
    offers = np.where(rng.random(len(truth)) < 0.5, intended, "none")
    return plan(list(truth.index), offers).with_columns(intended_offer=pl.Series(intended))


@pytest.fixture(scope="module")
def shop(campaign: pl.DataFrame) -> SimulatedShop:
    return simulate(CUSTOMERS, seed=SEED, campaign=campaign)


def test_what_was_known_before_the_campaign_is_the_same_bit_for_bit(
    shop: SimulatedShop, without: SimulatedShop
) -> None:
    for table, known in {"orders": "recorded_at", "feedback": "recorded_at"}.items():
        one, two = getattr(shop, table), getattr(without, table)
        before = pl.col(known) < AT
        assert_frame_equal(one.filter(before), two.filter(before), check_exact=True)
        assert not one.equals(two)
    assert_frame_equal(shop.customers, without.customers, check_exact=True)
    pilot = shop.offers.filter(pl.col("campaign_id") == "pilot")
    assert_frame_equal(pilot, without.offers, check_exact=True)
    for column in set(without.truth.columns) - {"dropout_day"}:
        assert shop.truth[column].equals(without.truth[column])


def test_customers_outside_the_campaign_do_the_same_as_without_it(
    without: SimulatedShop, truth: pd.DataFrame
) -> None:
    some = list(truth.index[:2000])
    shop = simulate(CUSTOMERS, seed=SEED, campaign=plan(some, ["points"] * 2000))

    def others(one: SimulatedShop) -> pl.DataFrame:
        rows = one.orders.filter(~pl.col("customer_id").is_in(some)).drop("order_id")
        return rows.sort(pl.all())

    assert_frame_equal(others(shop), others(without), check_exact=True)


def test_a_campaign_that_offers_nothing_changes_nothing(
    without: SimulatedShop, truth: pd.DataFrame
) -> None:
    nothing = plan(list(truth.index), ["none"] * len(truth), intended_offer="points")
    shop = simulate(CUSTOMERS, seed=SEED, campaign=nothing)
    for table in ("orders", "feedback", "customers", "truth", "spells"):
        assert_frame_equal(getattr(shop, table), getattr(without, table), check_exact=True)
    assert shop.campaign["outcome_given"].equals(
        shop.campaign["outcome_none"].alias("outcome_given")
    )


def test_what_an_offer_does_to_a_customer_does_not_depend_on_the_other_customers(
    shop: SimulatedShop, campaign: pl.DataFrame
) -> None:
    half = campaign.gather_every(2)
    alone = simulate(CUSTOMERS, seed=SEED, campaign=half).campaign
    together = shop.campaign.filter(pl.col("customer_id").is_in(half["customer_id"].implode()))
    assert_frame_equal(alone, together, check_exact=True)


def test_rows_in_any_order_and_from_pandas_give_the_same_shop(
    shop: SimulatedShop, campaign: pl.DataFrame
) -> None:
    shuffled = campaign.sample(fraction=1.0, shuffle=True, seed=1).to_pandas()
    shuffled["offered_at"] = shuffled["offered_at"].dt.tz_localize("UTC")
    again = simulate(CUSTOMERS, seed=SEED, campaign=shuffled)
    for table in ("orders", "feedback", "offers", "truth", "spells", "campaign"):
        assert_frame_equal(getattr(again, table), getattr(shop, table), check_exact=True)


def test_the_log_shows_the_outcome_under_the_offer_given(
    shop: SimulatedShop, without: SimulatedShop
) -> None:
    end = AT + timedelta(days=90)
    start_day, end_day = ((t - datetime(1970, 1, 1)) / timedelta(days=1) for t in (AT, end))
    inside = pl.col("day").is_between(start_day, end_day, closed="left")
    told = shop.campaign
    for name, one in {"outcome_given": shop, "outcome_none": without}.items():
        buyers = one.spells.filter(inside)["customer_id"].unique()
        assert told["customer_id"].is_in(buyers.implode()).equals(told[name])
    assert (told["outcome_given"] != told["outcome_none"]).sum() > 50


@pytest.mark.parametrize("offer", OFFERS)
def test_offers_change_outcomes_by_their_published_effects(
    shop: SimulatedShop, truth: pd.DataFrame, offer: str
) -> None:
    told = shop.campaign.to_pandas().set_index("customer_id")
    given = told[told["offer_id"] == offer]
    expected = truth[f"effect_{offer}"].reindex(given.index)
    np.testing.assert_allclose(given["p_given"] - given["p_none"], expected, atol=1e-12)
    gain = given["outcome_given"].astype(float) - given["outcome_none"]
    noise = np.sqrt((expected.abs() * (1 - expected.abs())).sum())
    assert abs(gain.sum() - expected.sum()) < 4 * noise
    assert (gain[expected == 0] == 0).all()


def test_controls_know_what_their_intended_offer_would_have_changed(
    shop: SimulatedShop, truth: pd.DataFrame
) -> None:
    told = shop.campaign.to_pandas().set_index("customer_id")
    held = told[(told["offer_id"] == "none") & (told["intended_offer"] == "points")]
    np.testing.assert_array_equal(held["p_given"], held["p_none"])
    expected = truth["effect_points"].reindex(held.index)
    np.testing.assert_allclose(held["p_intended"] - held["p_none"], expected, atol=1e-12)


def test_spend_is_that_of_the_ninety_days_with_and_without_the_campaign(
    shop: SimulatedShop, without: SimulatedShop
) -> None:
    inside = pl.col("ordered_at").is_between(AT, AT + timedelta(days=90), closed="left")
    # What was recorded late may be missing in the table.
    recorded = shop.orders.group_by("customer_id").agg(
        late=(pl.col("recorded_at") > pl.col("ordered_at")).any()
    )
    punctual = recorded.filter(~pl.col("late"))["customer_id"].implode()
    told = shop.campaign.filter(pl.col("customer_id").is_in(punctual))
    for name, one in {"spend_given": shop, "spend_none": without}.items():
        spend = one.orders.filter(inside).group_by("customer_id").agg(pl.col("amount").sum())
        found = told.join(spend, on="customer_id", how="left")["amount"].fill_null(0.0)
        close = (found.clip(lower_bound=0.0) - told[name]).abs() < 1e-6
        assert close.mean() > 0.995
    changed = told.filter(pl.col("spend_given") != pl.col("spend_none"))
    assert set(changed["offer_id"]) <= set(OFFERS)


def test_a_discount_costs_a_tenth_of_the_next_order_and_points_two(shop: SimulatedShop) -> None:
    rows = shop.offers.filter(pl.col("campaign_id") == "autumn")
    assert rows.height == shop.campaign.height
    cost = dict(rows.group_by("offer_id").agg(pl.col("cost").unique()).iter_rows())
    assert (cost["none"], cost["points"], cost["service_recovery"]) == ([0.0], [2.0], [8.0])
    paid = rows.filter(pl.col("offer_id") == "discount_10").join(
        shop.orders.filter(pl.col("amount") > 0),
        left_on=["customer_id", "redeemed_at"],
        right_on=["customer_id", "ordered_at"],
    )
    assert paid.height > 100
    np.testing.assert_allclose(paid["cost"], paid["amount"] / 9, atol=0.011)


def test_offers_are_redeemed_by_the_next_order_or_refused_or_neither(shop: SimulatedShop) -> None:
    rows = shop.offers.filter(pl.col("campaign_id") == "autumn")
    given = rows.filter(pl.col("offer_id") != "none")
    redeemed, refused = given["redeemed_at"].is_not_null(), given["refused_at"].is_not_null()
    assert redeemed.sum() > 100 and refused.sum() > 100 and not (redeemed & refused).any()
    assert rows.filter(pl.col("offer_id") == "none")["redeemed_at"].null_count() == (
        rows.height - given.height
    )
    window = pl.col("redeemed_at").is_between(AT, AT + timedelta(days=90), closed="left")
    assert given.filter(redeemed).select(window).to_series().all()


def test_true_effects_at_the_pilot_are_those_of_the_truth(without: SimulatedShop) -> None:
    told = without.truth.filter(pl.col("p_none").is_not_null()).to_pandas()
    told = told.set_index("customer_id")
    found = true_effects(without, without.pilot_at)
    assert list(found.index) == list(told.index)
    np.testing.assert_allclose(found["p_none"], told["p_none"], atol=1e-5)
    for offer in OFFERS:
        np.testing.assert_allclose(found[f"effect_{offer}"], told[f"effect_{offer}"], atol=1e-5)


def test_a_campaign_does_not_change_the_truth_at_its_own_instant(
    shop: SimulatedShop, truth: pd.DataFrame
) -> None:
    pd.testing.assert_frame_equal(true_effects(shop, AT), truth, check_exact=True)
    told = shop.campaign.to_pandas().set_index("customer_id")
    np.testing.assert_allclose(told["p_none"], truth["p_none"], atol=1e-9)


def test_p_none_is_one_minus_the_oracles_risk(without: SimulatedShop, truth: pd.DataFrame) -> None:
    risk = oracle_churn_risk(without, AT, 90)[truth.index]
    np.testing.assert_allclose(truth["p_none"], 1 - risk, atol=1e-12)


def test_true_effects_come_in_the_order_asked_for(
    without: SimulatedShop, truth: pd.DataFrame
) -> None:
    asked = list(truth.index[[5, 1, 3]])
    pd.testing.assert_frame_equal(true_effects(without, "2025-10-01", asked), truth.loc[asked])


def test_true_effects_of_a_customer_who_has_not_come_yet_are_refused(
    without: SimulatedShop, truth: pd.DataFrame
) -> None:
    later = sorted(set(without.truth["customer_id"]) - set(truth.index))[0]
    with pytest.raises(ValueError, match=f"customer_ids must be .* got \\['{later}'\\]"):
        true_effects(without, AT, [later])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offered_at": datetime(2025, 9, 28)}, "offered_at must be one instant from 2025-09-29"),
        ({"offered_at": datetime(2025, 10, 4)}, "offered_at must be one instant .* 2025-10-03"),
        ({"campaign_id": "pilot"}, "campaign_id must be one name other than 'pilot'"),
        ({"campaign_id": None}, "campaign_id must be given in every row"),
        ({"offer_id": "gift"}, r"offer_id must be one of .* got \['gift'\]"),
        ({"intended_offer": "gift"}, "intended_offer must be one of"),
        ({"propensity": 0.0}, "propensity must be above 0"),
        ({"customer_id": "c00000001"}, "customer_id must be in one row only"),
    ],
)
def test_a_campaign_that_cannot_be_run_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(100, campaign=plan(["c00000001", "c00000002"], ["points"] * 2, **changes))


def test_a_campaign_without_rows_or_columns_is_refused() -> None:
    rows = plan(["c00000001"], ["points"])
    with pytest.raises(ValueError, match=r"campaign must be a frame with .*propensity"):
        simulate(100, campaign=rows.drop("propensity"))
    with pytest.raises(ValueError, match="rows must be at least one; got 0"):
        simulate(100, campaign=rows.clear())


def test_strangers_in_a_campaign_are_refused() -> None:
    with pytest.raises(ValueError, match="customer_id must be of a customer with an order known"):
        simulate(100, campaign=plan(["nobody"], ["points"]))


def test_an_unknown_propensity_is_kept_as_unknown(truth: pd.DataFrame) -> None:
    rows = plan([str(truth.index[0])], ["points"]).with_columns(propensity=pl.lit(None))
    shop = simulate(CUSTOMERS, seed=SEED, campaign=rows)
    assert shop.offers.filter(pl.col("campaign_id") == "autumn")["propensity"].to_list() == [None]
