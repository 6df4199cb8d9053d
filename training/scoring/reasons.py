"""Reasons in plain language: what a model's contributions say, in the customer's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import CATALOGUE
from features.families.profile import PROFILE
from features.feature import Feature
from training.evaluation import FloatArray
from training.scoring.columns import REASONS
from training.scoring.phrases import PHRASES, Phrase, of_own, of_profile, rows_of, said

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "horizon": "rhythm",
        "frequency": "recent orders",
        "rhythm": "rhythm",
        "returns": "returns",
        "exposure": "offers",
    }
)
NAMED: Mapping[str, str] = MappingProxyType(
    {
        "days_since_last_order": "rhythm",
        "recency_over_horizon": "rhythm",
        "recency_over_age": "rhythm",
        "days_since_first_order": "age",
        "age_over_horizon": "age",
        "T": "age",
        "recency": "age",
        "frequency": "orders",
        "orders": "orders",
        "purchase_days": "orders",
        "orders_trend_90d": "recent orders",
        "discounted_orders_share": "discounts",
        "discount_share": "discounts",
        "days_since_last_refund": "returns",
        "days_since_last_feedback": "feedback",
        "days_since_last_negative_feedback": "feedback",
        "days_since_last_offer": "offers",
    }
)


# What has nothing to say for itself where it speaks for the customer: the silence since does.
TOLD_BY: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("orders", "recent orders", "recent spend", "age"), "rhythm")
)


@dataclass(frozen=True)
class Topic:
    """Features that tell the same story, and the phrase that tells it.

    Attributes
    ----------
    name : str
    features : tuple of str
        Their contributions are added up.
    say : callable
        Row of a feature table -> a phrase; None where there is nothing to say.
    """

    name: str
    features: tuple[str, ...]
    say: Phrase

    @property
    def is_of_one(self) -> bool:
        """Whether it is about a column that a shop adds itself, and named after it."""
        return self.features == (self.name,)


def reasons(
    contributions: pd.DataFrame,
    table: pd.DataFrame,
    categories: Mapping[str, tuple[str, ...]],
    own: Sequence[Feature] = (),
) -> pd.DataFrame:
    """The three strongest reasons for risk of every row.

    Parameters
    ----------
    contributions : pandas.DataFrame, shape (rows, features)
        What each feature adds to the logit of churn, above what is usual.
    table : pandas.DataFrame, shape (rows, features)
        The same rows of the feature table, with the column `USUAL_SPEND`.
    categories : mapping of str to tuple of str
        Names behind the codes of profile columns.
    own : sequence of Feature, optional
        The features of the shop's own, which tell what they mean.

    Returns
    -------
    pandas.DataFrame
        Columns reason_1 to reason_3 of text, null where fewer topics raise the risk.
    """
    _, phrases, weight = _ranked(contributions, table, categories, own)
    best = _strongest(weight)
    said = np.take_along_axis(phrases, best, axis=1)
    said[~np.isfinite(np.take_along_axis(weight, best, axis=1))] = None
    chosen = np.full((len(table), len(REASONS)), None, dtype=object)
    chosen[:, : said.shape[1]] = said
    # Text even where all is null: other readers of Parquet could not tell what it is.
    return pd.DataFrame(chosen, table.index, list(REASONS)).astype("string")


def reason_shares(
    contributions: pd.DataFrame,
    table: pd.DataFrame,
    categories: Mapping[str, tuple[str, ...]],
    own: Sequence[Feature] = (),
) -> pd.DataFrame:
    """How often each topic is a reason, over all rows.

    Parameters
    ----------
    contributions, table, categories, own
        As in `reasons`.

    Returns
    -------
    pandas.DataFrame
        Index topic; first, the share of rows of which it is the strongest reason; told, the share
        of which it is any of the three.
    """
    topics, _, weight = _ranked(contributions, table, categories, own)
    best = _strongest(weight)
    is_told = np.isfinite(np.take_along_axis(weight, best, axis=1))
    counts = [
        np.bincount(best[:, :places][is_told[:, :places]], minlength=len(topics))
        for places in (1, len(REASONS))
    ]
    first, told = (count / max(len(table), 1) for count in counts)
    names = [topic.name.removeprefix(PROFILE) for topic in topics]
    return pd.DataFrame({"first": first, "told": told}, pd.Index(names, name="topic"))


def _ranked(
    contributions: pd.DataFrame,
    table: pd.DataFrame,
    categories: Mapping[str, tuple[str, ...]],
    own: Sequence[Feature],
) -> tuple[tuple[Topic, ...], NDArray[np.object_], FloatArray]:
    """Topics, their phrases about every row, and what they add to its risk; -inf if no reason."""
    columns = [str(column) for column in contributions]
    topics, values = topics_of(columns, categories, own), contributions.to_numpy()
    places = [[columns.index(feature) for feature in topic.features] for topic in topics]
    added = np.column_stack([values[:, place].sum(axis=1) for place in places])
    rows = rows_of(table, {f for t in topics if t.is_of_one for f in t.features})
    phrases = np.empty((len(table), len(topics)), dtype=object)
    for number, row in enumerate(rows):
        phrases[number] = [said(topic.say, row) for topic in topics]
    silent = pd.isna(phrases)
    added = _told(added, silent, [topic.name for topic in topics])
    return topics, phrases, np.where(~silent & (added > 0), added, -np.inf)


def _strongest(weight: FloatArray) -> NDArray[np.intp]:
    return np.argsort(-weight, axis=1, kind="stable")[:, : len(REASONS)]


def _told(added: FloatArray, silent: NDArray[np.bool_], names: Sequence[str]) -> FloatArray:
    """What each topic adds, and with it what raises the risk and another has to tell."""
    told = added.copy()
    for place, name in enumerate(names):
        teller = TOLD_BY.get(name)
        if teller in names:
            mute = silent[:, place] & (added[:, place] > 0)
            told[mute, names.index(teller)] += added[mute, place]
    return told


def topics_of(
    columns: Sequence[str],
    categories: Mapping[str, tuple[str, ...]],
    own: Sequence[Feature] = (),
) -> tuple[Topic, ...]:
    """Share columns out to topics, each to one; a feature of the shop's own is one by itself."""
    theirs = {feature.name: feature for feature in own}
    found: dict[str, list[str]] = {}
    for column in columns:
        if column in theirs:
            continue
        # Kinds of feedback that a shop declares itself are in no catalogue.
        known = column if column.startswith(PROFILE) else TOPIC_OF.get(column, "feedback")
        found.setdefault(known, []).append(column)
    usual = (
        Topic(name, tuple(members), PHRASES.get(name) or _profile(name, categories))
        for name, members in found.items()
    )
    further = (Topic(c, (c,), of_own(theirs[c])) for c in columns if c in theirs)
    return (*usual, *further)


def _profile(column: str, categories: Mapping[str, tuple[str, ...]]) -> Phrase:
    return of_profile(column, categories.get(column.removeprefix(PROFILE), ()))


def _topic_of(feature: Feature) -> str:
    """The one topic of a feature of the catalogue."""
    name = feature.name
    if name in NAMED:
        return NAMED[name]
    if name.startswith("orders_season"):
        return "season"
    if feature.family == "spend":
        is_recent = name.endswith(("_30d", "_90d", "_180d", "_270d", "_365d", "h", "_over_aov"))
        return "recent spend" if is_recent else "spend"
    if feature.family == "feedback":
        return "tickets" if "ticket" in name else "feedback"
    return FAMILIES[feature.family]


TOPIC_OF: Mapping[str, str] = MappingProxyType({f.name: _topic_of(f) for f in CATALOGUE})
