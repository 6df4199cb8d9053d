"""Plain uplift learners on small LightGBM, as the tutorials have them, to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.worlds import TREATED, World
from training.evaluation import FloatArray

SMALL = {
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "lambda_l2": 20.0,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "num_threads": 1,
    "seed": 0,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
ROUNDS = 100


def s_learner(learn: World, X: pd.DataFrame) -> FloatArray:
    """The offer as one more feature."""
    model = _grown(_with(learn.X, learn.treated), learn.outcome, "binary")
    ones = np.ones(len(X))
    return _said(model, _with(X, ones)) - _said(model, _with(X, 0 * ones))


def t_learner(learn: World, X: pd.DataFrame) -> FloatArray:
    """A model of each arm."""
    without, given = _of_arms(learn)
    return _said(given, X) - _said(without, X)


def x_learner(learn: World, X: pd.DataFrame) -> FloatArray:
    """Models of imputed effects, weighed by the propensity."""
    without, given = _of_arms(learn)
    is_treated = learn.treated == 1
    beyond = learn.outcome[is_treated] - _said(without, learn.X[is_treated])
    missed = _said(given, learn.X[~is_treated]) - learn.outcome[~is_treated]
    of_treated = _grown(learn.X[is_treated], beyond, "regression")
    of_others = _grown(learn.X[~is_treated], missed, "regression")
    return (1 - TREATED) * _said(of_treated, X) + TREATED * _said(of_others, X)


def dr_learner(learn: World, X: pd.DataFrame) -> FloatArray:
    """A regression of doubly robust scores from models of the other half."""
    score = np.empty(len(learn.X))
    half = np.random.default_rng(0).permutation(len(score)) % 2
    for number in range(2):
        held = half == number
        without, given = _of_arms(learn, ~held)
        low, high = _said(without, learn.X[held]), _said(given, learn.X[held])
        sign = np.where(learn.treated[held] == 1, 1.0, -1.0)
        own = np.where(sign > 0, high, low)
        score[held] = high - low + sign * (learn.outcome[held] - own) / learn.propensity[held]
    return _said(_grown(learn.X, score, "regression"), X)


def class_transformation(learn: World, X: pd.DataFrame) -> FloatArray:
    """One model of whether outcome and arm agree (Jaskowski & Jaroszewicz 2012)."""
    agrees = (learn.outcome == learn.treated).astype(np.float64)
    return 2.0 * _said(_grown(learn.X, agrees, "binary"), X) - 1.0


PEERS: dict[str, Callable[[World, pd.DataFrame], FloatArray]] = {
    "S": s_learner,
    "T": t_learner,
    "X": x_learner,
    "DR": dr_learner,
    "class": class_transformation,
}


def _of_arms(learn: World, rows: np.ndarray | None = None) -> tuple[lgb.Booster, lgb.Booster]:
    rows = np.ones(len(learn.X), dtype=bool) if rows is None else rows
    arms = [rows & (learn.treated == arm) for arm in (0, 1)]
    without, given = (_grown(learn.X[arm], learn.outcome[arm], "binary") for arm in arms)
    return without, given


def _with(X: pd.DataFrame, treated: FloatArray) -> pd.DataFrame:
    return X.assign(treated=treated)


def _grown(X: pd.DataFrame, target: FloatArray, objective: str) -> lgb.Booster:
    settings = SMALL | {"objective": objective}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = lgb.Dataset(X.to_numpy(), label=target, params=settings)
        return lgb.train(settings, data, num_boost_round=ROUNDS)


def _said(model: lgb.Booster, X: pd.DataFrame) -> FloatArray:
    return np.asarray(model.predict(X.to_numpy()), dtype=np.float64)
