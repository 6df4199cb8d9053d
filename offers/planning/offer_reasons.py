"""Why a customer gets an offer, in the customer's own numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.agreement import many
from features.schema import NO_OFFER
from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.signals import SIGNALS, figures_of, signals_of
from offers.errors import OffersError
from training.scoring.phrases import PHRASES, said_of_all


def offer_reasons(
    catalogue: OfferCatalogue, scores: pd.DataFrame, table: pd.DataFrame, intended: ArrayLike
) -> pd.Series[str]:
    """Say why each customer gets the offer that is intended.

    It is the first of the signals that the offer addresses, in the order of the catalogue, that the
    customer shows. For an offer to anybody it is the strongest reason of the churn risk, where
    scores have one, else how long ago the last order was.

    Parameters
    ----------
    catalogue : OfferCatalogue
    scores : pandas.DataFrame, shape (customers, columns)
    table : pandas.DataFrame, shape (at least those customers, features)
        As for `eligibility.screen`.
    intended : array-like of str, shape (customers,)
        Offer ids in the order of the scores; `none` for no offer.

    Returns
    -------
    pandas.Series of str, shape (customers,)
        Index `customer_id` in the order of the scores; missing where no offer is intended.

    Raises
    ------
    OffersError
        If an id is not in the catalogue.

    Examples
    --------
    >>> from features.history.history import History
    >>> from features.table import feature_table
    >>> history = History(pd.DataFrame({
    ...     "order_id": ["1"], "customer_id": ["a"], "ordered_at": ["2024-01-05"],
    ...     "amount": [20.0]}))
    >>> scores = pd.DataFrame({"customer_id": ["a"], "clv": 9.0, "clv_horizon_days": 90})
    >>> catalogue = OfferCatalogue((Offer("hello", "onboarding", addresses=("first_order",)),))
    >>> offer_reasons(catalogue, scores, feature_table(history, "2024-02-01", 90), ["hello"])["a"]
    'first order 27 days ago'
    """
    chosen = np.asarray(intended, dtype=object)
    if unknown := sorted(set(chosen) - {*catalogue.ids, NO_OFFER}):
        raise OffersError(
            f"intended must be offers of {list(catalogue.ids)} or none; got {unknown}."
        )
    figures = figures_of(scores, table)
    signals = signals_of(figures)
    said = pd.Series(pd.NA, index=figures.index, name="reason", dtype="string")
    for offer in catalogue:
        rows = np.flatnonzero(chosen == offer.id)
        words = _addressed(offer, figures.iloc[rows], signals.iloc[rows])
        said.iloc[rows] = words.fillna(_otherwise(scores.iloc[rows], figures.iloc[rows]))
    return said


def _addressed(offer: Offer, figures: pd.DataFrame, signals: pd.DataFrame) -> pd.Series[str]:
    said = pd.Series(pd.NA, index=figures.index, dtype="string")
    for name in offer.addresses:
        said = said.fillna(SIGNALS[name].say(figures).where(signals[name]))
    return said


def _otherwise(scores: pd.DataFrame, figures: pd.DataFrame) -> pd.Series[str]:
    silence: pd.Series[str] = said_of_all(PHRASES["rhythm"], figures).fillna(_last_order(figures))
    if "reason_1" not in scores:
        return silence
    risk = pd.Series(scores["reason_1"].to_numpy(), index=figures.index, dtype="string")
    return risk.fillna(silence)


def _last_order(figures: pd.DataFrame) -> pd.Series[str]:
    """What is true of everybody, also of customers who keep to their rhythm."""
    days = figures["days_since_last_order"].clip(lower=1).round().astype(int)
    return days.map(lambda count: f"last order {many(count, 'day')} ago").astype("string")
