import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from training.btyd import MBGNBD
from training.btyd.population import RIDGE, PopulationModel, capped
from training.errors import TrainingError

LAWS = settings(deadline=None, max_examples=30)
FEW = settings(deadline=None, max_examples=10)
PARAMETERS = {"r": 0.5, "alpha": 40.0, "a": 0.6, "b": 2.0}
MBG_NBD = PopulationModel(PARAMETERS, 20.0, 2.0)
X = pd.DataFrame(
    {
        "frequency": [0.0, 0.0, 2.0, 6.0, 300.0],
        "recency": [0.0, 0.0, 90.0, 350.0, 380.0],
        "T": [0.0, 400.0, 120.0, 380.0, 390.0],
    }
)
seasonal_level = st.floats(-1.5, 1.5)
windows = st.floats(0.5, 3650.0)


def buyers(days: list[float], mean: list[float], std: list[float]) -> pd.DataFrame:
    """A feature table of so many purchase days, of so much each, that scatter so much."""
    count = np.array(days)
    return pd.DataFrame(
        {
            "frequency": count - 1,
            "recency": 30.0 * (count - 1),
            "T": 30.0 * count,
            "purchase_days": count,
            "spend": count * mean,
            "refund_amount": 0.0,
            "aov": mean,
            "order_amount_std": std,
        }
    )


def test_the_days_of_the_window_pass_at_its_pace_and_later_ones_as_usual():
    btyd = MBG_NBD.at_pace(np.log(1.5), 10.0)

    assert btyd.usual_days(0.0) == 0.0
    found = btyd.usual_days(np.array([4.0, 10.0, 15.0]))
    assert found == pytest.approx([6.0, 15.0, 20.0])


def test_without_a_pace_days_are_usual_days():
    assert MBG_NBD.usual_days(np.array([4.0, 365.0])).tolist() == [4.0, 365.0]


def test_the_chance_of_no_order_is_that_of_mbg_nbd_over_the_usual_days():
    model = MBGNBD.from_parameters(PARAMETERS)

    risk = expit(MBG_NBD.at_pace(np.log(1.2), 90.0).logit_no_order(X, 90.0))

    expected = model.p_no_purchase(108.0, X["frequency"], X["recency"], X["T"])
    assert risk == pytest.approx(expected, rel=1e-9)


def test_a_history_mixed_from_several_customers_is_the_nearest_that_can_be():
    mixed = pd.DataFrame(
        {"frequency": [2.0, 2.0, 0.0], "recency": [90.0, -5.0, 90.0], "T": [60.0, 60.0, 120.0]}
    )
    nearest = mixed.assign(recency=[60.0, 0.0, 0.0])

    for forecast in (MBG_NBD.p_alive, lambda X: MBG_NBD.logit_no_order(X, 90.0)):
        assert np.array_equal(forecast(mixed), forecast(nearest))


def test_what_cannot_be_is_not_learnt_from():
    with pytest.raises(TrainingError, match="recency must be between 0 and T"):
        PopulationModel.of_purchases(X.assign(recency=X["T"] + 1.0))


def test_a_weight_of_two_is_the_customer_twice():
    table, weight = (
        buyers([1, 2, 5, 9], [10.0, 20.0, 30.0, 25.0], [1.0] * 4),
        np.array([2, 1, 0, 3]),
    )
    weighed = PopulationModel.of(table, weight)
    repeated = PopulationModel.of(table.iloc[np.repeat(np.arange(4), weight)])

    assert weighed.parameters == pytest.approx(repeated.parameters)
    # Of the largest 1% the rows as they stand are asked.
    assert weighed.day_spend == pytest.approx(repeated.day_spend, rel=0.1)


def test_every_customer_may_have_a_window_of_their_own():
    days = np.array([1.0, 30.0, 60.0, 90.0, 365.0])

    together = MBG_NBD.logit_no_order(X, days)

    alone = [MBG_NBD.logit_no_order(X, day)[row] for row, day in enumerate(days)]
    assert together == pytest.approx(alone)


@LAWS
@given(seasonal_level, st.floats(0.01, 1.0), windows)
def test_a_faster_pace_raises_the_chance_of_an_order_and_leaves_who_is_alive(pace, more, days):
    slow, fast = MBG_NBD.at_pace(pace, 90.0), MBG_NBD.at_pace(pace + more, 90.0)

    less = slow.logit_no_order(X, days) - fast.logit_no_order(X, days)
    # Who buys daily is as certain to order as a number can say.
    assert (less[:-1] > 0).all()
    assert less[-1] >= 0
    assert np.array_equal(fast.p_alive(X), slow.p_alive(X))


@LAWS
@given(seasonal_level, windows, st.floats(1.0, 3.0))
def test_no_order_is_less_likely_the_longer_one_waits(pace, days, longer):
    btyd = MBG_NBD.at_pace(pace, 90.0)

    assert (btyd.logit_no_order(X, days * longer) <= btyd.logit_no_order(X, days)).all()


@FEW
@given(seasonal_level, windows)
def test_whoever_orders_has_at_least_one_purchase_day(pace, days):
    assert (MBG_NBD.at_pace(pace, 90.0).orders_if_any(X, days) >= 1.0).all()


def test_the_chance_and_the_orders_if_any_are_the_expected_purchases():
    found = MBG_NBD.orders_if_any(X, 90.0) * expit(-MBG_NBD.logit_no_order(X, 90.0))

    model = MBGNBD.from_parameters(PARAMETERS)
    expected = model.expected_purchases(90.0, X["frequency"], X["recency"], X["T"])
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_purchase_day_is_worth_the_customers_mean_and_that_of_all_by_hand():
    """Less refunds, and nothing at the least."""
    table = pd.DataFrame(
        {
            "spend": [100.0, 30.0, 100.0],
            "refund_amount": [0.0, 10.0, 130.0],
            "purchase_days": [3.0, 1.0, 2.0],
        }
    )

    found = MBG_NBD.order_value(table)

    assert found == pytest.approx([(100 + 2 * 20) / 5, (20 + 2 * 20) / 3, 2 * 20 / 4])


def test_a_day_of_all_is_the_net_spend_of_all_over_their_days():
    table = buyers([1.0, 3.0], [20.0, 20.0], [np.nan, 0.0])

    assert PopulationModel.of(table).day_spend == pytest.approx(80.0 / 4)
    refunded = table.assign(refund_amount=[10.0, 30.0])
    assert PopulationModel.of(refunded).day_spend == pytest.approx(40.0 / 4)


def test_of_one_far_beyond_all_others_a_day_counts_as_one_of_the_largest_usual():
    table = buyers([2.0] * 401, [*[10.0, 30.0] * 200, 1e6], [5.0] * 401)

    assert PopulationModel.of(table).day_spend == pytest.approx((400 * 20 + 30) / 401)


def test_a_cap_is_so_many_times_what_nearly_all_stay_below():
    values = np.append(np.full(999, 2.0), 100.0)

    assert capped(values).max() == pytest.approx(2.0)
    assert capped(values, 3.0).max() == pytest.approx(6.0)


def test_credibility_by_hand():
    """Half buy for 10 and half for 30, give or take half of it, on two days each.

    Within customers 0.5 ** 2; between their means 0.25, of which 0.25 / 2 is that of two days.
    """
    table = buyers([2.0] * 60, [10.0, 30.0] * 30, [5.0, 15.0] * 30)

    assert PopulationModel.of(table).credibility == pytest.approx(0.25 / (0.25 - 0.125))


@pytest.mark.parametrize(
    ("mean", "std", "limit"),
    [([10.0, 30.0], [0.1, 0.3], 0.2), ([20.0, 20.0], [20.0, 20.0], 5.0)],
    ids=["who is like themselves", "who are all alike"],
)
def test_credibility_is_within_limits(mean, std, limit):
    table = buyers([3.0] * 60, mean * 30, std * 30)

    assert PopulationModel.of(table).credibility == limit


@pytest.mark.parametrize(("regulars", "credibility"), [(29, 0.8), (30, 0.2)])
def test_of_few_who_came_back_credibility_is_the_usual(regulars, credibility):
    days = [2.0] * regulars + [1.0] * 100
    table = buyers(days, list(np.linspace(10, 99, len(days))), [0.0] * len(days))

    assert PopulationModel.of(table).credibility == credibility


def test_one_wholesaler_does_not_stand_for_all():
    mean, std = [10.0, 30.0] * 200, [5.0, 15.0] * 200
    usual = PopulationModel.of(buyers([2.0] * 400, mean, std)).credibility

    with_one = PopulationModel.of(buyers([2.0] * 401, [*mean, 1e5], [*std, 1e5])).credibility

    assert with_one == pytest.approx(usual, rel=0.05)


def test_it_is_fitted_with_a_ridge_of_a_few_customers():
    table = buyers([1.0, 2.0, 3.0, 1.0] * 20, [10.0] * 80, [1.0] * 80)

    btyd = PopulationModel.of(table)

    model = MBGNBD(ridge=RIDGE).fit(table["frequency"], table["recency"], table["T"])
    assert btyd.parameters == model.parameters
    assert PopulationModel.of_purchases(table[["frequency", "recency", "T"]]).parameters == (
        model.parameters
    )


@pytest.mark.parametrize("customers", [1, 40])
def test_where_nobody_came_back_it_is_fitted_all_the_same(customers):
    table = buyers([1.0] * customers, [10.0] * customers, [np.nan] * customers)

    btyd = PopulationModel.of(table)

    assert np.isfinite(btyd.logit_no_order(table, 90.0)).all()
    assert btyd.order_value(table) == pytest.approx(10.0)


def test_it_survives_json():
    btyd = MBG_NBD.at_pace(0.1, 90.0)

    assert PopulationModel(**json.loads(json.dumps(btyd.as_dict()))) == btyd
