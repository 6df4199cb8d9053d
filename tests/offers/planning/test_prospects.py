import pandas as pd
import pytest
from scipy.stats import beta

from offers.catalogue.catalogue import OfferCatalogue
from offers.planning.prospects import prospects
from training.panel.labels import Value

CATALOGUE = OfferCatalogue.from_dict(
    {
        "offers": {
            "ten_off": {"kind": "discount", "cost_share": 0.1, "contact_cost": 0.5},
            "points": {"kind": "points", "fixed_cost": 2.0, "prior": [2, 38]},
        }
    }
)
SCORES = pd.DataFrame(
    {
        "churn_risk": [0.5, 0.9],
        "clv_if_active": [100.0, 20.0],
        "order_value": [50.0, 20.0],
        "clv_horizon_days": [90, 90],
    },
    pd.Index(["a", "b"], name="customer_id"),
)
LEARNT = pd.DataFrame({"ten_off": [0.2, -0.3]}, SCORES.index)


def test_the_profit_of_an_offer_that_was_tried_by_hand():
    found = prospects(SCORES, CATALOGUE, Value(), LEARNT)
    # a: an order comes with 0.5 + 0.2, so 0.5 + 0.1 x 50 x 0.7 = 4; b: at worst with 0.
    assert found.uplift["ten_off"].tolist() == pytest.approx([0.2, -0.1])
    assert found.cost["ten_off"].tolist() == pytest.approx([4.0, 0.5])
    assert found.profit["ten_off"].tolist() == pytest.approx([16.0, -2.5])


def test_an_offer_never_tried_saves_would_be_churners_at_the_rate_of_its_prior():
    found = prospects(SCORES, CATALOGUE, Value(), LEARNT)
    assert found.uplift["points"].tolist() == pytest.approx([0.05 * 0.5, 0.05 * 0.9])
    assert found.evidence == {"ten_off": "experiment", "points": "prior"}


def test_a_prior_is_ranked_by_a_low_quantile_and_evidence_by_itself():
    found = prospects(SCORES, CATALOGUE, Value(), LEARNT)
    assert found.cautious["points"].tolist() == pytest.approx(
        [beta.ppf(0.2, 2, 38) * risk for risk in (0.5, 0.9)]
    )
    assert found.cautious["ten_off"].tolist() == found.uplift["ten_off"].tolist()


def test_a_share_of_the_order_is_of_its_price_not_of_its_margin():
    margin = prospects(SCORES, CATALOGUE, Value(margin_rate=0.5), LEARNT)
    assert margin.cost["ten_off"].tolist() == pytest.approx([0.5 + 0.1 * 100 * 0.7, 0.5])


def test_without_any_evidence_everything_is_a_prior():
    assert set(prospects(SCORES, CATALOGUE, Value()).evidence.values()) == {"prior"}
