"""Verdicts: what came of every customer and offer, counted, so that nobody is lost unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# In the order in which they are looked at: a customer counts under the first that applies.
VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "consent_unrecorded": "it is not recorded whether the customer may be contacted",
        "consent_withheld": "the customer does not want to be contacted",
        "consent_unclear": "what is recorded as consent says neither yes nor no",
        "stages": "the offer is for other stages",
        "min_clv": "`clv` is below the offer's least",
        "contact_cap": "the customer received as many offers lately as the cap allows",
        "refusal_cooldown_days": "the customer refused an offer lately",
        "addresses": "the customer shows none of the signals that the offer addresses",
        "service_recovery_first": "the customer is unhappy and gets service recovery, no reward",
        "eligible": "the customer may get the offer",
    }
)
CODES: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(VERDICTS)})


@dataclass(frozen=True)
class Eligibility:
    """What came of every customer and offer.

    Attributes
    ----------
    codes : pandas.DataFrame of int8, shape (customers, offers)
        Position in `VERDICTS`; index `customer_id` in the order of the scores, a column for each
        offer id.
    """

    codes: pd.DataFrame

    @property
    def allowed(self) -> pd.DataFrame:
        """Whether each customer may get each offer; same shape, bool."""
        return self.codes == CODES["eligible"]

    def by_offer(self) -> pd.DataFrame:
        """Customers by verdict, a column for each offer; each column adds up to all customers."""
        counts = {offer: _counts(codes.to_numpy()) for offer, codes in self.codes.items()}
        return pd.DataFrame(counts, index=pd.Index(VERDICTS, name="verdict"))

    def by_customer(self) -> pd.Series[int]:
        """Customers by verdict, each once: by the offer that came furthest."""
        counts = _counts(self.codes.to_numpy().max(axis=1))
        index = pd.Index(VERDICTS, name="verdict")
        return pd.Series(counts, index=index, name="customers")


def _counts(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    return np.bincount(codes, minlength=len(VERDICTS))
