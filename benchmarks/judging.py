"""Judge forecasts of several origins in one row, and compare two of them customer by customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training import evaluation
from training.evaluation import FloatArray, PairedDifference

ROUNDS = 200
TAILS = (0.025, 0.975)
# Lower is better for these; for the others higher is.
LOSSES = frozenset(
    {"log_loss", "ece", "tweedie_deviance", "decile_mape", "mae_over_mean_spend", "absolute_bias"}
)
CHURN = ("auc", "log_loss", "ece")
SPEND = ("normalised_gini", "tweedie_deviance", "decile_mape", "absolute_bias",
         "mae_over_mean_spend")  # fmt: skip


def absolute_bias(spend: FloatArray, forecast: FloatArray) -> float:
    """How far the total forecast is from the total spend, as a share of it."""
    return abs(evaluation.total_bias(spend, forecast))


def metric_of(name: str) -> Callable[[FloatArray, FloatArray], float]:
    """The metric of a name."""
    found: Callable[[FloatArray, FloatArray], float]
    found = absolute_bias if name == "absolute_bias" else getattr(evaluation, name)
    return found


@dataclass(frozen=True)
class Origin:
    """One cell: what happened, and what every forecaster had said.

    Attributes
    ----------
    truth : pandas.DataFrame
        Index `customer_id`; `churned`, `spend`.
    forecasts : mapping of str to pandas.DataFrame
        Forecaster -> `churn_risk`, `spend` of the same customers; NaN where it says nothing.
    """

    truth: pd.DataFrame
    forecasts: Mapping[str, pd.DataFrame]

    def arrays(self, name: str, metric: str) -> tuple[FloatArray, FloatArray]:
        """What happened and what was forecast, for a metric."""
        actual, said = ("churned", "churn_risk") if metric in CHURN else ("spend", "spend")
        forecast = self.forecasts[name][said].reindex(self.truth.index).to_numpy(np.float64)
        return self.truth[actual].to_numpy(np.float64), forecast

    def says(self, name: str, metric: str) -> bool:
        """Whether a forecaster gives what the metric needs."""
        return name in self.forecasts and not np.isnan(self.arrays(name, metric)[1]).any()


def means(origins: Sequence[Origin], metrics: Sequence[str]) -> pd.DataFrame:
    """Mean over origins; index forecaster, those that spoke at every origin."""
    names = dict.fromkeys(name for origin in origins for name in origin.forecasts)
    rows = {
        name: {
            m: float(np.mean([metric_of(m)(*o.arrays(name, m)) for o in origins])) for m in metrics
        }
        for name in names
        if all(origin.says(name, metrics[0]) for origin in origins)
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def best(table: pd.DataFrame, metric: str, among: Sequence[str]) -> str:
    """The best of some forecasters by a metric."""
    column = table.loc[[name for name in table.index if name in among], metric]
    return str(column.idxmin() if metric in LOSSES else column.idxmax())


def paired(
    origins: Sequence[Origin], metric: str, one: str, other: str, seed: int = 0
) -> PairedDifference:
    """Mean over origins of how much higher a metric is for one forecaster, with its 95% interval.

    Customers are drawn with replacement, each with both forecasts at all origins (Efron &
    Tibshirani 1993, chapter 13).
    """
    everybody = pd.Index(sorted({c for origin in origins for c in origin.truth.index}))
    places = [everybody.get_indexer(origin.truth.index) for origin in origins]
    pairs = [(o.arrays(one, metric), o.arrays(other, metric)[1]) for o in origins]
    function = metric_of(metric)

    def difference(times: FloatArray | None) -> float:
        found = []
        for place, ((truth, a), b) in zip(places, pairs, strict=True):
            rows = slice(None) if times is None else np.repeat(np.arange(len(place)), times[place])
            found.append(function(truth[rows], a[rows]) - function(truth[rows], b[rows]))
        return float(np.mean(found))

    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(ROUNDS):
        picked = generator.integers(len(everybody), size=len(everybody))
        drawn.append(difference(np.bincount(picked, minlength=len(everybody))))
    low, high = np.nanquantile(drawn, TAILS)
    return PairedDifference(difference(None), float(low), float(high), ROUNDS)


def verdict(metric: str, found: PairedDifference) -> str:
    """Won, lost, or a tie within paired noise."""
    low, high = (found.low, found.high) if metric in LOSSES else (-found.high, -found.low)
    return "won" if high < 0 else "lost" if low > 0 else "tie"


def noise_floor_of_ece(risk: FloatArray, seed: int = 0, rounds: int = 20) -> float:
    """The mean ECE of outcomes drawn from the risks themselves."""
    generator = np.random.default_rng(seed)
    drawn = [evaluation.ece(generator.random(len(risk)) < risk, risk) for _ in range(rounds)]
    return float(np.mean(drawn))
