"""Who was treated in a label window, and for how many the outcomes of the untreated stand."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

from features.history.history import Past
from features.schema import NO_OFFER
from features.to_pandas import to_pandas
from training.evaluation import FloatArray

# No untreated customer stands for more than so many: 1 over the least P(no offer) that is believed.
MOST_WEIGHT = 20.0


def outcome_weights(
    past: Past, start: float, window_days: float, customer_ids: pd.Index
) -> FloatArray:
    """How much each outcome in `[start, start + window_days)` tells of what comes without an offer.

    An outcome under an offer tells nothing of it: 0. Who could have got an offer and was held out
    at random stands also for those like them who got it: 1 over P(no offer), at most 20 (inverse
    probability weighting, Horvitz & Thompson 1952). Everybody else counts once, also a control
    whose propensity is unknown.

    Parameters
    ----------
    past : Past
        Cut at the instant at which the labels are used.
    start : float
        The instant of prediction, as `day`; an offer of that instant is in the window.
    window_days : float
        Length of the label window.
    customer_ids : pandas.Index
        Who is labelled.

    Returns
    -------
    numpy.ndarray, shape (customers,)

    Examples
    --------
    >>> from features.history.history import History
    >>> orders = pd.DataFrame({"order_id": ["1"], "customer_id": ["a"],
    ...     "ordered_at": ["2024-01-05"], "amount": [20.0]})
    >>> offers = pd.DataFrame({"customer_id": ["a", "b"], "campaign_id": "spring",
    ...     "offered_at": "2024-03-01", "offer_id": ["points", "none"], "propensity": [0.9, 0.1]})
    >>> march = 19783.0
    >>> past = History(orders, offers=offers).upto("2024-05-01")
    >>> outcome_weights(past, march, 30, pd.Index(["a", "b", "c"]))
    array([ 0., 10.,  1.])
    """
    if past.offers is None:
        return np.ones(len(customer_ids))
    day = nw.col("day")
    inside = past.offers.filter((day >= start) & (day < start + window_days))
    rows = inside.select("customer_id", "offer_id", "propensity").collect("polars").to_native()
    # Campaigns draw apart; sorted, so that the product does not depend on the order of rows.
    found = (
        rows.sort(pl.all())
        .group_by("customer_id", maintain_order=True)
        .agg(
            treated=(pl.col("offer_id") != NO_OFFER).any(),
            p_no_offer=pl.col("propensity").fill_null(1.0).product(),
        )
    )
    stands_for = 1.0 / pl.col("p_no_offer").clip(1.0 / MOST_WEIGHT, 1.0)
    weight = found.select("customer_id", weight=pl.when("treated").then(0.0).otherwise(stands_for))
    known = to_pandas(weight).set_index("customer_id")["weight"]
    return np.asarray(known.reindex(customer_ids, fill_value=1.0), dtype=np.float64)
