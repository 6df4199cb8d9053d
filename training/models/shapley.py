"""Exact Shapley values of a function of a few columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from training.evaluation import FloatArray


def shapley(
    function: Callable[[pd.DataFrame], FloatArray], X: pd.DataFrame, centre: Mapping[str, float]
) -> pd.DataFrame:
    """What each column adds to a function, against its value at one middling row.

    The mean gain of telling a column's value, over all orders of telling (Shapley 1953).

    Parameters
    ----------
    function : callable
        Frame of the columns of `centre`, row by row -> shape (rows,).
    X : pandas.DataFrame, shape (rows, columns)
    centre : mapping of str to float
        The middling row.

    Returns
    -------
    pandas.DataFrame, shape (rows, columns)
        Each row's sum is `function(X) - function(centre)`.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [3.0], "b": [5.0]})
    >>> shapley(lambda x: (x["a"] * x["b"]).to_numpy(), X, {"a": 1.0, "b": 1.0})
         a    b
    0  6.0  8.0
    """
    names = list(centre)
    sizes = range(len(names) + 1)
    tellings = [frozenset(chosen) for size in sizes for chosen in combinations(names, size)]
    rows = {
        name: np.concatenate(
            [X[name] if name in known else np.full(len(X), centre[name]) for known in tellings]
        )
        for name in names
    }
    # Asked for all at once: of a few rows the question takes longer than the answer.
    answers = np.split(np.asarray(function(pd.DataFrame(rows))), len(tellings))
    told: dict[frozenset[str], FloatArray] = dict(zip(tellings, answers, strict=True))
    values = {}
    for name in names:
        total = 0.0 * told[frozenset()]
        for known, value in told.items():
            if name not in known:
                ways = factorial(len(known)) * factorial(len(names) - len(known) - 1)
                total += ways / factorial(len(names)) * (told[known | {name}] - value)
        values[name] = total
    return pd.DataFrame(values, index=X.index)
