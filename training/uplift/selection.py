"""Which learner to trust: the one whose decisions were worth most on rows it never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.evaluation import FloatArray
from training.uplift.crossfit import STEADY, LearnerSetting, OutOfFold

# By how many standard errors a steady candidate, and a rich one, must be worth more.
ENOUGH, SURE = 1.0, 1.96


def ranking_gains(scores: FloatArray, effects: FloatArray, fold: NDArray[np.int64]) -> FloatArray:
    """What each row adds to the value of ranking customers by predicted effect, shape (rows,).

    The mean over rows is the doubly robust value of offering to the best-ranked share of customers
    less that of offering to as many at random, averaged over all shares and offers: a policy value
    that needs no cost and no budget. It is the area of a doubly robust Qini curve, a rank-weighted
    average treatment effect (Yadlowsky et al., Journal of the American Statistical Association
    120, 2025).

    Parameters
    ----------
    scores : numpy.ndarray, shape (rows, offers + 1)
    effects : numpy.ndarray, shape (rows, offers)
        What is ranked by, within each fold.
    fold : numpy.ndarray of int, shape (rows,)
    """
    gains = np.zeros(len(effects))
    for number in np.unique(fold):
        rows = fold == number
        for offer in range(effects.shape[1]):
            change = scores[rows, offer + 1] - scores[rows, 0]
            place = rankdata(effects[rows, offer]) / (rows.sum() + 1) - 0.5
            gains[rows] += place * (change - change.mean()) / effects.shape[1]
    return gains


def money_gains(found: OutOfFold, candidate: LearnerSetting) -> FloatArray:
    """What each row adds to the value of offering by a candidate's calibrated effects.

    With an effect e for every uplift that an offer may have to reach to pay, from none on, whoever
    offers where the predicted u reaches it gains the area of e - b over b from 0 to u, which is
    e u - u^2 / 2, and in the same way for the offers that a negative u keeps from doing harm. The
    costs of a plan are not known while an effect is learnt, so all of them count alike; e is the
    doubly robust score. Effects are calibrated on the other folds.

    Returns
    -------
    numpy.ndarray, shape (rows,)
        Mean over offers, in squared units of the outcome.
    """
    gains = np.zeros(len(found.fold))
    change, effects = found.change, found.effects[candidate]
    for number in np.unique(found.fold):
        held = found.fold == number
        for offer in range(effects.shape[1]):
            line = found.line(candidate, offer, ~held)
            predicted = effects[held, offer]
            # A fold has a model of its own, and so a mean prediction of its own.
            uplift = line.apply(predicted - predicted.mean() + line.centre)
            gains[held] += (change[held, offer] - uplift / 2) * uplift / effects.shape[1]
    return gains


def compare_candidates(
    found: OutOfFold, candidates: Sequence[LearnerSetting]
) -> tuple[LearnerSetting, pd.DataFrame]:
    """The steadiest candidate that none of those after it beats, within noise.

    Each in turn must be worth more than the one chosen before it, by one standard error of the
    paired difference if it is steady, by 1.96 if it is rich (after the rule of Breiman et al.,
    Classification and Regression Trees, 1984, section 3.4.3): with few rows every value is noisy,
    and the best of many is lucky.

    Parameters
    ----------
    found : OutOfFold
    candidates : sequence of LearnerSetting
        The steadiest first.

    Returns
    -------
    LearnerSetting
        The chosen one.
    pandas.DataFrame
        One row per candidate in the same order: learner, rounds, gain (see `money_gains`),
        standard_error, ranking (see `ranking_gains`), ahead and ahead_standard_error (of the one
        that was chosen before it), chosen.
    """
    gains = [money_gains(found, candidate) for candidate in candidates]
    chosen, ahead = 0, [np.zeros(len(found.fold))]
    for number, gain in enumerate(gains[1:], start=1):
        ahead.append(gain - gains[chosen])
        sure = ENOUGH if candidates[number] in STEADY else SURE
        if ahead[-1].mean() > sure * _error(ahead[-1]):
            chosen = number
    rankings = [ranking_gains(found.scores, found.effects[c], found.fold) for c in candidates]
    table = pd.DataFrame(
        {
            "learner": [c.learner for c in candidates],
            "rounds": [c.rounds for c in candidates],
            "gain": [float(gain.mean()) for gain in gains],
            "standard_error": [_error(gain) for gain in gains],
            "ranking": [float(gain.mean()) for gain in rankings],
            "ahead": [float(gap.mean()) for gap in ahead],
            "ahead_standard_error": [_error(gap) for gap in ahead],
            "chosen": [number == chosen for number in range(len(candidates))],
        }
    )
    return candidates[chosen], table


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
