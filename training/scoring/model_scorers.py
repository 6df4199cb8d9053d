"""A churn or CLV model with what scoring needs beside it, as a model folder holds them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from training.btyd.survival import SurvivalCurve
from training.errors import TrainingError
from training.evaluation import FloatArray, auc, coverage, ece, log_loss, normalised_gini
from training.models import artifact, churn, clv
from training.models.churn import ChurnModel
from training.models.clv import CLVModel
from training.models.tasks import CHURN_RISK, CLV_FORECAST, Task
from training.panel.snapshot import Snapshot
from training.scoring.columns import SURVIVAL_DAYS
from training.scoring.definition import Definition
from training.scoring.phrases import USUAL_SPEND
from training.scoring.probe import example, probe_of, require_alike
from training.scoring.reasons import reason_shares, reasons
from training.scoring.reference import Reference, live_or_lapsed


@dataclass(frozen=True)
class ChurnScorer:
    """A churn model with its definition and reference, as a model folder holds them."""

    task: ClassVar[Task] = CHURN_RISK
    model: ChurnModel
    definition: Definition
    reference: Reference

    def predict_frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score rows of a feature table.

        `churn_risk`, `risk_percentile` by the stored grid, `p_alive` and the survival curve.
        """
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        return self.predict_along(self.model.curve(table))

    def predict_along(self, curve: SurvivalCurve) -> pd.DataFrame:
        """The same, where the curves are known."""
        risk = curve.no_order(self.definition.horizon_days)
        columns = {
            "churn_risk": risk,
            "risk_percentile": self.reference.percentile(risk, "all"),
            "p_alive": curve.p_alive(),
            **{f"survival_{days}d": curve.no_order(days) for days in SURVIVAL_DAYS},
        }
        return pd.DataFrame(columns, index=curve.X.index)

    def reasons(self, table: pd.DataFrame) -> pd.DataFrame:
        """Why each row is at more risk than its like: the live are held against the live."""
        terms = self.definition
        return reasons(*self._explained(table), terms.categories, terms.own)

    def reason_shares(self, table: pd.DataFrame) -> pd.DataFrame:
        """How often each topic is a reason, over all rows: the shares `first` and `told`."""
        terms = self.definition
        return reason_shares(*self._explained(table), terms.categories, terms.own)

    def _explained(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What each feature adds above what is usual, and the table that phrases read."""
        added = self.model.contributions(table)
        usual = {
            company: np.array([means.get(str(column), 0.0) for column in added.columns])
            for company, means in self.reference.usual.items()
        }
        none = np.zeros(added.shape[1])
        company = [usual.get(str(name), none) for name in live_or_lapsed(table)]
        above = added - np.array(company).reshape(added.shape)
        known = table.assign(**{USUAL_SPEND: self.model.btyd_.day_spend})
        return above, known

    def against(self, since: Snapshot, elapsed_days: float) -> dict[str, float]:
        """The curves at the elapsed days against who had not ordered by then."""
        risk = self.model.curve(since.X).no_order(elapsed_days)
        return {
            "auc": auc(since.churned, risk),
            "log_loss": log_loss(since.churned, risk),
            "ece": ece(since.churned, risk),
            "mean_risk": float(risk.mean()),
            "churn_rate": float(since.churned.mean()),
        }

    def basis(self) -> str:
        """What the forecast rests on, in words."""
        return self.definition.with_shortage(self.model.basis())

    def meaning(self) -> str:
        """What is forecast, in a sentence."""
        return (
            f"`churn_risk` is the probability of no order with a positive amount in the "
            f"{self.definition.horizon_days} days from the instant of prediction, for customers "
            "with an order before it."
        )

    def save(self, folder: Path) -> None:
        """Write model, definition and reference as plain files."""
        self.model.save(folder)
        content = {"definition": self.definition.as_dict(), "reference": asdict(self.reference)}
        artifact.write_scoring(folder, {**content, "probe": _probe(self)})

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; use `load_model`, which tells of damage."""
        content = artifact.read_scoring(folder)
        definition = Definition.from_dict(content["definition"])
        return cls(ChurnModel.load(folder), definition, Reference.from_dict(content["reference"]))


@dataclass(frozen=True)
class CLVScorer:
    """A CLV model with its definition, as a model folder holds them."""

    task: ClassVar[Task] = CLV_FORECAST
    model: CLVModel
    definition: Definition

    def predict_frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Score rows of a feature table: `clv`, its parts and its intervals."""
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        return self.predict_given(table, self.model.predict_active(table))

    def predict_given(self, table: pd.DataFrame, p_active: FloatArray) -> pd.DataFrame:
        """The same, for a known chance of an order in the window, shape (customers,)."""
        require_table(table, self.model.columns_, self.definition.table_horizon_days)
        if_active, orders = self.model.predict_if_active(table), self.model.orders_if_active(table)
        low, high = self.model.intervals_.interval(if_active, p_active)
        low_if_active, high_if_active = self.model.intervals_.interval_if_active(if_active)
        columns = {
            "clv": p_active * if_active,
            "clv_low": low,
            "clv_high": high,
            "p_active": p_active,
            "orders_if_active": orders,
            "order_value": if_active / orders,
            "expected_orders": p_active * orders,
            "clv_if_active": if_active,
            "spend_if_active_low": low_if_active,
            "spend_if_active_high": high_if_active,
        }
        return pd.DataFrame(columns, index=table.index)

    def against(self, since: Snapshot, elapsed_days: float) -> dict[str, float]:
        """The values and intervals against what was spent; nothing before the window is over."""
        if elapsed_days != self.definition.horizon_days:
            return {}
        values: pd.DataFrame = self.predict_frame(since.X)
        forecast, spend, active = values["clv"].to_numpy(), since.spend, since.churned == 0
        given = values[active]
        if_active = (given["spend_if_active_low"], given["spend_if_active_high"])
        return {
            "total_forecast": float(forecast.sum()),
            "total_spend": float(spend.sum()),
            "normalised_gini": normalised_gini(spend, forecast),
            "coverage": coverage(spend, values["clv_low"], values["clv_high"]),
            "coverage_if_active": coverage(spend[active], *if_active) if active.any() else np.nan,
        }

    def basis(self) -> str:
        """What the forecast rests on, in words."""
        return self.definition.with_shortage(self.model.basis())

    def meaning(self) -> str:
        """What is forecast, in a sentence."""
        terms = self.definition
        margin = f", times a margin of {terms.margin_rate:g}" if terms.margin_rate != 1 else ""
        rate = terms.discount_rate_yearly
        discount = f", discounted at {rate:g} a year" if rate else ""
        return (
            f"`clv` is the expected spend in the {terms.horizon_days} days from the instant of "
            f"prediction, less refunds and never below 0{margin}{discount}."
        )

    def save(self, folder: Path) -> None:
        """Write model and definition as plain files."""
        self.model.save(folder)
        content = {"definition": self.definition.as_dict(), "probe": _probe(self)}
        artifact.write_scoring(folder, content)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; use `load_model`, which tells of damage."""
        content = artifact.read_scoring(folder)
        return cls(CLVModel.load(folder), Definition.from_dict(content["definition"]))


ModelScorer = ChurnScorer | CLVScorer


def load_model(folder: Path | str) -> ModelScorer:
    """Read a model folder of either kind.

    Raises
    ------
    TrainingError
        If it holds no model, a damaged one, one of a format that is not known here, or one that
        scores otherwise than when it was written.
    """
    readers: dict[str, Callable[[Path | str], ModelScorer]] = {
        churn.KIND: ChurnScorer.load,
        clv.KIND: CLVScorer.load,
    }
    kind = artifact.read(folder)["kind"]
    if kind not in readers:
        raise TrainingError(f"{folder} must hold one of {sorted(readers)}; it holds {kind!r}.")
    with artifact.undamaged(folder):
        found = readers[kind](folder)
        require_alike(_scored_example(found), artifact.read_scoring(folder)["probe"])
    return found


def require_readable(scorer: ModelScorer) -> None:
    """Refuse a model that does not score the same once it was written and read.

    Raises
    ------
    TrainingError, ExtensionError
        If it cannot be written or read, or scores otherwise.
    """
    with tempfile.TemporaryDirectory() as place:
        scorer.save(Path(place))
        load_model(place)


def _probe(scorer: ModelScorer) -> dict[str, Any]:
    return probe_of(_scored_example(scorer))


def _scored_example(scorer: ModelScorer) -> pd.DataFrame:
    rows = example(scorer.model.columns_, scorer.definition.table_horizon_days)
    scores: pd.DataFrame = scorer.predict_frame(rows)
    return scores


def require_table(table: pd.DataFrame, columns: list[str], horizon_days: int) -> None:
    """Refuse a feature table that the model was not trained for.

    Raises
    ------
    TrainingError
        If columns are missing, or the table was computed for another horizon.
    """
    missing = [c for c in columns if c not in table]
    if missing:
        raise TrainingError(
            f"the feature table must have the model's columns; {missing} are missing. Compute it "
            "with feature_table of the same version, feedback kinds and customer columns."
        )
    horizons = table["horizon_days"].unique()
    if len(table) and (len(horizons) != 1 or horizons[0] != horizon_days):
        raise TrainingError(
            f"the feature table must be for horizon_days = {horizon_days}; got {horizons.tolist()}."
        )
