import pytest

from offers.catalogue.catalogue import OfferCatalogue
from offers.errors import OffersError
from offers.planning.campaign import Campaign


@pytest.mark.parametrize(
    "terms",
    [
        {"budget": -1.0},
        {"budget": float("nan")},
        {"budget": float("inf")},
        {"holdout": 0.0},
        {"holdout": 1.0},
        {"explore": -0.1},
        {"explore": 0.6},
        {"campaign_id": " "},
        {"campaign_id": "a\x1fb"},
    ],
)
def test_a_term_out_of_its_range_is_refused_by_name(terms):
    usual = {"campaign_id": "autumn", "catalogue": OfferCatalogue.default(), "budget": 100.0}
    with pytest.raises(OffersError, match=f"^{next(iter(terms))} must be "):
        Campaign(**{**usual, **terms})
