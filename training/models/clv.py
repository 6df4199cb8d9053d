"""CLVModel: what a customer will spend: P(any order) x orders if any x value of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import TweedieRegressor
from sklearn.utils.validation import check_is_fitted

from training.btyd.population import PopulationModel, capped, net_spend
from training.btyd.season import SeasonalLevel, youth
from training.errors import TrainingError
from training.evaluation import FloatArray
from training.models import artifact
from training.models.baselines import expected_at_past_rate
from training.models.churn import ChurnModel
from training.models.intervals import SpendIntervals
from training.panel.labels import Value
from training.panel.snapshot import ForecastOrigin, Snapshot, TrainingSet, latest

CANDIDATES = ("average", "past_rate", "btyd", "regression")
ACTIVITY_FOLDER = "activity"
PRIOR_DAYS = 3.0
# The regression's ridge is worth so many customers.
RIDGE_CUSTOMERS = 30.0
# Totals and slopes may hang on a few very large customers, but not on one absurd order.
FAR = 3.0
# The ridge is in units of a regressor's spread, which a few customers may hardly have.
LEAST_SPREAD = 0.1
TINY = 1e-9


class CLVModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Expected net spend within the horizon, `P(any order) x clv_if_active`.

    Parameters
    ----------
    candidate : str
        How `clv_if_active` is forecast. `average`: the same for everybody. `past_rate`: the
        customer's expected purchase days given at least one (zero-truncated Poisson at the past
        rate) times a mean spend per purchase day shrunk to that of all. `btyd`: purchase days
        given at least one by MBG/NBD times the credibility mean. `regression`: a Tweedie
        regression of power 1.5 that corrects `btyd` by its two factors and the number of past
        purchase days, so that it extrapolates to customers larger than any seen.
    horizon_days : float, optional
        The window that is forecast; default: that of the rows it learns from.
    value : Value, optional
        Margin and discount rate of the spend it learns from.
    seed : int
        Of the activity model that `fit` learns.

    Attributes
    ----------
    columns_ : list of str
        Columns of the feature table that `predict` needs.
    activity_ : ChurnModel
        Gives the chance of an order in the window.
    """

    def __init__(
        self,
        candidate: str = "regression",
        horizon_days: float | None = None,
        value: Value | None = None,
        seed: int = 0,
    ) -> None:
        self.candidate = candidate
        self.horizon_days = horizon_days
        self.value = value
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        churned: ArrayLike | None = None,
        days: ArrayLike | None = None,
    ) -> Self:
        """Learn from the rows of one or more snapshots, labelled over the table's horizon.

        Parameters
        ----------
        X : pandas.DataFrame, shape (rows, features)
        y : array-like, shape (rows,)
            Net spend in the window, 0 or more.
        churned : array-like, shape (rows,), optional
            1 where there was no order; default: where nothing was spent.
        days : array-like, shape (rows,), optional
            The instant of each row's snapshot; one snapshot if absent.

        Raises
        ------
        TrainingError
            If the candidate is unknown, or spend is negative.
        """
        lost = np.asarray(y) == 0 if churned is None else churned
        training_set = TrainingSet.of(X, lost, y, days)
        origin = latest(training_set.snapshots)
        activity = ChurnModel(horizon_days=self.horizon_days, seed=self.seed)
        return self.learn(training_set, origin, activity.learn([training_set], origin))

    def learn(
        self, training_set: TrainingSet, origin: ForecastOrigin, activity: ChurnModel | None = None
    ) -> Self:
        """Learn from snapshots to forecast from an origin.

        Parameters
        ----------
        training_set : TrainingSet
            Of the horizon, or of a shorter window where the history does not label the horizon.
        origin : ForecastOrigin
        activity : ChurnModel, optional
            Fitted for the same origin; without it only `predict_if_active` works.
        """
        if self.candidate not in CANDIDATES:
            raise TrainingError(f"candidate must be one of {CANDIDATES}; got {self.candidate!r}.")
        if (training_set.spend < 0).any():
            raise TrainingError(
                f"spend must be 0 or more; got {training_set.spend.min()}. "
                "Clip each customer's total at 0."
            )
        self.columns_ = [str(c) for c in origin.X.columns]
        self.horizon_ = float(self.horizon_days or training_set.window_days)
        self.btyd_, self.day_spend_ = origin.btyd, origin.btyd.day_spend
        self.coef_, self.scale_ = [0.0] * 3, 1.0
        if activity is not None:
            self.activity_ = activity
        window = training_set.window_days
        bought = [_Bought.at(s, self, window) for s in training_set.untreated if s.spend.any()]
        bought = [b for b in bought if b.ratio > 0]
        factors = self._factors(origin.X, self.btyd_, self.horizon_)
        self.mean_, self.intervals_ = (
            float(_base(factors).mean()),
            SpendIntervals.of(*np.zeros((2, 0))),
        )
        if not bought:  # Nobody spent anything yet: what MBG/NBD says is all there is.
            return self
        spend = np.concatenate([b.spend for b in bought])
        usual = float(np.average(spend, weights=np.concatenate([b.weight for b in bought])))
        self.mean_ = self._mean(usual, window, origin)
        expected = np.full(len(spend), usual)
        if self.candidate != "average":
            observed = [(b.as_of, np.log(b.ratio), b.variance) for b in bought]
            level = SeasonalLevel.of(observed).forecast(origin.as_of, window)
            self.scale_ = float(np.exp(level))
            expected = self._fit(bought, origin)
        self.intervals_ = SpendIntervals.of(expected, spend)
        return self

    def _mean(self, usual: float, window_days: float, origin: ForecastOrigin) -> float:
        """Mean spend given an order, in a window that may be longer than what was learnt."""
        value = self.value or Value()
        asked, learnt = (
            self.btyd_.orders_if_any(origin.X, days).mean() * value.mean_rate(days)
            for days in (self.horizon_, window_days)
        )
        return float(usual * asked / learnt)

    def _fit(self, bought: Sequence[_Bought], origin: ForecastOrigin) -> FloatArray:
        """Learn the slopes within snapshots; return what the fitted model expects of their rows."""
        factors = pd.concat([b.factors for b in bought])
        level = self.scale_
        if self.candidate == "regression":
            # Every snapshot has its own level, so that a season is not taken for a habit.
            offset = np.concatenate([capped(_base(b.factors), FAR) * b.ratio for b in bought])
            spend = np.concatenate([b.spend for b in bought])
            weight = np.concatenate([b.weight for b in bought])
            self.coef_ = _slopes(_logs(factors), spend, offset, weight)
            self._keep_total(origin)
            counted = weight * offset
            level *= float(counted.sum() / (counted * self._correction(factors)).sum())
        return np.asarray(level * _base(factors) * self._correction(factors))

    def _keep_total(self, origin: ForecastOrigin) -> None:
        """Scale, so that the slopes move spend between customers and leave its total."""
        factors = self._factors(origin.X, self.btyd_, self.horizon_)
        weight = capped(_base(factors), FAR) * expit(
            -self.btyd_.logit_no_order(origin.X, self.horizon_)
        )
        self.scale_ *= float(weight.sum() / (weight * self._correction(factors)).sum())

    def _correction(self, factors: pd.DataFrame) -> FloatArray:
        return np.asarray(np.exp((_logs(factors) * self.coef_).sum(axis=1)))

    def _factors(self, X: pd.DataFrame, btyd: PopulationModel, window_days: float) -> pd.DataFrame:
        days = X["purchase_days"].to_numpy()
        if self.candidate == "past_rate":
            rate = expected_at_past_rate(X) * window_days / X["horizon_days"].to_numpy()
            orders = rate / -np.expm1(-rate)
            value = (net_spend(X) + PRIOR_DAYS * self.day_spend_) / (days + PRIOR_DAYS)
        else:
            orders, value = btyd.orders_if_any(X, window_days), btyd.order_value(X)
        worth = (self.value or Value()).mean_rate(window_days)
        value = np.maximum(value, TINY + 0.01 * self.day_spend_) * worth
        return pd.DataFrame({"orders": orders, "value": value, "purchase_days": days}, X.index)

    def predict(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend, shape (customers,), in the currency."""
        return self.predict_active(X) * self.predict_if_active(X)

    def predict_active(self, X: pd.DataFrame) -> FloatArray:
        """Probability of any order in the window, shape (customers,)."""
        check_is_fitted(self, "activity_")
        return 1.0 - self.activity_.curve(X).no_order(self.horizon_)

    def predict_if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected net spend given at least one order, shape (customers,)."""
        check_is_fitted(self, "scale_")
        if self.candidate == "average":
            return np.full(len(X), self.mean_)
        factors = self._factors(X, self.btyd_, self.horizon_)
        return np.asarray(self.scale_ * _base(factors) * self._correction(factors))

    def orders_if_active(self, X: pd.DataFrame) -> FloatArray:
        """Expected purchase days in the window given at least one, shape (customers,)."""
        check_is_fitted(self, "scale_")
        orders: FloatArray = self.btyd_.orders_if_any(X, self.horizon_)
        return orders

    def save(self, folder: Path | str) -> None:
        """Write the model, and its activity model in a folder of its own, as plain files."""
        check_is_fitted(self, ["activity_", "scale_"])
        folder = Path(folder)
        content: dict[str, Any] = {
            "kind": "clv",
            "candidate": self.candidate,
            "horizon_days": self.horizon_,
            "value": None if self.value is None else asdict(self.value),
            "seed": self.seed,
            "columns": self.columns_,
            "btyd": self.btyd_.as_dict(),
            "mean": self.mean_,
            "day_spend": self.day_spend_,
            "scale": self.scale_,
            "coef": self.coef_,
            "spread": self.intervals_.as_dict(),
        }
        artifact.write(folder, content)
        self.activity_.save(folder / ACTIVITY_FOLDER)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model written by `save`."""
        content = artifact.read(folder, "clv")
        value = None if content["value"] is None else Value(**content["value"])
        model = cls(content["candidate"], content["horizon_days"], value, content["seed"])
        model.columns_, model.horizon_ = content["columns"], content["horizon_days"]
        model.btyd_, model.coef_ = PopulationModel(**content["btyd"]), content["coef"]
        model.mean_, model.scale_ = content["mean"], content["scale"]
        model.day_spend_, model.intervals_ = (
            content["day_spend"],
            SpendIntervals.from_dict(content["spread"]),
        )
        model.activity_ = ChurnModel.load(Path(folder) / ACTIVITY_FOLDER)
        return model


@dataclass(frozen=True)
class _Bought:
    """Those of a snapshot who ordered: the factors of their forecast and what they spent.

    `weight` says how many customers each stands for.
    """

    as_of: float
    factors: pd.DataFrame
    spend: FloatArray
    weight: FloatArray
    variance: float

    @classmethod
    def at(cls, snapshot: Snapshot, model: CLVModel, window_days: float) -> Self:
        """Take the factors at the pace that the window turned out to have."""
        pace, _ = snapshot.pace(window_days)
        btyd, active = snapshot.btyd.at_pace(pace, window_days), snapshot.churned == 0
        spend, weight = snapshot.spend[active], snapshot.weight[active]
        counted = weight * spend
        variance = float((counted**2).sum() / counted.sum() ** 2) + youth(snapshot.X)
        factors = model._factors(snapshot.X[active], btyd, window_days)
        return cls(snapshot.as_of, factors, spend, weight, variance)

    @property
    def ratio(self) -> float:
        """What was spent over what its factors come to."""
        came, expected = capped(self.spend), capped(_base(self.factors))
        return float((self.weight * came).sum() / (self.weight * expected).sum())


def _base(factors: pd.DataFrame) -> FloatArray:
    return np.asarray(factors["orders"] * factors["value"])


def _logs(factors: pd.DataFrame) -> FloatArray:
    """Regressors: the logarithms of the two factors and of the past purchase days."""
    return np.asarray(np.log(factors[["orders", "value", "purchase_days"]].to_numpy()))


def _slopes(
    X: FloatArray, spend: FloatArray, offset: FloatArray, weight: FloatArray
) -> list[float]:
    """Slopes of a Tweedie regression of power 1.5 with a log link, shape (regressors,).

    Tweedie-distributed spend with an offset is spend / offset with the weight offset ** 0.5, here
    times the number of customers that a row stands for.
    """
    spread = np.maximum(X.std(axis=0), LEAST_SPREAD)
    ridge = RIDGE_CUSTOMERS / len(X)
    regression = TweedieRegressor(power=1.5, link="log", alpha=ridge, max_iter=1000, tol=1e-6)
    offset = offset / offset.mean()
    counted = weight * np.sqrt(offset)
    regression.fit(X / spread, spend / spend.mean() / offset, sample_weight=counted)
    return [float(slope) for slope in regression.coef_ / spread]
