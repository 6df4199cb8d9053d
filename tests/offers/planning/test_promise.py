import numpy as np
import pandas as pd
import pytest

from offers.catalogue.catalogue import OfferCatalogue
from offers.planning.promise import Promise
from offers.planning.prospects import credible, prospects
from training.panel.labels import Value
from training.uplift.calibration import Calibration
from training.uplift.doubt import Doubt

CATALOGUE = OfferCatalogue.from_dict(
    {
        "offers": {
            "points": {"kind": "points", "fixed_cost": 2.0},
            "hello": {"kind": "onboarding", "prior": [6, 14]},
        }
    }
)
CUSTOMERS = 400


def scores(risk=0.6, worth=50.0):
    columns = {
        "churn_risk": risk,
        "clv_if_active": worth,
        "order_value": 20.0,
        "clv_horizon_days": 365,
    }
    index = pd.Index([f"c{n}" for n in range(CUSTOMERS)], name="customer_id")
    return pd.DataFrame(columns, index=index)


def line(mean=0.1, mean_doubt=0.0, slope=0.0, slope_doubt=0.0, scatter=0.0):
    return Calibration(mean, mean, slope, slope, 0.1, 0.0, mean_doubt, slope_doubt, scatter)


def promise(calibration, treated=None, predicted=None, **terms):
    predicted = np.zeros(CUSTOMERS) if predicted is None else predicted
    known = scores(**terms)
    learnt = pd.DataFrame({"points": calibration.apply(predicted)}, known.index)
    found = prospects(known, CATALOGUE, Value(), learnt)
    treated = np.zeros(CUSTOMERS, dtype=np.int64) if treated is None else treated
    doubts = {"points": Doubt(calibration, predicted, 900)}
    return Promise.of(found, CATALOGUE, treated, doubts)


def test_effects_without_doubt_promise_what_they_are():
    found = promise(line())
    # 400 customers, .1 x 50 - 2 each.
    assert found.profit == pytest.approx(1200)
    assert (found.low, found.high) == pytest.approx((1200, 1200))
    assert found.observations == 900


def test_the_error_of_a_mean_does_not_cancel_over_customers():
    found = promise(line(mean_doubt=0.02))
    half = 1.645 * 0.02 * 50 * CUSTOMERS
    assert found.low == pytest.approx(1200 - half, rel=0.15)
    assert found.high == pytest.approx(1200 + half, rel=0.15)


def test_what_is_hidden_of_single_customers_does():
    found = promise(line(scatter=0.05))
    half = 1.645 * 0.05 * 50 * np.sqrt(CUSTOMERS)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)


def test_a_slope_in_doubt_tells_on_those_who_were_chosen_by_it():
    predicted = np.full(CUSTOMERS, 0.2)
    known, doubtful = (promise(line(0.0, 0.0, 0.5, doubt), None, predicted) for doubt in (0, 0.2))
    assert known.high == pytest.approx(known.low)
    assert doubtful.high - doubtful.low > 1000


def test_no_offer_is_believed_to_keep_more_than_half_of_those_at_risk():
    assert promise(line(0.3), risk=0.1).profit == pytest.approx(CUSTOMERS * (0.05 * 50 - 2))
    assert promise(line(0.3, 0.5), risk=0.1).high <= CUSTOMERS * (0.05 * 50 - 2) + 1e-9
    assert credible(np.array([-0.9]), np.array([0.4])).tolist() == [-0.6]


def test_offers_without_evidence_go_by_their_prior():
    found = promise(line(), np.ones(CUSTOMERS, dtype=np.int64))
    # The save rate is Beta(6, 14): mean .3, 90% from .15 to .48.
    assert found.profit == pytest.approx(CUSTOMERS * 0.3 * 0.6 * 50)
    assert found.low == pytest.approx(CUSTOMERS * 0.147 * 0.6 * 50, rel=0.1)
    assert found.high == pytest.approx(CUSTOMERS * 0.476 * 0.6 * 50, rel=0.1)
    assert found.observations == 0


def test_where_nothing_is_offered_nothing_is_promised():
    found = promise(line(), np.full(CUSTOMERS, -1))
    assert (found.profit, found.low, found.high, found.observations) == (0.0, 0.0, 0.0, 0)
