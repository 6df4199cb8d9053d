"""Every column of the feature table: the contract between training and serving."""

from __future__ import annotations

from collections.abc import Mapping as Dict

import narwhals as nw

from features import (
    exposure,
    feedback,
    frequency,
    profile,
    recency,
    returns,
    rhythm,
    spend,
)
from features.feature import Feature
from features.mapping import SCALES, Mapping

HORIZON = Feature(
    "horizon_days",
    "horizon",
    "days",
    "the horizon the relative windows were computed for",
    "table",
    nw.col("horizon_days"),
)


def catalogue(
    mapping: Mapping, profiles: Dict[str, bool] | None = None
) -> tuple[Feature, ...]:
    """The features of a history in column order.

    Parameters
    ----------
    mapping : Mapping
        Declared feedback kinds and categories add columns.
    profiles : dict, optional
        Customer columns that may become features -> whether they hold text.
    """
    return (
        HORIZON,
        *recency.FEATURES,
        *frequency.FEATURES,
        *spend.FEATURES,
        *rhythm.FEATURES,
        *returns.FEATURES,
        *feedback.features(mapping.scales),
        *exposure.FEATURES,
        *profile.features(profiles or {}, mapping.categories),
    )


CATALOGUE = catalogue(Mapping(scales=SCALES))
