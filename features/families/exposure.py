"""Exposure: the offers the customer received and what became of them. Controls are no offers."""

from __future__ import annotations

import narwhals as nw

from features.feature import Family, count, ratio

_of_offers = Family("exposure", "offers")
_counted = Family("exposure", "offers", empty=0.0)

_age, _is_offer = nw.col("age"), nw.col("is_offer")
_is_redeemed = _is_offer & ~nw.col("redeemed_day").is_null()
_is_refused = _is_offer & ~nw.col("refused_day").is_null()

FEATURES = (
    *(
        _counted(
            f"offers_{days}d",
            "offers",
            f"offers received in the last {days} days",
            count(_is_offer & (_age <= days)),
        )
        for days in (90, 365)
    ),
    _counted("offers_redeemed", "offers", "offers redeemed so far", count(_is_redeemed)),
    _counted("offers_refused", "offers", "offers refused so far", count(_is_refused)),
    _of_offers(
        "offer_redemption_rate",
        "share",
        "offers redeemed over offers received",
        ratio(count(_is_redeemed), count(_is_offer)),
    ),
)
