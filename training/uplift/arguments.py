"""What `fit` is given, checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.schema import NO_OFFER
from training.errors import TrainingError
from training.evaluation import FloatArray


def arms_of(offer: ArrayLike, rows: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sorted offer ids, and the place of each row's among them from 1 up; 0 is none."""
    given = pd.Series(np.asarray(offer, dtype=object))
    if len(given) != rows or given.isna().any():
        raise TrainingError(
            f"offer must have an offer id for each of {rows} rows; got {len(given)}, "
            f"{int(given.isna().sum())} of them missing. Rows without an offer have {NO_OFFER!r}."
        )
    texts = given.astype("str")
    ids = tuple(sorted(set(texts) - {NO_OFFER}))
    if not ids or not (texts == NO_OFFER).any():
        raise TrainingError(
            f"offer must hold an offer and {NO_OFFER!r}; got {sorted(set(texts))}. "
            "An effect shows only beside customers without an offer."
        )
    return ids, pd.Index([NO_OFFER, *ids]).get_indexer(pd.Index(texts)).astype(np.int64)


def outcome_of(outcome: ArrayLike, rows: int) -> FloatArray:
    """One finite number per row."""
    found = np.asarray(outcome, dtype=np.float64)
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise TrainingError(
            f"outcome must be a finite number for each of {rows} rows; got shape {found.shape}, "
            f"{int((~np.isfinite(found)).sum())} not finite. Leave out rows without an outcome."
        )
    return found
