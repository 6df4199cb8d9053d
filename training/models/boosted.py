"""Boosted trees, or a constant where there is nothing to learn: the one door to LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from lightgbm.basic import LightGBMError

from training.evaluation import FloatArray
from training.models.boosting import Boosting

CONSTANT = "constant "
# Below it, waking threads costs more than they save.
THREADED_ROWS = 2000


@dataclass(frozen=True)
class BoostedTrees:
    """Trees, or a constant if there are none.

    Attributes
    ----------
    booster : lightgbm.Booster or None
    constant : float
    """

    booster: lgb.Booster | None
    constant: float = 0.0

    @classmethod
    def grow(
        cls,
        X: FloatArray,
        y: FloatArray,
        settings: Boosting,
        weight: FloatArray | None = None,
        offset: FloatArray | None = None,
    ) -> Self:
        """Grow trees; the mean, or nothing of no rows, where all targets are equal.

        Parameters
        ----------
        X : numpy.ndarray, shape (rows, columns)
        y : numpy.ndarray, shape (rows,)
        settings : Boosting
        weight : numpy.ndarray, shape (rows,), optional
        offset : numpy.ndarray, shape (rows,), optional
            On the link scale; the trees learn what is missing.
        """
        if len(y) < 2 or y.min() == y.max() or settings.rounds == 0:
            return cls(None, float(y.mean()) if len(y) else 0.0)
        parameters = settings.parameters(len(y))
        # Without names: LightGBM refuses some that a shop may give to a customer column.
        data = lgb.Dataset(
            X,
            label=y,
            weight=weight,
            init_score=offset,
            params=parameters,
            categorical_feature=list(settings.categorical),
        )
        return cls(lgb.train(parameters, data, num_boost_round=settings.rounds))

    def predict(self, X: FloatArray, rounds: int | None = None) -> FloatArray:
        """Expected value of each row, by the first rounds or all of them.

        Shape (rows,), or (rows, classes) of `multiclass`.
        """
        if self.booster is None or not len(X):
            return np.full(len(X), self.constant)
        return self._asked(X, num_iteration=rounds or -1)

    def raw(self, X: FloatArray) -> FloatArray:
        """What the trees add on the link scale, shape (rows,)."""
        if self.booster is None or not len(X):
            return np.zeros(len(X))
        return self._asked(X, raw_score=True)

    def contributions(self, X: FloatArray) -> FloatArray:
        """Exact tree SHAP contributions on the link scale, without the constant.

        Returns
        -------
        numpy.ndarray, shape (rows, columns)
        """
        if self.booster is None or not len(X):  # LightGBM divides by the number of rows here.
            return np.zeros(X.shape)
        return self._asked(X, pred_contrib=True)[:, :-1]

    def _asked(self, X: FloatArray, **what: Any) -> FloatArray:
        """LightGBM's answer: of few rows by one thread, since idle ones wait busily."""
        threads = {"num_threads": 1} if len(X) < THREADED_ROWS else {}
        booster: Any = self.booster
        return np.asarray(booster.predict(X, **what, **threads), dtype=np.float64)

    def text(self, rounds: int | None = None) -> str:
        """LightGBM's text of the first rounds, or the constant."""
        if self.booster is None:
            return f"{CONSTANT}{self.constant!r}\n"
        return str(self.booster.model_to_string(num_iteration=rounds or -1))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `text` gave.

        Raises
        ------
        ValueError
            If it is no text of a model.
        """
        if text.startswith(CONSTANT):
            return cls(None, float(text.removeprefix(CONSTANT)))
        try:
            return cls(lgb.Booster(model_str=text))
        except LightGBMError as error:
            raise ValueError(f"trees must be LightGBM's text; {error}") from error
