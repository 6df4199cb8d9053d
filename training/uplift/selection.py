"""Which learner to trust: the one whose ranking was worth most on rows it never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.evaluation import FloatArray
from training.uplift.crossfit import LearnerSetting, OutOfFold

# A gain is a tie with the best while the 95% interval of their difference holds 0.
TIE = 1.96


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


def compare_candidates(
    found: OutOfFold, candidates: Sequence[LearnerSetting]
) -> tuple[LearnerSetting, pd.DataFrame]:
    """The simplest candidate that is as good as the best, within noise.

    The one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984, section
    3.4.3) on paired differences: with few rows every ranking is noisy, the best of many is lucky,
    and the simpler one is less so.

    Parameters
    ----------
    found : OutOfFold
    candidates : sequence of LearnerSetting
        From simple to complex.

    Returns
    -------
    Candidate
        The chosen one.
    pandas.DataFrame
        One row per candidate in the same order: learner, rounds, gain (over offers at random,
        per customer), standard_error, behind_best, behind_standard_error (paired), chosen.
    """
    gains = [ranking_gains(found.scores, found.effects[c], found.fold) for c in candidates]
    best = max(gains, key=lambda gain: float(gain.mean()))
    behind = [best - gain for gain in gains]
    ties = [gap.mean() <= TIE * _error(gap) for gap in behind]
    chosen = ties.index(True)
    table = pd.DataFrame(
        {
            "learner": [c.learner for c in candidates],
            "rounds": [c.rounds for c in candidates],
            "gain": [float(gain.mean()) for gain in gains],
            "standard_error": [_error(gain) for gain in gains],
            "behind_best": [float(gap.mean()) for gap in behind],
            "behind_standard_error": [_error(gap) for gap in behind],
            "chosen": [number == chosen for number in range(len(candidates))],
        }
    )
    return candidates[chosen], table


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
