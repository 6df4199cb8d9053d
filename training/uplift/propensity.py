"""How likely each assignment was: as logged, or estimated where nobody wrote it down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.schema import NO_OFFER
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models.boosted import BoostedTrees
from training.models.boosting import Boosting
from training.uplift.experiment import Arms, Experiment, folds_of

# What is estimated is not believed below the first; what was drawn and logged is, for plans explore
# with a twentieth that several offers share.
LEAST, LEAST_LOGGED = 0.02, 0.005
# Rows of equal weight in an arm below which an effect is not worth stating.
LEAST_EFFECTIVE_ROWS = 200
# Each third is judged by a model of the other two.
FOLDS = 3
# Few: who gets what is simple, or drawn.
ROUNDS, LEARNING_RATE = 60, 0.1
# The model of the assignment must beat the shares of the arms by so many standard errors.
SURE = 3.0


@dataclass(frozen=True)
class Propensities:
    """Probability with which each row got its arm.

    Doubly robust scores need the probability of an arm only for rows that got it, so a log that
    holds nothing else is enough: the probability of no offer is never guessed for a row with one.

    Attributes
    ----------
    received : numpy.ndarray, shape (rows,)
        At least 0.005 if logged, 0.02 if estimated, which trades a little bias for much variance.
    source : str
        `logged`, `shares` of the arms, or `model` of the assignment.
    clipped : numpy.ndarray of bool, shape (rows,)
        Where it was lower.
    """

    received: FloatArray
    source: str
    clipped: np.ndarray

    @classmethod
    def logged(cls, propensity: ArrayLike, rows: int) -> Propensities:
        """Check and clip what was logged.

        Raises
        ------
        TrainingError
            If a value is missing, not above 0, or above 1.
        """
        given = np.asarray(propensity, dtype=np.float64)
        if given.shape != (rows,):
            raise TrainingError(
                f"propensity must have one value for each of {rows} rows; got shape {given.shape}. "
                "Pass the probability of the offer that each row got."
            )
        wrong = ~((given > 0) & (given <= 1))
        if wrong.any():
            raise TrainingError(
                f"propensity must be above 0 and at most 1; got {given[wrong][0]} "
                f"({int(wrong.sum())} such values). Leave out rows whose probability is unknown."
            )
        return cls._clipped(given, "logged")

    @classmethod
    def estimated(cls, experiment: Experiment, seed: int) -> Propensities:
        """Shares of the arms, or a model of the assignment where it foretells arms much better."""
        shares = np.bincount(experiment.arm, minlength=experiment.offers + 1) / len(experiment)
        by_share = shares[experiment.arm]
        modelled = _modelled(experiment, seed)
        gain = np.log(np.clip(modelled, 1e-6, None)) - np.log(by_share)
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
        if gain.mean() > SURE * error:
            return cls._clipped(modelled, "model")
        return cls._clipped(by_share, "shares")

    @classmethod
    def _clipped(cls, received: FloatArray, source: str) -> Propensities:
        least = LEAST_LOGGED if source == "logged" else LEAST
        return cls(np.maximum(received, least), source, received < least)


def overlap(propensities: Propensities, arm: Arms, names: list[str]) -> pd.DataFrame:
    """How much each arm has to go by.

    Parameters
    ----------
    propensities : Propensities
    arm : numpy.ndarray of int, shape (rows,)
    names : list of str
        Of the arms, in their order.

    Returns
    -------
    pandas.DataFrame
        Index offer; rows, effective_rows (of equal weight that would say as much, Kish 1965, when
        each row stands for 1/propensity others), lowest_propensity, clipped (share of the rows).
    """
    rows = []
    for number in range(len(names)):
        mine = arm == number
        weight = 1.0 / propensities.received[mine]
        effective = float(weight.sum() ** 2 / (weight**2).sum()) if mine.any() else 0.0
        lowest = float(propensities.received[mine].min()) if mine.any() else float("nan")
        clipped = float(propensities.clipped[mine].mean()) if mine.any() else float("nan")
        rows.append((int(mine.sum()), effective, lowest, clipped))
    columns = ["rows", "effective_rows", "lowest_propensity", "clipped"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(names, name="offer"))


def tested(overlap: pd.DataFrame, outcome: FloatArray) -> dict[str, bool]:
    """Whether each offer was seen often enough, beside enough without, to state its effect.

    Parameters
    ----------
    overlap : pandas.DataFrame
        From `overlap`.
    outcome : numpy.ndarray, shape (rows,)
        Nothing is tested by an outcome that never varies.
    """
    enough = overlap["effective_rows"] >= LEAST_EFFECTIVE_ROWS
    varies = len(outcome) > 0 and bool(outcome.min() < outcome.max())
    possible = bool(enough[NO_OFFER]) and varies
    return {str(offer): possible and bool(enough[offer]) for offer in overlap.index[1:]}


def _modelled(experiment: Experiment, seed: int) -> FloatArray:
    """Probability of each row's arm by a multinomial model that did not see the row."""
    received = np.empty(len(experiment))
    fold = folds_of(experiment, FOLDS, seed)
    settings = Boosting(
        rounds=ROUNDS,
        learning_rate=LEARNING_RATE,
        objective="multiclass",
        classes=experiment.offers + 1,
        categorical=experiment.categorical,
        seed=seed,
        rows=len(experiment),
    )
    for number in range(FOLDS):
        learn, judge = experiment.rows(fold != number), experiment.rows(fold == number)
        trees = BoostedTrees.grow(learn.X, learn.arm.astype(np.float64), settings)
        if trees.booster is None:  # The others all had the same arm.
            received[fold == number] = judge.arm == trees.constant
            continue
        chances = trees.predict(judge.X)
        received[fold == number] = chances[np.arange(len(judge)), judge.arm]
    return received
