import numpy as np
import pandas as pd
import pytest

from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.signals import FEATURES
from offers.errors import OffersError
from offers.planning.offer_reasons import offer_reasons

CATALOGUE = OfferCatalogue(
    (
        Offer("sorry", "service_recovery", addresses=("negative_feedback", "overdue")),
        Offer("gift", "gift"),
    )
)
PEOPLE = ("ann", "bob", "cid")
TABLE = pd.DataFrame(
    {
        **dict.fromkeys(FEATURES, np.nan),
        "days_since_last_order": [61.0, 61.0, 7.0],
        "gap_median": [20.0, 20.0, np.nan],
        "frequency": [3.0, 3.0, 0.0],
        "overdue_median": [3.05, 3.05, np.nan],
        "satisfaction_last": [np.nan, -1.0, np.nan],
        "days_since_last_negative_feedback": [np.nan, 12.0, np.nan],
    },
    index=pd.Index(PEOPLE, name="customer_id"),
)
SCORES = pd.DataFrame({"customer_id": list(PEOPLE), "clv": 1.0, "clv_horizon_days": 90})
RISKS = pd.array(["only one order", pd.NA, pd.NA], dtype="string")


def said(intended, scores=SCORES):
    found = offer_reasons(CATALOGUE, scores, TABLE, intended)
    return found.astype(object).where(found.notna(), None).to_list()


def test_the_reason_is_the_first_addressed_signal_that_the_customer_shows():
    assert said(["sorry", "sorry", "none"]) == [
        "used to order every 20 days, none for 61",
        "negative feedback 12 days ago",
        None,
    ]


def test_an_offer_to_anybody_has_the_reason_of_the_risk_or_else_the_last_order():
    assert said(["gift"] * 3, SCORES.assign(reason_1=RISKS)) == [
        "only one order",
        "used to order every 20 days, none for 61",
        "last order 7 days ago",
    ]


def test_scores_without_reasons_will_do():
    assert said(["none", "none", "gift"]) == [None, None, "last order 7 days ago"]


def test_reasons_stand_in_the_order_of_the_scores():
    found = offer_reasons(CATALOGUE, SCORES.iloc[::-1], TABLE, ["none", "sorry", "gift"])
    assert found.index.tolist() == ["cid", "bob", "ann"]
    assert found["bob"] == "negative feedback 12 days ago"


def test_an_offer_that_the_catalogue_lacks_is_refused():
    with pytest.raises(OffersError, match=r"must be offers of .* or none; got \['cake'\]"):
        said(["cake", "none", "none"])
