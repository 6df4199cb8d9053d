"""A sample of customers to learn from, the same in every snapshot and run."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import numpy as np
import pandas as pd

from features.history.history import Past
from features.to_pandas import to_pandas
from training.evaluation import FloatArray


def hash_share(ids: pd.Index) -> FloatArray:
    """A fixed place in [0, 1) for every customer id, the same in every snapshot and run."""
    hashes = pd.util.hash_array(ids.to_numpy(dtype=object), categorize=False)
    return hashes.astype(np.float64) / 2.0**64


def sampled(past: Past, days: Sequence[float], max_rows: int) -> tuple[Past, float]:
    """The history of a sample of customers, about `max_rows` in all snapshots, and its share."""
    known = past.purchases.group_by("customer_id").agg(nw.col("known_day").min())
    buyers = to_pandas(known.collect("polars").to_native())
    since = np.sort(buyers["known_day"].to_numpy())
    rows = int(np.searchsorted(since, days).sum())
    share = min(1.0, max_rows / max(rows, 1))
    if share == 1.0:
        return past, share
    ids = pd.Index(buyers["customer_id"])
    return past.of_customers(ids[hash_share(ids) < share].to_list()), share
