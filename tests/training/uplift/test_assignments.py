import numpy as np
import pandas as pd
import pytest

from features.history.history import History
from features.table import feature_table
from simulation import simulate
from training.errors import TrainingError
from training.panel.labels import Value
from training.uplift.assignments import EXPECTED, assignments_of, described

ORDERS = pd.DataFrame(
    [
        ("1", "a", "2024-01-01", 10.0),
        ("2", "b", "2024-01-05", 10.0),
        ("3", "a", "2024-03-05", 20.0),
        ("4", "b", "2024-03-20", 30.0),
        ("4", "b", "2024-03-25", -5.0),
        ("5", "c", "2024-06-30", 10.0),
    ],
    columns=["order_id", "customer_id", "ordered_at", "amount"],
)
OFFERS = pd.DataFrame(
    [
        ("a", "spring", "2024-03-01", "none", 0.4),
        ("b", "spring", "2024-03-01", "points", 0.6),
        ("c", "spring", "2024-03-01", "points", 0.6),
        ("a", "summer", "2024-06-20", "points", None),
    ],
    columns=["customer_id", "campaign_id", "offered_at", "offer_id", "propensity"],
)


def history(orders=ORDERS, offers=OFFERS) -> History:
    return History(orders, offers=offers)


def of_spring(horizon_days: int = 30, **tables):
    return assignments_of(history(**tables).upto("2024-07-01").coded(), horizon_days, Value())


def test_every_assignment_has_its_offer_its_propensity_and_what_followed():
    found = of_spring()
    assert found.X.index.tolist() == ["a", "b"]
    assert found.offer.tolist() == ["none", "points"]
    assert found.propensity.tolist() == [0.4, 0.6]
    assert found.ordered.tolist() == [1.0, 1.0] and found.spend.tolist() == [20.0, 25.0]


def test_an_offer_before_all_orders_is_left_out_and_counted():
    early = pd.DataFrame(
        [("a", "experiment", "2023-12-01", "points", 0.5)], columns=list(OFFERS.columns)
    )
    found = of_spring(offers=pd.concat([early, OFFERS]))
    assert len(found) == 2 and found.left_out["the customer had not ordered before"] == 2


def test_offers_to_nobody_with_an_order_before_are_refused():
    early = pd.DataFrame(
        [("a", "experiment", "2023-12-01", "points", 0.5)], columns=list(OFFERS.columns)
    )
    with pytest.raises(TrainingError, match="made to customers with an order before; none of 1"):
        of_spring(offers=early)


def test_without_its_propensity_an_assignment_is_left_out_where_others_have_theirs():
    offers = OFFERS.assign(propensity=[0.4, None, 0.6, None])
    found = of_spring(offers=offers)
    assert found.offer.tolist() == ["none"] and sum(found.left_out.values()) == 3
    unlogged = of_spring(offers=OFFERS.assign(propensity=None))
    assert len(unlogged) == 2 and np.isnan(unlogged.propensity).all()


def test_what_is_left_out_is_counted():
    assert of_spring().left_out == {
        "their window is not over": 1,
        "the customer had not ordered before": 1,
    }


def test_an_order_after_the_window_does_not_count():
    assert of_spring(horizon_days=15).ordered.tolist() == [1.0, 0.0]


def test_the_features_are_those_known_strictly_before_the_assignment():
    shop = simulate(300, 1095, seed=3)
    whole = History(shop.orders, shop.feedback, shop.offers, shop.customers)
    past = whole.upto("2025-12-01").coded()
    found = assignments_of(past, 90, Value())
    before = feature_table(whole.upto(shop.pilot_at).with_categories(past.mapping.categories),
                           shop.pilot_at, 90)  # fmt: skip
    expected = described(before, found.btyd, 90).loc[found.X.index]
    pd.testing.assert_frame_equal(found.X, expected[found.X.columns])
    assert np.isfinite(found.X[EXPECTED]).all()


def test_nothing_recorded_at_or_after_as_of_changes_a_of_spring():
    later = pd.DataFrame(
        [("9", "a", "2024-07-01", 99.0)],
        columns=["order_id", "customer_id", "ordered_at", "amount"],
    )
    more = pd.DataFrame(
        [("b", "autumn", "2024-07-01", "points", 0.5)], columns=list(OFFERS.columns)
    )
    one, other = (
        of_spring(),
        of_spring(orders=pd.concat([ORDERS, later]), offers=pd.concat([OFFERS, more])),
    )
    pd.testing.assert_frame_equal(one.X, other.X)
    assert one.spend.tolist() == other.spend.tolist()


def test_a_history_without_offers_is_refused():
    with pytest.raises(TrainingError, match="must have a table offers"):
        assignments_of(History(ORDERS).upto("2024-07-01"), 30, Value())


def test_offers_whose_window_is_not_over_are_refused():
    with pytest.raises(TrainingError, match=r"^horizon_days must be over for some offer"):
        of_spring(horizon_days=150)
