"""Eligibility: who may get which offer, and what stands in the way of all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from offers.catalogue.catalogue import Offer, OfferCatalogue
from offers.catalogue.contacts import CONSENT_STATES, Contacts
from offers.catalogue.signals import figures_of, signals_of
from offers.catalogue.verdicts import CODES, Eligibility
from offers.errors import OffersError

Codes = NDArray[np.int8]

REWARDS = ("discount", "points", "cashback", "tier_upgrade", "gift")


def eligible(
    catalogue: OfferCatalogue, scores: pd.DataFrame, table: pd.DataFrame, contacts: Contacts
) -> pd.DataFrame:
    """Who may get which offer: `screen(...).allowed`.

    Returns
    -------
    pandas.DataFrame of bool, shape (customers, offers)
        Index `customer_id` in the order of the scores, a column for each offer id.
    """
    return screen(catalogue, scores, table, contacts).allowed


def screen(
    catalogue: OfferCatalogue, scores: pd.DataFrame, table: pd.DataFrame, contacts: Contacts
) -> Eligibility:
    """Hold every customer against every offer's rules.

    An offer needs recorded consent; a stage it is for; enough `clv`; fewer earlier offers than the
    cap; no refusal within the cool-down; and one of the signals it addresses. Unhappy customers
    (`negative_feedback`) who may get an offer of kind `service_recovery` get no reward instead.

    Parameters
    ----------
    catalogue : OfferCatalogue
    scores : pandas.DataFrame, shape (customers, columns)
        Of `Scorer.score`: customer_id, as_of, stage, clv, clv_horizon_days are used.
    table : pandas.DataFrame, shape (at least those customers, features)
        The feature table at the same `as_of`.
    contacts : Contacts
        At the same `as_of`.

    Raises
    ------
    OffersError
        If the three are not of the same customers and instant.

    Examples
    --------
    >>> from features.history.history import History
    >>> from features.table import feature_table
    >>> from offers.catalogue.catalogue import Offer
    >>> history = History(
    ...     pd.DataFrame({"order_id": ["1", "2"], "customer_id": ["a", "b"],
    ...                   "ordered_at": ["2024-01-05"] * 2, "amount": [20.0, 30.0]}),
    ...     customers=pd.DataFrame({"customer_id": ["a"], "marketing_consent": ["yes"]}))
    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "as_of": pd.Timestamp("2024-02-01"),
    ...                        "stage": "new", "clv": [9.0, 8.0], "clv_horizon_days": 90})
    >>> catalogue = OfferCatalogue((Offer("hello", "onboarding", addresses=("first_order",)),))
    >>> table = feature_table(history, "2024-02-01", 90)
    >>> eligible(catalogue, scores, table, Contacts.of(history.upto("2024-02-01")))
                 hello
    customer_id
    a             True
    b            False
    """
    _require_same(scores, table, contacts)
    signals = signals_of(figures_of(scores, table))
    seen = _Seen.by(catalogue, contacts, signals.index)
    codes = np.column_stack([_codes(offer, scores, signals, seen) for offer in catalogue])
    _put_recovery_first(codes, catalogue, signals["negative_feedback"].to_numpy())
    return Eligibility(pd.DataFrame(codes, index=signals.index, columns=list(catalogue.ids)))


def _require_same(scores: pd.DataFrame, table: pd.DataFrame, contacts: Contacts) -> None:
    if missing := [c for c in ("customer_id", "as_of", "stage", "clv") if c not in scores]:
        raise OffersError(f"scores must have the columns {missing}; got {list(scores)}.")
    customers = pd.Index(scores["customer_id"])
    if not customers.is_unique:
        twice = customers[customers.duplicated()][0]
        raise OffersError(f"scores must hold each customer once; got {twice!r} twice.")
    absent = customers[table.index.get_indexer(customers) < 0]
    if len(absent):
        raise OffersError(
            f"table must hold every customer of the scores; {len(absent):,} are missing, such as "
            f"{absent[0]!r}. Compute it with feature_table at the scores' as_of."
        )
    instants = pd.DatetimeIndex(scores["as_of"].unique())
    if other := [at.isoformat() for at in instants if at != contacts.as_of]:
        raise OffersError(
            f"contacts must be of the scores' as_of; got {contacts.as_of.isoformat()} and scores "
            f"of {other}. Use Contacts.of(history, as_of) with that as_of."
        )


@dataclass(frozen=True)
class _Seen:
    """Of the contacts, what the offers of a catalogue ask; counts by number of days."""

    consent: Codes
    offers: Mapping[float, NDArray[np.int64]]
    refusals: Mapping[float, NDArray[np.int64]]

    @classmethod
    def by(cls, catalogue: OfferCatalogue, contacts: Contacts, customers: pd.Index) -> Self:
        states = contacts.consent_of(customers)
        barred = [state for state in CONSENT_STATES if state != "given"]
        codes = [CODES[f"consent_{state}"] for state in barred]
        consent = np.select([states == state for state in barred], codes, CODES["eligible"])
        caps = {offer.contact_cap_days for offer in catalogue}
        cooldowns = {offer.refusal_cooldown_days for offer in catalogue}
        return cls(
            consent.astype(np.int8),
            {days: contacts.offers_of(customers, days) for days in caps},
            {days: contacts.refusals_of(customers, days) for days in cooldowns},
        )


def _codes(offer: Offer, scores: pd.DataFrame, signals: pd.DataFrame, seen: _Seen) -> Codes:
    """The first rule that each customer breaks, of those that look at one offer alone."""
    cap = np.inf if offer.contact_cap is None else offer.contact_cap
    asked = list(offer.addresses)
    breaks = {
        "stages": ~scores["stage"].isin(offer.stages).to_numpy(),
        "min_clv": ~(scores["clv"].to_numpy() >= offer.min_clv),
        "contact_cap": seen.offers[offer.contact_cap_days] >= cap,
        "refusal_cooldown_days": seen.refusals[offer.refusal_cooldown_days] > 0,
        "addresses": ~signals[asked].to_numpy().any(axis=1) & bool(asked),
    }
    codes = [CODES[name] for name in breaks]
    own = np.select(list(breaks.values()), codes, CODES["eligible"]).astype(np.int8)
    first: Codes = np.minimum(seen.consent, own)
    return first


def _put_recovery_first(
    codes: Codes, catalogue: OfferCatalogue, is_unhappy: NDArray[np.bool_]
) -> None:
    """Take, in place, the rewards from the unhappy who may get service recovery."""
    kinds = np.array([offer.kind for offer in catalogue])
    allowed = codes == CODES["eligible"]
    recovers = is_unhappy & allowed[:, kinds == "service_recovery"].any(axis=1)
    instead = recovers[:, None] & allowed & np.isin(kinds, REWARDS)
    codes[instead] = CODES["service_recovery_first"]
