"""Every column of the feature table: the contract between training and serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import narwhals as nw

from features.errors import ExtensionError, HistoryError
from features.families import (
    exposure,
    feedback,
    frequency,
    profile,
    recency,
    returns,
    rhythm,
    spend,
)
from features.feature import Family, Feature
from features.intake.mapping import SCALES, Mapping

HORIZON = Family("horizon", "table")(
    "horizon_days",
    "days",
    "length H of the horizon that the relative windows were computed for",
    nw.col("horizon_days"),
)
FAMILIES = (recency, frequency, spend, rhythm, returns, feedback, exposure, profile)


def catalogue(
    mapping: Mapping, profiles: Iterable[str] | None = None, own: Iterable[Feature] = ()
) -> tuple[Feature, ...]:
    """The features of a history in column order.

    Parameters
    ----------
    mapping : Mapping
        Declared feedback kinds add columns.
    profiles : iterable of str, optional
        Customer columns that may become features, such as `History.profiles`. Where there are
        none, those the mapping declares: a history without customers has the same columns.
    own : iterable of Feature, optional
        Those of the shop's own, such as `History.own`.

    Raises
    ------
    HistoryError
        If a declared kind of feedback would give a column the name of another one.
    ExtensionError
        If a feature of the shop's own has the name of another one.

    Examples
    --------
    >>> [feature.name for feature in catalogue(Mapping()) if feature.family == "returns"]
    ['refunds', 'refund_amount', 'refund_order_share', 'refund_amount_share']
    """
    declared = dict.fromkeys((*mapping.static, *mapping.numbers, *mapping.categories))
    found = list(profiles or declared)
    columns = dict.fromkeys((*(c for c in declared if c in found), *found))
    own = tuple(own)
    features = (
        HORIZON,
        *recency.FEATURES,
        *frequency.FEATURES,
        *spend.FEATURES,
        *rhythm.FEATURES,
        *returns.FEATURES,
        *feedback.features({**SCALES, **mapping.scales}),
        *exposure.FEATURES,
        *profile.features(columns, mapping.categories),
        *own,
    )
    uses = Counter(feature.name for feature in features)
    if named_twice := [feature for feature in own if uses[feature.name] > 1]:
        raise ExtensionError(
            f"{named_twice[0].source or 'a feature'}: {named_twice[0].name!r} is the name of "
            "another column of the feature table. Rename the feature."
        )
    if twice := sorted(name for name, times in uses.items() if times > 1):
        raise HistoryError(
            f"columns must have different names; got {twice} twice. "
            "Rename the kind of feedback under [feedback.scales] in history.toml."
        )
    return features


CATALOGUE = catalogue(Mapping())

INTRODUCTION = """\
# Features

`feature_table(history, as_of, horizon_days)` gives one row per customer with a positive order known
before `as_of`, and these columns, all float64. They are generated from the code:
`python -m features.catalogue > docs/features.md`.

- Everything is as known strictly before `as_of`. "The last 30 days" are `[as_of - 30 days, as_of)`.
- An order is a row with a positive amount, a refund one with a negative amount; zero is neither.
- Amounts are in the shop's currency. A purchase day is a calendar day on the shop's clock.
- H is the horizon: `horizon_days` long. Windows come in days for people, and in horizons for the
  models: `_025h`, `_05h`, `_1h`, `_2h`, `_4h` are a quarter of H, half of H, H, 2 H and 4 H.
- A deviation is the sample's (n - 1). A ratio is unknown where its denominator is not positive.
- Unknown is NaN, never a made-up number; where nothing happened a count is 0. A history without
  feedback, offers or customers has the same columns.
- Satisfaction is a score moved to -1 (lowest of its scale) to 1 (highest), so that kinds compare.
"""
FEEDBACK_NOTE = "A kind declared in `history.toml` adds its count, mean and last in the same way."
PROFILE_NOTE = """\
One column `profile_NAME` for each column NAME of `customers` that is declared static and, where its
rows have `recorded_at`, for each number and each declared category. Numbers are as given; text is
the position of its value, from 0, among the categories: the declared ones, else those known at
training in alphabetical order. A value that is no category is unknown."""


def as_markdown() -> str:
    """`docs/features.md`: every column with its unit and meaning, family by family."""
    notes = {feedback: FEEDBACK_NOTE, profile: PROFILE_NOTE}
    parts = [INTRODUCTION, _rows([HORIZON])]
    for family in FAMILIES:
        title, _, about = str(family.__doc__).partition(": ")
        own = [feature for feature in CATALOGUE if feature.family == title.lower()]
        parts.append(f"## {title}\n\n{about[0].upper()}{about[1:]}\n")
        if own:
            parts.append(_rows(own))
        if family in notes:
            parts.append(f"{notes[family]}\n")
    return "\n".join(parts)


def _rows(features: Iterable[Feature]) -> str:
    lines = [f"| `{f.name}` | {f.unit} | {f.meaning} |\n" for f in features]
    return "| column | unit | meaning |\n|---|---|---|\n" + "".join(lines)


if __name__ == "__main__":
    print(as_markdown(), end="")
