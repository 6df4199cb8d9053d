"""Draws: random numbers that anybody can compute again from a campaign and a customer's id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from offers.errors import OffersError
from training.evaluation import FloatArray

# The unit separator of ASCII; ids that people type do not contain it.
SEPARATOR = "\x1f"


def draw(campaign_id: str, purpose: str, customer_ids: Iterable[str]) -> FloatArray:
    """Draw a number in [0, 1) for each customer, the same on any machine and in any language.

    SHA-256 of the UTF-8 text `campaign_id`, U+001F, `purpose`, U+001F, `customer_id`; the first
    eight bytes as a big-endian unsigned integer, shifted right by 11 bits, divided by 2**53. The
    campaign in the text makes the draws of two campaigns independent, so that nobody is always
    held out; the purpose does the same within a campaign. Hashing a salted id is how online
    experiments assign without storing it (Kohavi, Tang & Xu 2020, chapter 4).

    Parameters
    ----------
    campaign_id : str
    purpose : str
        `holdout`, `explore` or `offer`.
    customer_ids : iterable of str, length n
        Exactly as in the history: `7` and `007` are two customers.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Multiples of 2**-53, in the order of the ids.

    Raises
    ------
    OffersError
        If a name is empty, no text or contains U+001F, or an id is no text.

    Examples
    --------
    >>> draw("spring", "holdout", ["c1", "c2"]).round(6).tolist()
    [0.88828, 0.740525]
    """
    for name, value in (("campaign_id", campaign_id), ("purpose", purpose)):
        if not isinstance(value, str) or not value or SEPARATOR in value:
            raise OffersError(
                f"{name} must be text without the character U+001F; got {value!r}. Rename it."
            )
    ids = list(customer_ids)
    strangers = [i for i in ids if not isinstance(i, str)]
    if strangers:
        raise OffersError(
            f"customer_ids must be text, as in the history; got {strangers[0]!r}. Read them so."
        )
    prefix, digest = f"{campaign_id}{SEPARATOR}{purpose}{SEPARATOR}".encode(), hashlib.sha256
    eight = b"".join([digest(prefix + i.encode()).digest()[:8] for i in ids])
    return (np.frombuffer(eight, dtype=">u8") >> np.uint64(11)) / 2.0**53
