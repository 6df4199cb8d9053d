import numpy as np
import pandas as pd
import pytest
from scipy import stats

from offers.measurement.effects import Outcomes, effect_table


def table(**columns: object) -> Outcomes:
    """Outcomes of a table with a row per customer; costs are nothing unless given."""
    rows = pd.DataFrame(columns)
    costs = rows.reindex(columns=["cost", "in_spend"], fill_value=0.0).to_numpy(float)
    return Outcomes(
        intended_offer=rows["offer"].to_numpy(object),
        treated=rows["treated"].to_numpy(bool),
        forecasts=np.empty((len(rows), 0)),
        ordered=(rows["spend"] > 0).to_numpy(float),
        net_spend=rows["spend"].to_numpy(float),
        cost=costs[:, 0],
        in_spend=costs[:, 1],
        margin_rate=0.5,
    )


def tenfold(**columns: object) -> Outcomes:
    """Ten customers for each row of a table, so that both arms are large enough for figures."""
    return table(**pd.concat([pd.DataFrame(columns)] * 10, ignore_index=True).to_dict("list"))


def found(outcomes: Outcomes) -> pd.DataFrame:
    return effect_table(outcomes).set_index(["intended_offer", "figure"])


def campaign(seed: int = 0, offers: int = 2, customers: int = 400) -> Outcomes:
    """Random customers with forecasts that are worth something."""
    random = np.random.default_rng(seed)
    treated = random.random(customers) > 0.25
    value = random.lognormal(3, 1, customers)
    ordered = (random.random(customers) < 0.4 + 0.1 * treated).astype(float)
    return Outcomes(
        intended_offer=random.integers(0, offers, customers).astype(str).astype(object),
        treated=treated,
        forecasts=np.column_stack([value, random.random(customers)]),
        ordered=ordered,
        net_spend=ordered * value * random.lognormal(0, 0.5, customers),
        cost=np.where(treated, 1 + ordered * random.random(customers), 0.0),
        in_spend=np.zeros(customers),
        margin_rate=0.5,
    )


def test_figures_of_a_small_table_are_as_by_hand():
    """Spend 30, 40, 10, 0 with the offer and 20, 0 without: 20 against 10 on average."""
    outcomes = tenfold(
        offer="gift",
        treated=[1, 1, 1, 1, 0, 0],
        spend=[30.0, 40.0, 10.0, 0.0, 20.0, 0.0],
        cost=[3.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    )

    figures = found(outcomes)["estimate"]["gift"]

    assert figures["retention"] == 0.75 - 0.5
    assert figures["net_spend"] == 20 - 10
    assert figures["cost"] == 60
    assert figures["incremental_profit"] == 40 * 0.5 * 10 - 60
    assert figures["return_on_spend"] == pytest.approx(14 / 6)


def test_arms_too_small_for_an_interval_have_no_figures_but_the_cost():
    """Ten against one showed -20 points and a return of -15.61, and proved nothing."""
    rows = found(table(offer="gift", treated=[1] * 10 + [0], spend=[9.0] * 11, cost=[2.0] * 11))

    assert rows["estimate"].dropna().to_dict() == {(o, "cost"): 20.0 for o in ("gift", "total")}
    assert rows["unadjusted"].dropna().index.equals(rows["estimate"].dropna().index)


def test_what_is_missing_from_the_spend_is_not_subtracted_twice():
    """The discount of 4 is cost, but half of it has lowered the profit through the net spend."""
    outcomes = tenfold(
        offer="discount",
        treated=[1, 1, 0, 0],
        spend=[36.0, 0.0, 10.0, 0.0],
        cost=[5.0, 1.0, 0.0, 0.0],
        in_spend=[4.0, 0.0, 0.0, 0.0],
    )

    figures = found(outcomes)["estimate"]["discount"]

    assert figures["cost"] == 60
    # At list price 40 the order earns 20, less the discount and 2 for the contacts: 14. Held out
    # customers earn 5.
    assert figures["incremental_profit"] == 10 * (14 - 5)


def test_the_total_weighs_offers_by_the_customers_treated():
    arms = {"treated": [1] * 60 + [0] * 20 + [1] * 20 + [0] * 40}
    spend = [30.0, 10.0] * 30 + [5.0, 15.0] * 10 + [8.0, 2.0] * 10 + [1.0, 5.0] * 20
    outcomes = table(offer=["a"] * 80 + ["b"] * 60, spend=spend, **arms)

    figures = found(outcomes)

    a, b = figures.loc[("a", "net_spend")], figures.loc[("b", "net_spend")]
    total = figures.loc[("total", "net_spend")]
    assert (a["estimate"], b["estimate"]) == (10, 2)
    assert total["estimate"] == pytest.approx((60 * 10 + 20 * 2) / 80)
    errors = 0.75 * a["standard_error"], 0.25 * b["standard_error"]
    assert total["standard_error"] == pytest.approx(np.hypot(*errors))


def test_small_offers_enter_the_total_together():
    spend = [20.0, 10.0] * 30 + [4.0, 6.0] * 10
    offers = ["a", "a", "b", "b", "c", "c"] * 10 + ["a", "b"] * 10
    outcomes = table(offer=offers, treated=[1] * 60 + [0] * 20, spend=spend)

    figures = found(outcomes)

    assert figures["low"].xs("net_spend", level="figure")[["a", "b", "c"]].isna().all()
    total = figures.loc[("total", "net_spend")]
    assert total["estimate"] == pytest.approx(10)
    welch = stats.ttest_ind(spend[:60], spend[60:], equal_var=False).confidence_interval()
    assert (total["low"], total["high"]) == pytest.approx(tuple(welch))


def test_an_offer_without_customers_held_out_is_left_out_of_the_total():
    large = table(offer="a", treated=[1] * 30 + [0] * 30, spend=[4.0, 6.0] * 15 + [1.0, 3.0] * 15)
    more = table(
        offer=["a"] * 60 + ["b"] * 5,
        treated=[1] * 30 + [0] * 30 + [1] * 5,
        spend=[4.0, 6.0] * 15 + [1.0, 3.0] * 15 + [9.0] * 5,
    )

    assert found(more)["estimate"].loc["b"].drop(index="cost").isna().all()
    pd.testing.assert_frame_equal(found(more).loc[["total"]], found(large).loc[["total"]])


@pytest.mark.parametrize("treated", [[], [1], [0], [1, 1], [0, 0], [1, 0]])
def test_hardly_any_customers_give_no_interval_and_no_error(treated):
    outcomes = table(
        offer=np.array(["a"] * len(treated), object),
        treated=np.array(treated),
        spend=np.ones(len(treated)),
    )

    assert found(outcomes)["low"].isna().all()


def test_if_nobody_orders_that_is_no_proof_that_nobody_could():
    figures = found(table(offer="a", treated=[1] * 30 + [0] * 30, spend=[0.0] * 60))

    assert figures.loc[("a", "retention"), "estimate"] == 0.0
    assert np.isnan(figures.loc[("a", "retention"), "low"])


def test_a_cost_that_is_the_same_for_all_is_certain():
    figures = found(table(offer="a", treated=[1] * 30 + [0] * 30, spend=1.0, cost=0.1))

    assert figures.loc[("a", "cost"), ["low", "high"]].tolist() == pytest.approx([3.0, 3.0])


@pytest.mark.parametrize("seed", range(3))
def test_profit_is_the_margin_on_the_spend_less_the_cost(seed):
    outcomes = campaign(seed)

    figures = effect_table(outcomes).pivot_table("estimate", "intended_offer", "figure")

    treated = pd.Series(outcomes.treated).groupby(outcomes.intended_offer).sum()
    treated["total"] = outcomes.treated.sum()
    earned = 0.5 * figures["net_spend"] * treated
    assert figures["incremental_profit"].tolist() == pytest.approx(
        (earned - figures["cost"]).tolist()
    )
    assert figures["cost"]["total"] == pytest.approx(outcomes.cost.sum())
    offers = figures.drop(index="total").sum()
    for name in ("cost", "incremental_profit"):
        assert figures[name]["total"] == pytest.approx(offers[name])


def test_the_interval_of_the_return_is_that_of_a_bootstrap():
    outcomes = campaign(offers=1, customers=2000)
    rows = pd.DataFrame(
        {"treated": outcomes.treated, "earned": 0.5 * outcomes.net_spend, "cost": outcomes.cost}
    )
    random = np.random.default_rng(0)

    def ratio(rows: pd.DataFrame) -> float:
        means = rows.groupby("treated").mean()
        return (means["earned"][True] - means["earned"][False]) / means["cost"][True] - 1

    again = [ratio(rows.sample(frac=1, replace=True, random_state=random)) for _ in range(400)]

    row = found(outcomes).loc[("total", "return_on_spend")]
    assert row["unadjusted"] == pytest.approx(ratio(rows))
    width = row["unadjusted_high"] - row["unadjusted_low"]
    assert width == pytest.approx(2 * 1.96 * np.std(again), rel=0.1)


def test_good_forecasts_save_variance():
    figures = found(campaign(customers=3000))

    assert 0.1 < figures.loc[("total", "net_spend"), "variance_saved"] < 1
    assert abs(figures.loc[("total", "retention"), "variance_saved"]) < 0.05
    assert np.isnan(figures.loc[("total", "cost"), "variance_saved"])
