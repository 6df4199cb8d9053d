"""The champions: which model is in force, whether another may take its place, and scoring by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.history.history import History
from training.errors import NoChampionError, TrainingError
from training.evaluation import Metric, log_loss, paired_bootstrap, tweedie_deviance
from training.registry.store import shown
from training.registry.tracking import RegisteredVersion, Tracker
from training.scoring.definition import Definition, shop_digest
from training.scoring.scorer import ChurnScorer, CLVScorer, Scorer, load_model
from training.selection.backtest import Backtest, JudgedForecast
from training.uplift.scoring import UpliftScorer

CHURN, CLV, UPLIFT = "churn-risk", "clv-forecast", "offer-uplift"
# Enough for the ends of a 95 % interval, and a few seconds for 100,000 customers.
ROUNDS = 400


@dataclass(frozen=True)
class GateDecision:
    """Whether a new version becomes champion, and why; logged with the run.

    Attributes
    ----------
    promoted : bool
    why : str
    champion_version : int or None
        The version that stood before.
    figures : mapping
        The figures compared.
    """

    promoted: bool
    why: str
    champion_version: int | None = None
    figures: Mapping[str, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready content."""
        return asdict(self)


def short_name(name: str) -> str:
    """What the metrics of a registered model begin with."""
    return "churn" if name == CHURN else "clv"


def load_scorer(tracker: Tracker, history: History | None = None) -> Scorer:
    """The two champions, ready to score.

    Parameters
    ----------
    tracker : Tracker
    history : History, optional
        The shop to be scored, uncut; champions of another shop are refused.

    Raises
    ------
    NoChampionError
        If there is no champion, or it was trained on another shop.
    TrainingError
        If the two do not belong together.
    """
    churn, clv = _load(tracker, CHURN), _load(tracker, CLV)
    if not (isinstance(churn[1], ChurnScorer) and isinstance(clv[1], CLVScorer)):
        raise TrainingError(f"{CHURN} and {CLV} hold models of the wrong kind. Train again.")
    scorer = Scorer(churn[1], clv[1], churn[0].version, clv[0].version)
    for term in ("shop", "currency", "timezone", "table_horizon_days"):
        ours, theirs = (getattr(s.definition, term) for s in (scorer.churn, scorer.clv))
        if ours != theirs:
            raise TrainingError(
                f"{CHURN} version {scorer.churn_version} and {CLV} version {scorer.clv_version} "
                f"must be of one {term}; got {ours} and {theirs}. Promote two versions of the same "
                "training."
            )
    definition = scorer.churn.definition
    if history is not None and not _is_shop_of(history, definition):
        raise NoChampionError(
            f"no champion for this definition: {CHURN} version {scorer.churn_version} was trained "
            "on another shop, or on a history that starts elsewhere. Run holdfast train on this "
            "one."
        )
    return scorer


def load_uplift(tracker: Tracker) -> UpliftScorer | None:
    """The champion of `offer-uplift`; None if there is none."""
    version = tracker.champion(UPLIFT)
    return None if version is None else UpliftScorer.load(tracker.folder(version))


def decide(
    tracker: Tracker, name: str, scorer: ChurnScorer | CLVScorer, backtest: Backtest, seed: int
) -> GateDecision:
    """Compare a new model with the champion: recipes on the same folds, then the artifact.

    The recipes' figures on the same folds are logged; the new one is the best of them. The
    champion's artifact is judged only at an origin after its own training: if it is clearly better
    there than the new recipe, it stays. A tie goes to the newer; a training on less history never
    takes over.

    Parameters
    ----------
    tracker : Tracker
    name : str
        Of the registered model.
    scorer : ChurnScorer or CLVScorer
        The new one.
    backtest : Backtest
        How its recipe was judged.
    seed : int
        Of the bootstrap.
    """
    standing = tracker.champion(name)
    if standing is None:
        return GateDecision(True, "first training: nothing stands against it")
    if standing.tags.get("lineage") != scorer.definition.lineage:
        why = "new lineage: the champion has another shop, horizon, currency or value definition"
        return GateDecision(True, why, standing.version)
    figures = _recipes(backtest, standing.tags.get("candidate", ""))
    try:
        champion = load_model(tracker.folder(standing))
    except TrainingError as error:
        why = f"the champion's artifact cannot be read: {error}"
        return GateDecision(True, why, standing.version, figures)
    if champion.definition.trained_as_of > scorer.definition.trained_as_of:
        why = "the champion was trained on a later history; promote by hand to go back"
        return GateDecision(False, why, standing.version, figures)
    judged = _after_training(champion, backtest)
    if judged is None:
        why = "no origin after the champion's training to judge its artifact; the newer one it is"
        return GateDecision(True, why, standing.version, figures)
    figures |= _duel(champion, scorer.definition, judged, seed)
    promoted = figures["artifact_difference_low"] <= 0
    why = (
        "no clear loss against the champion's artifact after its training; ties go to the newer"
        if promoted
        else "the champion's artifact is clearly better on labels after its own training"
    )
    return GateDecision(promoted, why, standing.version, figures)


def recoded(table: pd.DataFrame, now: Definition, then: Definition) -> pd.DataFrame:
    """A feature table with the codes of text attributes that another model was trained with."""
    columns = {}
    for attribute, values in now.categories.items():
        codes = {
            value: float(code) for code, value in enumerate(then.categories.get(attribute, ()))
        }
        others = {float(i): codes.get(value, np.nan) for i, value in enumerate(values)}
        columns[f"profile_{attribute}"] = table[f"profile_{attribute}"].map(others).astype(float)
    return table.assign(**columns)


def _recipes(backtest: Backtest, recipe: str) -> dict[str, float]:
    means = backtest.means()
    if recipe not in means.index:
        return {}
    criterion = means[backtest.criterion]
    return {
        "recipe_new": float(criterion[backtest.chosen]),
        "recipe_champion": float(criterion[recipe]),
    }


def _after_training(champion: ChurnScorer | CLVScorer, backtest: Backtest) -> JudgedForecast | None:
    """The last origin after the champion's training at which it can be judged.

    One origin, so that every customer counts once.
    """
    if champion.definition.horizon_days != backtest.window_days:
        return None
    since, needed = champion.definition.trained_as_of, set(champion.model.columns_)
    judged = [j for j in backtest.of(backtest.chosen) if j.judge.as_of >= since]
    judged = [j for j in judged if needed <= set(j.judge.X.columns)]
    return judged[-1] if judged else None


def _duel(
    champion: ChurnScorer | CLVScorer, definition: Definition, judged: JudgedForecast, seed: int
) -> dict[str, float]:
    """Difference of the criterion, new less champion, with its 95 % interval."""
    forecast = champion.predict_frame(recoded(judged.judge.X, definition, champion.definition))
    is_churn = isinstance(champion, ChurnScorer)
    metric: Metric = log_loss if is_churn else tweedie_deviance
    truth = judged.judge.churned if is_churn else judged.judge.spend
    theirs = forecast["churn_risk" if is_churn else "clv"].to_numpy()
    found = paired_bootstrap(metric, truth, judged.forecast, theirs, seed, ROUNDS)
    return {
        "artifact_difference": found.difference,
        "artifact_difference_low": found.low,
        "artifact_difference_high": found.high,
    }


def _is_shop_of(history: History, definition: Definition) -> bool:
    return shop_digest(history.upto(definition.trained_as_of)) == definition.shop


def _load(tracker: Tracker, name: str) -> tuple[RegisteredVersion, ChurnScorer | CLVScorer]:
    version = tracker.champion(name)
    if version is None:
        raise NoChampionError(
            f"no champion for {name} in {shown(tracker.uri)}. Run holdfast train first."
        )
    return version, load_model(tracker.folder(version))
