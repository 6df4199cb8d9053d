"""What logged offers left to learn from: who got what, with what probability, and what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.schema import NO_OFFER
from training.errors import TrainingError
from training.evaluation import FloatArray, doubly_robust_scores

# Nobody is believed to be surer to come, or not to.
LEAST_CHANCE = 0.02
Arms = NDArray[np.int64]
ChosenRows = NDArray[np.bool_] | NDArray[np.int64]


@dataclass(frozen=True)
class Experiment:
    """Rows of an experiment, or of a log that says how likely each assignment was.

    Attributes
    ----------
    X : numpy.ndarray, shape (rows, columns)
        Coded features at the moment of assignment, NaN where unknown.
    outcome : numpy.ndarray, shape (rows,)
        More is better.
    arm : numpy.ndarray of int, shape (rows,)
        0 without an offer, 1 to `offers`, or -1 for an offer that nothing is to be learnt of. Such
        rows stay, for propensities are probabilities among all rows.
    propensity : numpy.ndarray, shape (rows,)
        Probability with which each row got its arm.
    customer : numpy.ndarray of int, shape (rows,)
        Whose row it is; rows of a customer are never parted.
    offers : int
    categorical : tuple of int
        Places of the columns of X whose values are codes.
    """

    X: FloatArray
    outcome: FloatArray
    arm: Arms
    propensity: FloatArray
    customer: Arms
    offers: int
    categorical: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rows = len(self.X)
        for name in ("outcome", "arm", "propensity", "customer"):
            if len(getattr(self, name)) != rows:
                raise ValueError(
                    f"{name} must have a value for each of {rows} rows; "
                    f"got {len(getattr(self, name))}."
                )

    def __len__(self) -> int:
        return len(self.X)

    @property
    def is_binary(self) -> bool:
        """Whether outcomes are 0 or 1."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def rows(self, chosen: ChosenRows) -> Self:
        """Some of the rows."""
        return replace(
            self,
            X=self.X[chosen],
            outcome=self.outcome[chosen],
            arm=self.arm[chosen],
            propensity=self.propensity[chosen],
            customer=self.customer[chosen],
        )

    def restricted(self, propensity: FloatArray, tested: Sequence[bool]) -> Self:
        """All rows, with their propensities, and the arms of tested offers only, renumbered."""
        numbers = np.cumsum(tested)
        arm = np.append(0, np.where(tested, numbers, -1))[self.arm]
        return replace(self, arm=arm, propensity=propensity, offers=int(numbers[-1]))

    def scores(self, expected: FloatArray) -> FloatArray:
        """Doubly robust scores of each arm, shape (rows, offers + 1).

        Parameters
        ----------
        expected : numpy.ndarray, shape (rows, offers + 1)
            Outcome expected in each arm by a model that did not see the row.
        """
        # An arm of its own, without error, for the rows that are of none of the others.
        arm = np.where(self.arm < 0, self.offers + 1, self.arm)
        padded = np.column_stack([expected, self.outcome])
        return doubly_robust_scores(self.outcome, arm, self.propensity, padded)[:, :-1]

    def precision(self, expected: FloatArray) -> FloatArray:
        """How sure the scores of each row are, up to a factor, shape (rows,).

        An outcome of 0 or 1 scatters by p (1 - p): of customers who surely come, or surely do not,
        a score tells more. Other outcomes are taken to scatter alike.

        Parameters
        ----------
        expected : numpy.ndarray, shape (rows, offers + 1)
            As for `scores`.
        """
        if not self.is_binary:
            return np.ones(len(self))
        chance = np.clip(expected.mean(axis=1), LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        precision = 1.0 / (chance * (1.0 - chance))
        return np.asarray(precision / precision.mean())

    def share(self, arm: int) -> float:
        """Share of the rows of this arm among those of it and without an offer."""
        with_arm, without = (self.arm == arm).sum(), (self.arm == 0).sum()
        return float(with_arm / max(with_arm + without, 1))


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
