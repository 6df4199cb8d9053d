"""What it is worth to rank customers by uplift, beside the rules that marketing lives by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from features.schema import NO_OFFER
from training.errors import TrainingError
from training.evaluation import FloatArray, MeanEstimate, uplift_metrics, uplift_table
from training.uplift.evidence import Evidence

UPLIFT, TREAT_ALL, TREAT_NONE, RANDOM = "uplift", "treat_all", "treat_none", "random"
BEST_OFFER = "best offer"
# Resamples for an interval of a curve's area.
ROUNDS = 200


@dataclass(frozen=True)
class _Contest:
    """What each customer would change, by the offer that ranking by uplift and that others make."""

    offer: str
    customer: NDArray[np.int64]
    untreated: FloatArray
    by_uplift: FloatArray
    by_others: FloatArray
    place: FloatArray


def compare_policies(
    evidence: Evidence, rankings: Mapping[str, ArrayLike], share: float = 0.3
) -> pd.DataFrame:
    """Value of offering to the top share by uplift, by other rankings, at random, to all, to none.

    Doubly robust values (Dudik, Langford & Li, 2011) of the rows learnt from, by effects predicted
    out of fold. Of several offers, `best offer` compares choosing each customer's own best with
    making everybody the offer of the highest mean effect.

    Parameters
    ----------
    evidence : Evidence
        `UpliftModel.evidence_`.
    rankings : mapping of str to array of float, shape (rows,)
        Other rankings of the same rows, highest first: churn risk, CLV.
    share : float
        Share of customers to offer to, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row per offer and policy: offer, policy, share, value (mean outcome per customer), low,
        high, uplift_ahead (value of ranking by uplift less this), ahead_low, ahead_high; intervals
        are of 95%, and of paired differences where they are differences.

    Raises
    ------
    TrainingError
        If a ranking has another length, or a share is not between 0 and 1.

    Examples
    --------
    >>> scores = np.array([[0.0, 1.0], [0.0, -1.0], [0.0, 1.2], [0.0, -0.8]])
    >>> effects = np.array([[0.9], [-0.7], [0.8], [-0.9]])
    >>> evidence = Evidence(("gift",), scores, effects, np.zeros(4, dtype=int), np.arange(4))
    >>> table = compare_policies(evidence, {"risk": [4.0, 3.0, 2.0, 1.0]}, share=0.5)
    >>> table[["policy", "value", "uplift_ahead"]].round(2)
           policy  value  uplift_ahead
    0      uplift   0.55          0.00
    1        risk   0.00          0.55
    2      random   0.05          0.50
    3   treat_all   0.10          0.45
    4  treat_none   0.00          0.55
    """
    if not 0 < share < 1:
        raise TrainingError(f"share must be between 0 and 1; got {share}. Use 0.3 for the top 30%.")
    places = {name: _place(evidence, name, values) for name, values in rankings.items()}
    rows = [
        {"offer": contest.offer} | row
        for contest in _contests(evidence)
        for row in _rows(contest, places, share)
    ]
    columns = ["offer", "policy", "share", "value", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "uplift_ahead", "ahead_low", "ahead_high"])


def ranking_metrics(
    evidence: Evidence, outcome: ArrayLike, offer: ArrayLike, seed: int = 0
) -> pd.DataFrame:
    """Qini, AUUC and uplift at 10, 20 and 30% of out-of-fold rankings, with 95% intervals.

    They compare customers with each offer and without, so they hold for offers that were drawn at
    random; where chances differed between customers, `compare_policies` is right and these are not.

    Parameters
    ----------
    evidence : Evidence
        `UpliftModel.evidence_`.
    outcome, offer : array, shape (rows,)
        As given to `fit`.
    seed : int
        Of the bootstrap over customers.

    Returns
    -------
    pandas.DataFrame
        One row per offer and metric: offer, metric, value, low, high.
    """
    generator = np.random.default_rng(seed)
    found = []
    for name in evidence.offers:
        arrays = _compared(evidence, name, outcome, offer)
        value = uplift_metrics(*arrays.T)
        drawn = pd.DataFrame(
            uplift_metrics(*arrays[generator.integers(len(arrays), size=len(arrays))].T)
            for _ in range(ROUNDS)
        )
        low, high = drawn.quantile(0.025), drawn.quantile(0.975)
        found += [(name, m, v, float(low[m]), float(high[m])) for m, v in value.items()]
    return pd.DataFrame(found, columns=["offer", "metric", "value", "low", "high"])


def ranking_curve(
    evidence: Evidence, name: str, outcome: ArrayLike, offer: ArrayLike, seed: int = 0
) -> pd.DataFrame:
    """The Qini curve of an offer by out-of-fold ranking, with a 95% band, for `uplift_figure`.

    Parameters
    ----------
    evidence : Evidence
        `UpliftModel.evidence_`.
    name : str
        Which of its offers.
    outcome, offer : array, shape (rows,)
        As given to `fit`.
    seed : int
        Of the bootstrap over customers.

    Returns
    -------
    pandas.DataFrame
        From `training.evaluation.uplift_table`, with the columns `low` and `high` of `gained`.
    """
    arrays, generator = _compared(evidence, name, outcome, offer), np.random.default_rng(seed)
    draws = (arrays[generator.integers(len(arrays), size=len(arrays))] for _ in range(ROUNDS))
    drawn = np.array([uplift_table(*some.T)["gained"] for some in draws])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return uplift_table(*arrays.T).assign(low=low, high=high)


def _compared(evidence: Evidence, name: str, outcome: ArrayLike, offer: ArrayLike) -> FloatArray:
    """Outcome, place in the ranking and treatment of rows with the offer or none."""
    given = np.asarray(offer, dtype=object)
    rows = np.flatnonzero((given == name) | (given == NO_OFFER))
    place = _rank_within(evidence, evidence.effects[:, evidence.offers.index(name)])
    y = np.asarray(outcome, dtype=np.float64)
    return np.column_stack([y[rows], place[rows], given[rows] == name])


def _contests(evidence: Evidence) -> list[_Contest]:
    """One of each offer, and one of each customer's best against the best of all."""
    effects, change = evidence.effects, evidence.scores[:, 1:] - evidence.scores[:, :1]
    contests = [
        _contest(evidence, offer, effects[:, n], change[:, n], change[:, n])
        for n, offer in enumerate(evidence.offers)
    ]
    if len(contests) > 1:
        own_best = change[np.arange(len(change)), effects.argmax(axis=1)]
        common_best = change[:, change.mean(axis=0).argmax()]
        best = effects.max(axis=1)
        contests.append(_contest(evidence, BEST_OFFER, best, own_best, common_best))
    return contests


def _contest(
    evidence: Evidence,
    offer: str,
    effect: FloatArray,
    by_uplift: FloatArray,
    by_others: FloatArray,
) -> _Contest:
    place, untreated = _rank_within(evidence, effect), evidence.scores[:, 0]
    return _Contest(offer, evidence.customer, untreated, by_uplift, by_others, place)


def _rows(
    contest: _Contest, places: Mapping[str, FloatArray], share: float
) -> list[dict[str, Any]]:
    untreated, others = contest.untreated, contest.by_others
    ours = untreated + _top(contest.place, share) * contest.by_uplift
    values = {UPLIFT: (share, ours)}
    for name, place in places.items():
        values[name] = (share, untreated + _top(place, share) * others)
    values[RANDOM] = (share, untreated + share * others)
    values[TREAT_ALL] = (1.0, untreated + others)
    values[TREAT_NONE] = (0.0, untreated)
    rows = []
    for policy, (treated, each) in values.items():
        value = MeanEstimate.of(each, contest.customer)
        ahead = MeanEstimate.of(ours - each, contest.customer)
        interval = {"value": value.value, "low": value.low, "high": value.high}
        paired = {"uplift_ahead": ahead.value, "ahead_low": ahead.low, "ahead_high": ahead.high}
        rows.append({"policy": policy, "share": treated} | interval | paired)
    return rows


def _place(evidence: Evidence, name: str, values: ArrayLike) -> FloatArray:
    ranking = np.asarray(values, dtype=np.float64)
    if ranking.shape != (len(evidence.scores),):
        raise TrainingError(
            f"{name} must have a value for each of {len(evidence.scores)} rows; got shape "
            f"{ranking.shape}. Pass it for the rows that were learnt from, in their order."
        )
    return _rank_within(evidence, np.nan_to_num(ranking, nan=-np.inf))


def _rank_within(evidence: Evidence, values: FloatArray) -> FloatArray:
    """Place of each row in its fold, above 0 for the lowest to below 1; ties share theirs."""
    place = np.empty(len(values))
    for number in np.unique(evidence.fold):
        rows = evidence.fold == number
        place[rows] = (rankdata(values[rows]) - 0.5) / rows.sum()
    return place


def _top(place: FloatArray, share: float) -> FloatArray:
    """Chance of each row to be among the top share: tied ones across the boundary share it."""
    _, tie, customers = np.unique(place, return_inverse=True, return_counts=True)
    above = np.append(np.cumsum(customers[::-1])[::-1], 0)
    room = share * len(place) - above[1:]
    return np.asarray(np.clip(room / customers, 0.0, 1.0)[tie])
