import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offers.allocation.allocation import allocate
from offers.errors import OffersError
from offers.planning.curves import budget_curve, trade_off

LAWS = settings(deadline=None, max_examples=15)
FEW = settings(deadline=None, max_examples=3)


def shop(customers: int = 300, offers: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Profits and costs of offers, a third of them not to be made and many not worth it."""
    random = np.random.default_rng(seed)
    worth = random.lognormal(4.0, 1.0, (customers, 1))
    cost = random.uniform(1.0, 10.0, offers) * random.uniform(0.5, 1.5, (customers, offers))
    profit = worth * random.normal(0.02, 0.05, (customers, offers)) - 0.3 * cost
    profit[random.random(profit.shape) < 0.3] = np.nan
    return profit, cost


def test_the_best_customers_are_bought_first():
    """Returns of 3, 2 and 1 per unit of cost, and one offer that loses."""
    curve = budget_curve([[6.0], [4.0], [2.0], [-1.0]], [[2.0]] * 4, budgets=[2, 4, 6, 8])

    assert curve.points["profit"].tolist() == [6, 10, 12, 12]
    assert curve.points["spend"].tolist() == [2, 4, 6, 6]
    assert curve.points["customers"].tolist() == [1, 2, 3, 3]
    assert curve.points["price"].iloc[-1] == 0
    assert curve.enough == 6
    assert curve.beyond.iloc[0].to_dict() == {
        "budget": 8,
        "customers": 4,
        "spend": 8,
        "profit": 11,
        "price": -0.5,
    }


def test_beyond_the_best_a_place_that_is_taken_is_not_given_again():
    curve = budget_curve([[6.0], [-1.0], [-2.0]], [[2.0]] * 3, capacity=[2])

    assert curve.beyond["customers"].tolist() == [2]
    assert curve.beyond["profit"].tolist() == [5.0]


def test_the_usual_budgets_go_from_nothing_to_enough():
    profit, cost = shop()

    curve = budget_curve(profit, cost)

    points = curve.points
    assert len(points) == 21
    assert points.iloc[0][["budget", "customers", "spend", "profit"]].tolist() == [0] * 4
    assert points["budget"].iloc[-1] == pytest.approx(curve.enough)
    best = np.nanmax(np.where(profit > 0, profit, 0.0), axis=1).sum()
    assert points["profit"].iloc[-1] == pytest.approx(best)


@FEW
@given(st.integers(0, 1000), st.booleans())
def test_more_money_brings_more_but_ever_less_of_it(seed, limited):
    profit, cost = shop(seed=seed)

    curve = budget_curve(profit, cost, [60, 60, 60] if limited else None)

    points = curve.points
    assert (points["spend"] <= points["budget"] * (1 + 1e-9)).all()
    assert (points["profit"].diff().dropna() > -0.002 * points["profit"].max()).all()
    assert (points["price"].diff().dropna() <= 0.05 * points["price"].max()).all()
    assert (curve.beyond["price"] <= 0).all()
    assert (curve.beyond["profit"] <= points["profit"].iloc[-1] * (1 + 1e-9)).all()


@pytest.mark.parametrize("capacity", [None, [60, 60, 60]])
def test_a_point_is_hardly_below_the_best_allocation(capacity):
    profit, cost = shop()
    budgets = [100.0, 400.0]

    points = budget_curve(profit, cost, capacity, budgets).points

    best = [allocate(profit, cost, budget, capacity).profit for budget in budgets]
    assert points["profit"].tolist() == pytest.approx(best, rel=0.005)
    assert (points["profit"] <= np.array(best) * (1 + 1e-9)).all()


@pytest.mark.parametrize("profit", [np.zeros((0, 2)), np.full((3, 2), np.nan), -np.ones((3, 2))])
def test_where_nothing_is_worth_it_no_money_is_enough(profit):
    curve = budget_curve(profit, np.ones_like(profit))

    assert curve.enough == 0
    assert curve.points[["budget", "profit"]].to_numpy().tolist() == [[0, 0]]


@pytest.mark.parametrize("budgets", [[-1.0], [np.nan], [1.0, -2.0]])
def test_a_negative_budget_is_refused(budgets):
    with pytest.raises(OffersError, match="budgets must be a list of numbers >= 0"):
        budget_curve([[1.0]], [[1.0]], budgets=budgets)


def test_contacting_by_risk_is_held_against_contacting_by_profit():
    """The riskiest is worth little; a loyal customer costs as much as one who would leave."""
    table = trade_off(
        churn_risk=[0.8, 0.6, 0.2, 0.0],
        clv_if_active=[10.0, 100.0, 200.0, 50.0],
        profit=[-2.0, 7.0, 3.0, -4.0],
        cost=[4.0, 4.0, 5.0, 4.0],
        shares=[0.5, 1.0],
    )

    by_risk, all_by_risk, by_profit, all_by_profit = table.to_dict("records")
    assert by_risk == pytest.approx(
        {
            "order": "churn_risk",
            "share": 0.5,
            "customers": 2,
            "churners_reached": 1.4 / 1.6,
            "value_reached": 8 + 60,
            "loyal_contacted": 0.2 + 0.4,
            "cost_of_loyal": 0.2 * 4 + 0.4 * 4,
            "cost": 8,
            "profit": 5,
        }
    )
    assert by_profit["churners_reached"] == pytest.approx(0.8 / 1.6)
    assert by_profit["profit"] == 10
    assert by_profit["loyal_contacted"] == pytest.approx(0.4 + 0.8)
    assert all_by_risk | {"order": ""} == pytest.approx(all_by_profit | {"order": ""})


@LAWS
@given(st.integers(0, 1000))
def test_no_order_reaches_more_churners_or_brings_more_profit_than_its_own(seed):
    random = np.random.default_rng(seed)
    columns = random.random(50), *random.lognormal(3, 1, (3, 50))

    table = trade_off(columns[0], columns[1], columns[2] - 30, columns[3])

    by = {order: rows.reset_index() for order, rows in table.groupby("order")}
    risk, profit = by["churn_risk"], by["expected_profit"]
    assert (risk["churners_reached"] >= profit["churners_reached"] - 1e-9).all()
    assert (profit["profit"] >= risk["profit"] - 1e-9).all()
    assert risk["churners_reached"].iloc[-1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.5], [1.0], [1.0], [1.0, 2.0]), "one number per customer"),
        (([], [], [], []), "one number per customer"),
        (([1.5], [1.0], [1.0], [1.0]), "churn_risk must be from 0 to 1"),
        (([0.5], [np.nan], [1.0], [1.0]), "must be finite numbers"),
        (([0.5], [1.0], [1.0], [1.0], [0.0]), "shares must be above 0 and at most 1"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(OffersError, match=words):
        trade_off(*arguments)


def test_nobody_at_risk_is_nobody_reached():
    table = trade_off([0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 1.0], shares=[0.5])

    assert isinstance(table, pd.DataFrame)
    assert table["churners_reached"].tolist() == [0.0, 0.0]
