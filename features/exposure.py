"""Exposure: the offers the customer received and what became of them. Controls are no offers."""

from __future__ import annotations

import narwhals as nw

from features.feature import Feature, count, ratio

FAMILY = "exposure"
_age, _offer = nw.col("age"), nw.col("is_offer")
_redeemed = _offer & ~nw.col("redeemed_day").is_null()
_refused = _offer & ~nw.col("refused_day").is_null()

FEATURES = (
    *(
        Feature(
            f"offers_{days}d",
            FAMILY,
            "offers",
            f"offers received in the last {days} days",
            "offers",
            count(_offer & (_age <= days)),
            0.0,
        )
        for days in (90, 365)
    ),
    Feature(
        "offers_redeemed",
        FAMILY,
        "offers",
        "offers redeemed",
        "offers",
        count(_redeemed),
        0.0,
    ),
    Feature(
        "offers_refused",
        FAMILY,
        "offers",
        "offers refused",
        "offers",
        count(_refused),
        0.0,
    ),
    Feature(
        "offer_redemption_rate",
        FAMILY,
        "share",
        "offers redeemed over offers received",
        "offers",
        ratio(count(_redeemed), count(_offer)),
    ),
)
