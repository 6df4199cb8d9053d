"""Every column of the feature table: the contract between training and serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Dict

import narwhals as nw

from features import exposure, feedback, frequency, profile, recency, returns, rhythm, spend
from features.errors import HistoryError
from features.feature import Family, Feature
from features.mapping import SCALES, Mapping

HORIZON = Family("horizon", "table")(
    "horizon_days",
    "days",
    "length H of the horizon that the relative windows were computed for",
    nw.col("horizon_days"),
)


def catalogue(mapping: Mapping, profiles: Dict[str, bool] | None = None) -> tuple[Feature, ...]:
    """The features of a history in column order.

    Parameters
    ----------
    mapping : Mapping
        Declared feedback kinds and categories add columns.
    profiles : dict, optional
        Customer columns that may become features -> whether they hold text.

    Raises
    ------
    HistoryError
        If a declared kind of feedback would give a column the name of another one.

    Examples
    --------
    >>> [feature.name for feature in catalogue(Mapping()) if feature.family == "returns"]
    ['refunds', 'refund_amount', 'refund_order_share', 'refund_amount_share']
    """
    features = (
        HORIZON,
        *recency.FEATURES,
        *frequency.FEATURES,
        *spend.FEATURES,
        *rhythm.FEATURES,
        *returns.FEATURES,
        *feedback.features({**SCALES, **mapping.scales}),
        *exposure.FEATURES,
        *profile.features(profiles or {}, mapping.categories),
    )
    uses = Counter(feature.name for feature in features)
    twice = sorted(name for name, times in uses.items() if times > 1)
    if twice:
        raise HistoryError(
            f"columns must have different names; got {twice} twice. "
            "Rename the kind of feedback under [feedback.scales] in history.toml."
        )
    return features


CATALOGUE = catalogue(Mapping())
