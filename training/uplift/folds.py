"""Parts of an experiment that are alike, each to be judged by what was learnt from the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.uplift.experiment import Experiment


def folds_of(experiment: Experiment, folds: int, seed: int) -> NDArray[np.int64]:
    """A fold of each row, 0 to folds - 1, with arms and outcomes spread evenly; shape (rows,).

    Customers are drawn within the arm of their first row in the order of its outcome, so that even
    a rare outcome is found in every fold.
    """
    _, first, owner = np.unique(experiment.customer, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(first))
    outcome, arm = experiment.outcome[first], experiment.arm[first]
    order = drawn[np.lexsort((outcome[drawn], arm[drawn]))]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    return np.asarray(fold[owner])
